"""Concludes contrasts by what an account leaves: each in the family in which it was first asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from promptlab.analysis.account import Account
from promptlab.analysis.contrast import Contrast, ContrastT, conclude
from promptlab.analysis.look import Look
from promptlab.core.codes import Code
from promptlab.core.decision import Rule
from promptlab.core.looks import PastFamily, PastLook
from promptlab.core.reasons import Reason

More = Callable[[frozenset[str]], Sequence[ContrastT]]
"""Returns contrasts that ask these questions, by their digests, as far as the table has them."""

Named = Callable[[ContrastT], tuple[str, str, str | None]]
"""Returns the names of both sides, and the backend if it is one."""


def concluded(
    rows: Sequence[ContrastT],
    rule: Rule,
    question: str,
    more: More[ContrastT],
    beside: Sequence[ContrastT] = (),
    *,
    apart: int = 0,
) -> list[ContrastT]:
    """Give each row its verdict, in the family in which its question was first asked.

    Rows with evidence that is in the ledger are judged beside all that was asked with them then;
    `more` computes what is not among the rows. All that is new is one family, as large as all rows
    together. What is `beside` is of every family, and not returned; so are as many as are judged
    `apart` from these.
    """
    judged: dict[int, ContrastT] = {}
    for family in _families(rows):
        places = [at for at, row in enumerate(rows) if _known(row) is family]
        members = [_barred(rows[at]) for at in places]
        if family is not None:
            members += _missing(members, family, more)
        members += beside
        size = len(rows) + len(beside) + apart if family is None else family.size
        ruled = list(conclude(members, rule, question, max(size, len(members))))
        judged.update(zip(places, ruled, strict=False))
    return [_noted(judged[at]) for at in range(len(rows))]


def left_of(contrasts: Sequence[Contrast], rule: Rule) -> Rule:
    """Return the rule with the least level that earlier looks have left any of these."""
    return replace(rule, alpha=min((one.alpha(rule) for one in contrasts), default=rule.alpha))


def to_keep(
    rows: Sequence[ContrastT], account: Account, named: Named[ContrastT]
) -> PastFamily | None:
    """Return what of the rows is new to the ledger, None if nothing is.

    What bears no verdict is no look: it could have shown nothing. It is kept beside looks, so that
    it is known as of their family when it is asked for again.
    """
    new = [row for row in rows if row.look is not None and not row.look.kept]
    looks = tuple(_kept(row, row.look, *named(row)) for row in new if row.look is not None)
    if all(look.verdict == "refused" for look in looks):
        return None
    return PastFamily(
        at="",
        question=account.kind,
        size=max([len(rows), *(row.family.size for row in new if row.family is not None)]),
        scorer=account.table.scorer.label,
        suites=tuple(sorted({run.info.suite for run in account.table.runs})),
        runs=account.runs,
        arms=account.arms,
        cases=account.digest,
        declared=account.declared,
        use=account.use,
        looks=looks,
    )


def without_trace(rows: Sequence[ContrastT], why: str) -> list[ContrastT]:
    """Return the rows with the note that the ledger knows nothing of them, where it should."""
    text = f"this look could not be written into the ledger: {why}"
    note = Reason(Code.LOOK_NOT_KEPT, text, {"why": why})
    return [
        row
        if row.look is None or row.look.kept or row.verdict == "refused"
        else replace(row, warnings=(*row.warnings, note))
        for row in rows
    ]


def _known(row: Contrast) -> PastFamily | None:
    return None if row.look is None else row.look.known


def _families(rows: Sequence[Contrast]) -> list[PastFamily | None]:
    families: dict[int, PastFamily | None] = {}
    for row in rows:
        families.setdefault(id(_known(row)), _known(row))
    return list(families.values())


def _barred(row: ContrastT) -> ContrastT:
    """Refuse a row for which nothing is left."""
    if row.look is None or row.look.refusal is None:
        return row
    return replace(row, reasons=(*row.reasons, row.look.refusal))


def _missing(
    members: Sequence[ContrastT], family: PastFamily, more: More[ContrastT]
) -> list[ContrastT]:
    """Return what was asked together with these members, where the table still shows it."""
    wanted = {look.question for look in family.looks}
    wanted -= {row.look.question for row in members if row.look is not None}
    found = more(frozenset(wanted)) if wanted else ()
    return [row for row in found if _known(row) is family]


def _noted(row: ContrastT) -> ContrastT:
    """Tell which look it is, where there is something to tell."""
    if row.look is None or row.verdict == "refused":
        return row
    return replace(row, warnings=(*row.look.notes(), *row.warnings))


def _kept(row: Contrast, look: Look, a: str, b: str, backend: str | None) -> PastLook:
    return PastLook(
        question=look.question,
        evidence=look.evidence,
        a=a,
        b=b,
        backend=backend,
        cases=row.n,
        trials=look.trials,
        number=look.number,
        level=look.level,
        delta=row.delta,
        p=row.p,
        verdict=row.verdict,
    )
