"""The cases that a comparison won and lost, for a terminal: what was asked, both outputs."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from promptlab.report.terminal.diff_lines import STYLES, print_line
from promptlab.report.terminal.text import BOLD, DIM, plain_text
from promptlab.report.views.case_flips import CaseFlipView
from promptlab.report.views.comparison import ComparisonRow
from promptlab.report.wording import counted


def print_case_flips(console: Console, row: ComparisonRow, flips: Sequence[CaseFlipView]) -> None:
    """Print the cases that one comparison lost, then those that it won."""
    for won, word in ((False, "Lost"), (True, "Won")):
        shown = [each for each in flips if each.won is won]
        if shown:
            console.print()
            console.print(plain_text(f"{word} by {row.pair}: {counted(len(shown), 'case')}", BOLD))
        for each in shown:
            _print_case(console, each)


def _print_case(console: Console, each: CaseFlipView) -> None:
    for view in each.views:
        on = f" on {view.flip.backend}" if view.flip.backend else ""
        scores = f"  {view.scores}" if view.scores else ""
        console.print(plain_text(f"{each.case.case_id}{on}{scores}", BOLD))
        if each.asked:
            console.print(plain_text(f"  asked: {each.asked}", DIM))
        if each.expected is not None:
            console.print(plain_text(f"  expected: {each.expected}", DIM))
        for line in view.lines:
            print_line(console, line, STYLES[line.op])
