"""What a suite can show, for a terminal: the answer first, then what it rests on and takes."""

from __future__ import annotations

from rich.console import Console

from promptlab.report.terminal.tables import Column, print_fitted
from promptlab.report.terminal.text import plain_text, print_lines
from promptlab.report.views.planning import PlanningView
from promptlab.report.wording import UNKNOWN, size

_ROWS = 5  # pairs: all of it is to fit on one screen


def print_planning(console: Console, view: PlanningView) -> None:
    """Print what a suite can show."""
    console.print(plain_text(view.headline, "bold"))
    for line in view.lines:
        console.print(plain_text(line))
    if len(view.rows) > 1:
        console.print()
        _print_rows(console, view)
    print_lines(console, view.costs)


def _print_rows(console: Console, view: PlanningView) -> None:
    rows = sorted(view.rows, key=lambda row: -(row.needed or 0))[:_ROWS]
    rate = view.prospect.is_rate
    several = len({row.backend for row in view.rows}) > 1
    names = [f"{row.pair} on {row.backend}" if several else row.pair for row in rows]
    shown = [
        UNKNOWN if row.detectable is None else size(row.detectable, is_rate=rate) for row in rows
    ]
    needed = [UNKNOWN if row.needed is None else f"{row.needed:,}" for row in rows]
    columns = [
        Column("", names),
        Column("seen so far", [row.varies for row in rows], rank=2),
        Column("can show", shown, number=True),
        Column("cases needed", needed, number=True, rank=1),
    ]
    print_fitted(console, "By pair, the widest first", columns)
    if len(view.rows) > _ROWS:
        console.print(plain_text(f"{len(view.rows) - _ROWS} more, listed by --json"))
