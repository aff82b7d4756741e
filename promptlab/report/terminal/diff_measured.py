"""What was measured of two versions, for a terminal: the difference, and the cases that flipped."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from promptlab.report.terminal.diff_lines import STYLES, print_line
from promptlab.report.terminal.text import BOLD, DIM, plain_text
from promptlab.report.views.measured import FlipGroup, FlipView, MeasuredView, flip_groups
from promptlab.report.wording import counted, verdict_word

_FLIPS = 5  # shown of each kind
_LINES = 12  # shown of the outputs of one flip


def print_measured(
    console: Console,
    measured: Sequence[MeasuredView],
    flips: Sequence[FlipView],
    *,
    full: bool = False,
) -> None:
    """Print what was measured of two versions, then the cases that flipped, lost ones first."""
    for view in measured:
        console.print(Padding(_measured_text(view), 0))
    b = measured[0].comparison.b if measured else "b"
    for group in flip_groups(flips, b):
        console.print()
        _print_group(console, group, full=full)


def _measured_text(view: MeasuredView) -> Text:
    line = plain_text(f"{view.text}: ")
    line.append_text(plain_text(verdict_word(view.comparison.verdict), BOLD))
    return line.append_text(plain_text(f" ({view.reason})" if view.reason else ""))


def _print_group(console: Console, group: FlipGroup, *, full: bool) -> None:
    shown = group.flips if full else group.flips[:_FLIPS]
    console.print(plain_text(group.title, style=BOLD))
    for flip in shown:
        _print_flip(console, flip, full=full)
    if len(group.flips) > len(shown):
        console.print(f"... and {len(group.flips) - len(shown)} more: --full shows all.")


def _print_flip(console: Console, view: FlipView, *, full: bool) -> None:
    head = plain_text(view.flip.case_id, style=BOLD)
    if view.flip.backend:
        head.append_text(plain_text(f" on {view.flip.backend}"))
    if view.scores is not None:
        head.append_text(plain_text(f"  {view.scores}"))
    console.print(head)
    lines = view.lines
    shown = lines if full else lines[:_LINES]
    for line in shown:
        print_line(console, line, STYLES[line.op])
    if len(lines) > len(shown):
        more = counted(len(lines) - len(shown), "more line")
        console.print(plain_text(f"  ... {more}: --full shows all.", style=DIM))
