"""Comparisons as tables for a terminal of 80 columns, and in one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console

from promptlab.core.codes import Code
from promptlab.report.terminal.tables import Column, level_column, print_fitted
from promptlab.report.terminal.text import (
    AT_MOST,
    evidence_lines,
    open_lines,
    plain_text,
    print_lines,
    rests_on,
    verdict_text,
)
from promptlab.report.views.comparison import ComparisonRow, ComparisonTable, ComparisonView
from promptlab.report.views.contrast import Note
from promptlab.report.views.taken import HEADINGS, known_cells
from promptlab.report.wording import listed

_CASES = 8  # named in a line


def print_comparisons(
    console: Console, view: ComparisonView, command: str = "promptlab", *, full: bool = False
) -> None:
    """Print all comparisons: what they come to, a table for each baseline, and what to do next.

    `command` is how the user calls promptlab. The answers of more than two arms are shown if
    `full`: otherwise all of it is to fit on one screen.
    """
    console.print(plain_text(view.headline))
    for line in rests_on(view.evidence):
        console.print(plain_text(line))
    console.print()
    for place, table in enumerate(view.tables):
        if place:
            console.print()
        _print_table(console, table)
    if len(view.rows) <= AT_MOST:
        _print_taken(console, view.rows)
        print_lines(console, view.throughput)
    if full or len(view.rows) == 1:
        print_lines(console, view.answers)
    flips = _flipped(view.rows[0]) if len(view.rows) == 1 else ()
    notes = (note.line for note in _once(view.notes))
    print_lines(console, [*flips, *notes, *open_lines([question.line for question in view.open])])
    print_lines(console, evidence_lines(view.evidence))
    print_lines(console, [view.next.line(command)] if view.next else [])


def _once(notes: Sequence[Note]) -> Iterator[Note]:
    """Leave out where the same arm's differences from further arms come from: --json has all."""
    seen = set()
    for note in notes:
        of_the_arm = (note.reason.code, note.reason.arms, note.reason.backends)
        if note.reason.code is not Code.DIFFERENCE_IN_FORM or of_the_arm not in seen:
            yield note
        seen.add(of_the_arm)


def _print_table(console: Console, table: ComparisonTable) -> None:
    figures = [row.figures for row in table.rows]
    columns = [Column("", [row.name for row in table.rows])]
    if table.cases is None:
        columns.append(Column("n", [each.n for each in figures], number=True, rank=2))
    if table.mean_a is None:
        columns.append(Column("a", [each.mean_a for each in figures], number=True, rank=6))
    columns += [
        Column("b", [each.mean_b for each in figures], number=True, rank=4),
        Column(table.unit, [each.delta for each in figures], number=True),
        Column("interval", [each.interval for each in figures], rank=1),
        *level_column(table.levels),
        Column(
            table.p_heading,
            [each.p for each in figures],
            number=True,
            rank=1,
            short=table.short_p_heading,
        ),
        Column("won:lost", [each.won_lost for each in figures], number=True, rank=3),
        Column("tokens", [each.tokens for each in figures], number=True, rank=5),
        Column("verdict", [verdict_text(each.verdict) for each in figures]),
    ]
    print_fitted(console, table.title, columns)


_RANKS = {
    "tokens_interval": 2,
    "seconds_interval": 3,
    "usd_a_point": 1,
    "usd_a_point_interval": 2,
}
"""Which numbers on what a trial takes are left out first where there is no room."""


def _print_taken(console: Console, rows: Sequence[ComparisonRow]) -> None:
    """Print what a trial takes, if money or seconds are known; tokens are in the first table."""
    known = known_cells([row.taken for row in rows])
    columns = [
        Column(HEADINGS[name], cells, number=True, rank=_RANKS.get(name, 0))
        for name, cells in known.items()
    ]
    if columns:
        pairs = Column("b against a", [row.pair for row in rows])
        console.print()
        print_fitted(console, "What a trial takes", [pairs, *columns])


def _flipped(row: ComparisonRow) -> Iterator[str]:
    """Yield the cases that flipped, won and lost."""
    for how, cases in (("won", row.comparison.won), ("lost", row.comparison.lost)):
        if cases:
            yield f"{how} by {row.b}: {listed(cases, _CASES)}"
