"""The ledger of a suite as plain data: what was concluded of its cases, look by look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from promptlab.core.looks import PastFamily
from promptlab.report.wording import UNKNOWN, counted, p_value

_KINDS = {
    "version": "which version",
    "backend": "which backend",
    "group": "which version in which group",
    "tag": "which version on cases of which tag",
    "no-worse": "no worse than the baseline",
}


@dataclass(frozen=True, slots=True)
class LookRow:
    """One look in words: `name` says what was compared, `look` which look at it this was."""

    name: str
    cases: str
    trials: str
    look: str
    level: str
    p: str
    verdict: str


@dataclass(frozen=True, slots=True)
class FamilyTable:
    """The looks of one family, and a heading that says when and what it was."""

    heading: str
    family: PastFamily
    rows: tuple[LookRow, ...]


@dataclass(frozen=True, slots=True)
class LedgerView:
    """What was concluded of a suite, oldest first, and a sentence that counts it."""

    suite: str
    tables: tuple[FamilyTable, ...]
    total: str


def ledger_view(suite: str, families: Sequence[PastFamily]) -> LedgerView:
    """Return the view of a ledger."""
    looks = [look for family in families for look in family.concluded]
    questions = len({look.question for look in looks})
    uses = max((family.use or 0 for family in families), default=0)
    total = f"{counted(len(looks), 'look')} at {counted(questions, 'question')}"
    if uses:
        total += f"; the holdout was used {uses} of 3 times"
    return LedgerView(suite, tuple(map(_table, families)), f"{total}.")


def _table(family: PastFamily) -> FamilyTable:
    return FamilyTable(_heading(family), family, tuple(_rows(family)))


def _heading(family: PastFamily) -> str:
    kind = _KINDS.get(family.question, family.question)
    parts = [
        f"{family.at[:16].replace('T', ' ')}  {kind}, {family.scorer}",
        counted(family.size, "comparison"),
        f"run {' '.join(family.runs)}",
    ]
    if family.declared is not None:
        parts.append("until decided")
    if family.use is not None:
        parts.append(f"use {family.use} of 3 of a holdout")
    return ", ".join(parts)


def _rows(family: PastFamily) -> list[LookRow]:
    places = {look.backend for look in family.concluded}
    return [
        LookRow(
            name=f"{look.b} against {look.a}"
            + (f" on {look.backend or 'all'}" if len(places) > 1 else ""),
            cases=f"{look.cases:,}",
            trials=f"{look.trials:,}",
            look=str(look.number),
            level=_level(look.level),
            p=UNKNOWN if look.p is None else p_value(look.p),
            verdict=look.verdict,
        )
        for look in family.concluded
    ]


def _level(level: float) -> str:
    return f"{level:.3g}"
