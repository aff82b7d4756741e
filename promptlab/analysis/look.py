"""Which look at its question a contrast is, and what that leaves of the level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from promptlab.core.codes import Code
from promptlab.core.looks import PastFamily, PastLook
from promptlab.core.messages import Json
from promptlab.core.reasons import Reason
from promptlab.stats.multiplicity import level_of_look

USES = 3  # of a holdout: from then on it is a set of cases like others
_ORDINALS = ("second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_LISTED = 4  # earlier looks in one line


@dataclass(frozen=True, slots=True)
class Look:
    """A look at a question, by the digests of the question and of its evidence.

    `alpha` is the level of a first look, `number` counts from 1. `known` is the family in which the
    same evidence was concluded before, None where it is new; `kept` says that the ledger has it to
    the last score, which it has not where a run that is to stop early has gone on. `before` are the
    looks at the same question with other evidence on these cases, and `beside` the families that
    were concluded without this question, though both of its sides were measured. `use` tells which
    use of a holdout it is, None for other cases.
    """

    question: str
    evidence: str
    trials: int
    alpha: float
    number: int = 1
    known: PastFamily | None = None
    kept: bool = False
    before: tuple[PastLook, ...] = ()
    beside: tuple[PastFamily, ...] = field(default=(), repr=False)
    use: int | None = None

    @property
    def level(self) -> float:
        """Return the level that earlier looks have left."""
        return level_of_look(self.alpha, self.number)

    @property
    def refusal(self) -> Reason | None:
        """Return why no verdict can be given any more, if so."""
        if self.use is None or self.use <= USES:
            return None
        text = f"this holdout was used {USES} times: draw new cases for another confirmation"
        return Reason(Code.HOLDOUT_USED_UP, text, {"uses": self.use - 1})

    def notes(self) -> Iterator[Reason]:
        """Yield which look it is, where that matters."""
        level = self.level
        left = f": level {_short(level)}" if self.number > 1 else ""
        if self.use is not None:
            text = f"use {self.use} of {USES} of this holdout"
            left_here = "" if self.before or self.beside else left
            about: dict[str, Json] = {"use": self.use, "level": level}
            yield Reason(Code.HOLDOUT_USED, text + left_here, about)
        if self.before:
            about = {
                "number": self.number,
                "level": level,
                "cases": [look.cases for look in self.before],
                "verdicts": [look.verdict for look in self.before],
            }
            text = f"{_ordinal(self.number)} look ({_told(self.before)}){left}"
            yield Reason(Code.LOOKED_AGAIN, text, about)
        elif self.beside:
            count = sum(len(family.looks) for family in self.beside)
            others = "another comparison" if count == 1 else f"{count} other comparisons"
            text = f"asked after {others} of these cases{left}"
            yield Reason(Code.ASKED_BESIDE, text, {"others": count, "level": level})


def _ordinal(number: int) -> str:
    return _ORDINALS[number - 2] if number - 2 < len(_ORDINALS) else f"{number}th"


def _told(looks: Sequence[PastLook]) -> str:
    """Return what earlier looks showed: by cases, or by trials where the cases are as many."""
    by_cases = len({look.cases for look in looks}) > 1 or len(looks) == 1
    parts = [
        f"{look.cases if by_cases else look.trials:,} {'' if at else unit}{look.verdict}"
        for unit in ("cases " if by_cases else "trials ",)
        for at, look in enumerate(looks)
    ]
    left_out = len(parts) - _LISTED
    return ", ".join(parts[:_LISTED]) + (f" and {left_out} more" if left_out > 0 else "")


def _short(level: float) -> str:
    """Return a level with two digits: .0025."""
    return f"{level:.2g}".removeprefix("0")
