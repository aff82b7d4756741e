"""The effects of practices as a forest plot for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from promptlab.analysis.estimates import PracticeEffect
from promptlab.report.terminal.tables import (
    BETWEEN,
    Column,
    fitted,
    level_column,
    print_fitted,
    total_width,
)
from promptlab.report.terminal.text import (
    evidence_lines,
    open_lines,
    plain_text,
    print_lines,
    rests_on,
    verdict_text,
)
from promptlab.report.views.practices import PracticeRow, PracticesView, Scale

_NARROWEST, _WIDEST = 11, 31  # columns of the plot
_APART_FROM = 72  # columns of the terminal; a narrower one has no room for a table of its own


def print_practices(console: Console, view: PracticesView) -> None:
    """Print a row for each practice, below it one for each model, and what they rest on.

    The plot is a column of the table or, where there is no room for it, a table of its own.
    """
    for line in rests_on(view.evidence):
        console.print(plain_text(line))
    columns = _columns(view)
    least = console.width - BETWEEN - _least(view.scale)
    beside = fitted(columns, least)
    if total_width(beside) <= least:
        room = console.width - total_width(beside) - BETWEEN
        columns = [*beside[:-2], _plot_column(view.shown, view.scale, room), *beside[-2:]]
    print_fitted(console, view.title, columns)
    if total_width(beside) > least and console.width >= _APART_FROM:
        _print_plot(console, view)
    print_lines(console, [*(each.line for each in view.definitions), *view.not_apart])
    lines = [note.line for note in view.notes]
    lines += [f"models in general: {reason.text}" for reason in view.silence]
    lines += [each.line for each in view.heterogeneity]
    print_lines(console, [*lines, *open_lines([each.line for each in view.open])])
    print_lines(console, evidence_lines(view.evidence))


def _print_plot(console: Console, view: PracticesView) -> None:
    """Print the plot as a table of its own, of all effects that have an interval."""
    rows = [row for row in view.shown if row.effect.ci_simultaneous is not None]
    if not rows:
        return
    names = Column("", [_in_full(row) for row in rows])
    room = console.width - names.width - BETWEEN
    console.print()
    print_fitted(console, f"Intervals, {view.unit}", [names, _plot_column(rows, view.scale, room)])


def _columns(view: PracticesView) -> list[Column]:
    """Return all columns but the plot."""
    figures = [row.figures for row in view.shown]
    return [
        Column("practice", [_named(row) for row in view.shown]),
        Column(view.unit, [each.delta for each in figures], number=True),
        Column("interval", [each.interval for each in figures], rank=1),
        *level_column(view.levels),
        Column(
            view.p_heading,
            [each.p for each in figures],
            number=True,
            rank=1,
            short=view.short_p_heading,
        ),
        Column("tokens", [each.tokens for each in figures], number=True, rank=3),
        Column("verdict", [verdict_text(each.verdict, each.said) for each in figures]),
    ]


def _in_full(row: PracticeRow) -> str:
    """Return the name of a row that stands alone."""
    if not row.place:
        return row.practice
    between = " " if row.place.startswith("on ") else ", "
    return f"{row.practice}{between}{row.place}"


def _named(row: PracticeRow) -> str:
    """Return the name of a row: the practice, or for rows below it the place."""
    if row.place is None:
        return row.practice
    return f"{row.practice} {row.place}" if row.leads else f"  {row.place}"


def _least(scale: Scale) -> int:
    """Return how many columns a plot takes at least."""
    return 2 * max((_NARROWEST - 1) // 2, len(scale.low), len(scale.high)) + 1


def _plot_column(rows: Sequence[PracticeRow], scale: Scale, room: int) -> Column:
    """Return the forest plot, as wide as there is room."""
    half = max((min(max(room, _NARROWEST), _WIDEST) - 1) // 2, len(scale.low), len(scale.high))
    cells = [_plot(row.effect, scale.reach, half) for row in rows]
    return Column(f"{scale.low.ljust(half)}0{scale.high.rjust(half)}", cells, rank=2)


def _plot(effect: PracticeEffect, reach: float, half: int) -> str:
    """Draw an effect and its interval around zero, with `half` columns on either side."""
    line = ["·"] * (2 * half + 1)
    line[half] = "│"
    if effect.delta is None:
        return "".join(line)
    known = effect.ci_simultaneous or (effect.delta,)
    low, middle, high = (
        half + round(value / reach * half) for value in (min(known), effect.delta, max(known))
    )
    line[low : high + 1] = "─" * (high - low + 1)
    line[half] = "┼" if low <= half <= high else "│"
    line[middle] = "●"
    return "".join(line)
