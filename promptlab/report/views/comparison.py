"""A family of comparisons as plain data: tables, what a trial takes, notes, and the conclusion."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from promptlab.analysis.compare import Comparison
from promptlab.analysis.contrast import Change
from promptlab.core.decision import Rule
from promptlab.core.reasons import Reason
from promptlab.report.views.conclusion import Conclusion, conclusion
from promptlab.report.views.contrast import (
    Figures,
    Note,
    OpenQuestion,
    figures_of,
    notes_on,
    open_question,
)
from promptlab.report.views.names import Names
from promptlab.report.wording import UNKNOWN, counted, level, mean

Unit = Literal["points", "delta"]
_Place = tuple[str | None, str]
"""Where a table stands: a backend, and the arm that others are set against."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a trial of b takes more than one of a, in words; `usd_a_point` buys one more point."""

    tokens: str
    tokens_interval: str
    seconds: str
    seconds_interval: str
    usd: str
    usd_a_point: str


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One comparison: its numbers, these in words, and what is said of it.

    `name` tells it apart within its table, `pair` from all others; `b` is the short name of its
    arm. `open` says what more cases would show, where it is undecided.
    """

    name: str
    pair: str
    b: str
    comparison: Comparison
    figures: Figures
    taken: Taken
    open: Reason | None


@dataclass(frozen=True, slots=True)
class ComparisonTable:
    """All that is set against arm `a` in one place, `place` being None if there is no other.

    `cases` and `mean_a` are those of all rows, None where rows differ in them; the title tells
    them too. `unit` is that of the differences.
    """

    title: str
    a: str
    place: str | None
    unit: Unit
    cases: int | None
    mean_a: str | None
    rows: tuple[ComparisonRow, ...]


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """Comparisons of joined runs by one scorer. `rows` has them in order, `tables` by baseline.

    `evidence` says from where an arm was taken that the runs do not have.
    """

    run_ids: tuple[str, ...]
    scorer: str
    rule: Rule
    rows: tuple[ComparisonRow, ...]
    tables: tuple[ComparisonTable, ...]
    notes: tuple[Note, ...]
    open: tuple[OpenQuestion, ...]
    conclusion: Conclusion | None
    evidence: tuple[str, ...]


def comparison_view(
    run_ids: Sequence[str],
    scorer: str,
    comparisons: Sequence[Comparison],
    rule: Rule,
    notes: Sequence[str] = (),
) -> ComparisonView:
    """Make the view of a family of comparisons; `notes` are on the evidence."""
    names = Names(comparisons)
    arms: defaultdict[_Place, set[str]] = defaultdict(set)
    for one in comparisons:
        arms[_place_of(one)].add(one.b)
    rows = tuple(
        _row(one, names, rule, alone=len(arms[_place_of(one)]) == 1) for one in comparisons
    )
    return ComparisonView(
        run_ids=tuple(run_ids),
        scorer=scorer,
        rule=rule,
        rows=rows,
        tables=tuple(_tables(scorer, rows, names, rule)),
        notes=notes_on([(row.comparison, row.pair) for row in rows], names.short),
        open=tuple(
            OpenQuestion(row.pair, row.open)
            for row in rows
            if row.open is not None and row.comparison.group is None
        ),
        conclusion=conclusion(comparisons, names, rule),
        evidence=tuple(notes),
    )


def _row(one: Comparison, names: Names, rule: Rule, *, alone: bool) -> ComparisonRow:
    return ComparisonRow(
        name=_row_name(one, names.short(one.b), alone=alone),
        pair=names.pair(one),
        b=names.short(one.b),
        comparison=one,
        figures=figures_of(one),
        taken=_taken(one),
        open=open_question(one, rule),
    )


def _row_name(one: Comparison, b: str, *, alone: bool) -> str:
    """Name a row by its arm, by its group where its table has but one arm, or by both."""
    if one.group is None:
        return b
    return one.group if alone else f"{b}, {one.group}"


def _place_of(one: Comparison) -> _Place:
    return one.backend, one.a


def _tables(
    scorer: str, rows: Sequence[ComparisonRow], names: Names, rule: Rule
) -> Iterator[ComparisonTable]:
    """Yield a table for each arm that others are set against, in each place."""
    tables: defaultdict[_Place, list[ComparisonRow]] = defaultdict(list)
    for row in rows:
        tables[_place_of(row.comparison)].append(row)
    for members in tables.values():
        first = members[0].comparison
        place = names.place(first)
        means = {row.figures.mean_a for row in members}
        counts = {row.comparison.n for row in members}
        title = f"{scorer}{f' {place}' if place else ''}, against {names.short(first.a)}"
        if len(means) == 1:
            title += f" ({mean(first.mean_a, is_rate=first.is_rate)})"
        if len(counts) == 1:
            title += f", {counted(first.n, 'case')}"
        yield ComparisonTable(
            title=f"{title}, {level(rule)}",
            a=names.short(first.a),
            place=place,
            unit="points" if first.is_rate else "delta",
            cases=first.n if len(counts) == 1 else None,
            mean_a=means.pop() if len(means) == 1 else None,
            rows=tuple(members),
        )


def _taken(one: Comparison) -> Taken:
    tokens, tokens_interval = _change(one.tokens, 0)
    seconds, seconds_interval = _change(one.latency_s, 2)
    price = one.usd_per_point
    if price is not None and one.is_rate:
        price /= 100  # a point is one of a hundred where scores are rates
    return Taken(
        tokens=tokens,
        tokens_interval=tokens_interval,
        seconds=seconds,
        seconds_interval=seconds_interval,
        usd=UNKNOWN if one.cost_usd is None else f"{one.cost_usd.delta:+.2g}",
        usd_a_point=UNKNOWN if price is None else f"{price:.2g}",
    )


def _change(change: Change | None, digits: int) -> tuple[str, str]:
    if change is None:
        return UNKNOWN, UNKNOWN
    signed = [f"{value:+,.{digits}f}" for value in (change.delta, *(change.ci or ()))]
    return signed[0], " to ".join(signed[1:]) or UNKNOWN
