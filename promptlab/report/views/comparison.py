"""A family of comparisons as plain data: tables, costs per trial, notes, and the conclusion."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from promptlab.analysis.basis import Basis
from promptlab.analysis.compare import Comparison
from promptlab.core.decision import Rule
from promptlab.core.reasons import Reason
from promptlab.core.worked import Worked
from promptlab.report.views.answers import answer_lines
from promptlab.report.views.conclusion import Conclusion, conclusion, headline
from promptlab.report.views.contrast import (
    Figures,
    Note,
    OpenQuestion,
    family_size,
    figures_of,
    held_for,
    levels_of,
    notes_on,
    open_question,
)
from promptlab.report.views.names import Names
from promptlab.report.views.next_step import NextStep, next_step
from promptlab.report.views.taken import Taken, taken_by
from promptlab.report.views.throughput import throughput_lines
from promptlab.report.wording import (
    counted,
    mean,
    p_heading,
    short_p_heading,
)

Unit = Literal["points", "delta"]
_Place = tuple[str | None, str]
"""What a table is for: a backend, and the arm that others are compared with."""


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One comparison: its numbers, also in words, and what to say about it.

    `name` is unique within its table, `pair` within the family; `b` is the short name of its
    arm. `open` says what more cases would show, if it is undecided.
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
    """All comparisons with arm `a` in one place; `place` is None if there is only one.

    `cases` and `mean_a` hold for all rows, and are None if rows differ in them; the title has
    them too. `unit` is that of the differences, `p_heading` says what the p-values are,
    `short_p_heading` the same where there is little room. `levels` are those of the rows'
    intervals, None if all have the same.
    """

    title: str
    a: str
    place: str | None
    unit: Unit
    p_heading: str
    short_p_heading: str
    cases: int | None
    mean_a: str | None
    levels: Sequence[str] | None
    rows: tuple[ComparisonRow, ...]


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """Comparisons of joined runs by one scorer. `rows` has them in order, `tables` by baseline.

    `evidence` has notes on the runs: an arm that they lack was taken from another, or others have
    more cases. `headline` is what it comes to, `next` what to do now. `answers` are lines on which
    answers each arm gives how often, for scorers that tell labels apart.
    """

    run_ids: tuple[str, ...]
    scorer: str
    secondary: bool
    batched: Mapping[str, Worked | None]
    rule: Rule
    rows: tuple[ComparisonRow, ...]
    tables: tuple[ComparisonTable, ...]
    notes: tuple[Note, ...]
    open: tuple[OpenQuestion, ...]
    headline: str
    conclusion: Conclusion | None
    evidence: tuple[Reason, ...]
    next: NextStep | None
    answers: tuple[str, ...]

    @property
    def throughput(self) -> tuple[str, ...]:
        """Return how much backends got done whose seconds are not compared, line by line."""
        return throughput_lines(self.batched)


def comparison_view(basis: Basis, comparisons: Sequence[Comparison], rule: Rule) -> ComparisonView:
    """Return the view of a family of comparisons."""
    names = Names(comparisons)
    concluded = conclusion(comparisons, names, rule)
    arms: defaultdict[_Place, set[str]] = defaultdict(set)
    for comparison in comparisons:
        arms[_place_of(comparison)].add(comparison.b)
    rows = tuple(
        _row(comparison, names, rule, alone=len(arms[_place_of(comparison)]) == 1)
        for comparison in comparisons
    )
    return ComparisonView(
        run_ids=basis.run_ids,
        scorer=basis.scorer,
        secondary=basis.secondary,
        batched=basis.batched,
        rule=rule,
        rows=rows,
        tables=tuple(_tables(basis.scores, rows, names, rule)),
        notes=notes_on([(row.comparison, row.pair) for row in rows], names.short),
        open=tuple(
            OpenQuestion(row.pair, row.open)
            for row in rows
            if row.open is not None and row.comparison.part is None
        ),
        headline=headline(concluded, comparisons, names),
        conclusion=concluded,
        evidence=basis.notes,
        next=next_step(basis, comparisons),
        answers=answer_lines(comparisons, names.short),
    )


def _row(comparison: Comparison, names: Names, rule: Rule, *, alone: bool) -> ComparisonRow:
    return ComparisonRow(
        name=_row_name(comparison, names.short(comparison.b), alone=alone),
        pair=names.pair(comparison),
        b=names.short(comparison.b),
        comparison=comparison,
        figures=figures_of(comparison),
        taken=taken_by(comparison),
        open=open_question(comparison),
    )


def _row_name(comparison: Comparison, b: str, *, alone: bool) -> str:
    """Return the name of a row: its arm, its group or tag if that is the only arm, or both."""
    if comparison.part is None:
        return b
    return comparison.part if alone else f"{b}, {comparison.part}"


def _place_of(comparison: Comparison) -> _Place:
    return comparison.backend, comparison.a


def _tables(
    scores: str, rows: Sequence[ComparisonRow], names: Names, rule: Rule
) -> Iterator[ComparisonTable]:
    """Yield a table for each baseline, in each place."""
    tables: defaultdict[_Place, list[ComparisonRow]] = defaultdict(list)
    for row in rows:
        tables[_place_of(row.comparison)].append(row)
    for members in tables.values():
        first = members[0].comparison
        place = names.place(first)
        means = {row.figures.mean_a for row in members}
        counts = {row.comparison.n for row in members}
        title = f"{scores}{f' {place}' if place else ''}, against {names.short(first.a)}"
        if len(means) == 1:
            title += f" ({mean(first.mean_a, is_rate=first.is_rate)})"
        if len(counts) == 1:
            title += f", {counted(first.n, 'case')}"
        contrasts = [row.comparison for row in members]
        yield ComparisonTable(
            title=f"{title}, {held_for(contrasts, rule)}",
            a=names.short(first.a),
            place=place,
            unit="points" if first.is_rate else "delta",
            p_heading=p_heading(family_size(contrasts)),
            short_p_heading=short_p_heading(family_size(contrasts)),
            cases=first.n if len(counts) == 1 else None,
            mean_a=means.pop() if len(means) == 1 else None,
            levels=levels_of(contrasts, rule),
            rows=tuple(members),
        )
