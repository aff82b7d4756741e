"""Flips by hunk, for a terminal: each hunk with the cases that flipped where it alone changed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from promptlab.report.terminal.diff_lines import STYLES, print_line
from promptlab.report.terminal.text import BOLD, DIM, plain_text, print_lines
from promptlab.report.views.flips import FlipsView, HunkView
from promptlab.report.wording import counted

_LINES = 6  # shown of one hunk
_CASES = 20  # named of each kind


def print_flips(console: Console, view: FlipsView, *, full: bool = False) -> None:
    """Print the hunks with their flips, then what is to be said of them all.

    The lines and the flips of a hunk that stands alone are those above it.
    """
    if not view.is_measured:
        return
    if view.are_several:
        console.print()
        console.print(plain_text(f"Flips by hunk, {view.a} -> {view.b}", style=BOLD))
        for hunk in view.hunks:
            _print_hunk(console, hunk, full=full)
    print_lines(console, view.notes)
    if view.separate is not None:
        console.print(plain_text(f"To tell them apart: {view.separate}"), soft_wrap=True)


def _print_hunk(console: Console, hunk: HunkView, *, full: bool) -> None:
    console.print()
    console.print(plain_text(hunk.title, style=BOLD))
    lines = [line for passage in hunk.passages for line in passage.lines]
    shown = lines if full else lines[:_LINES]
    for line in shown:
        print_line(console, line, STYLES[line.op])
    if len(lines) > len(shown):
        more = counted(len(lines) - len(shown), "more line")
        console.print(plain_text(f"  ... {more}: --full shows all.", style=DIM))
    console.print(plain_text(hunk.sentence))
    _print_cases(console, "Won", hunk.won, full=full)
    _print_cases(console, "Lost", hunk.lost, full=full)


def _print_cases(console: Console, kind: str, cases: Sequence[str], *, full: bool) -> None:
    shown = cases if full else cases[:_CASES]
    if not shown:
        return
    more = f" and {len(cases) - len(shown)} more: --full names all" * (len(cases) > len(shown))
    console.print(plain_text(f"{kind}: {', '.join(shown)}{more}"))
