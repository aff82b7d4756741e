"""What was measured of two versions, for a terminal: the difference, and the cases that flipped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from promptlab.analysis.compare import Comparison
from promptlab.report.terminal.diff_lines import BOLD, DIM, STYLES, print_line, visible
from promptlab.report.terminal.figures import bounds, difference, mean, p_value
from promptlab.report.terminal.tables import counted
from promptlab.templates.diff import Flip
from promptlab.templates.text_diff import Line, diff_texts

_FLIPS = 5  # shown of each kind
_LINES = 12  # shown of the outputs of one flip


def print_measured(
    console: Console,
    comparisons: Sequence[Comparison],
    flips: Sequence[Flip],
    *,
    full: bool = False,
) -> None:
    """Print what was measured of two versions, then the cases that flipped, lost ones first."""
    for comparison in comparisons:
        console.print(Padding(_comparison_text(comparison), 0))
    better = comparisons[0].b if comparisons else "b"
    kinds: dict[str, list[Flip]] = {
        f"Lost by {better}": [],
        f"Won by {better}": [],
        "As before": [],
    }
    lost, won, alike = kinds.values()
    for flip in flips:
        change = (flip.score_b or 0.0) - (flip.score_a or 0.0)
        (lost if change < 0 else won if change > 0 else alike).append(flip)
    for title, kind in kinds.items():
        if kind:
            console.print()
            _print_flips(console, title, kind, full=full)


def _comparison_text(found: Comparison) -> Text:
    where = f"measured on {found.backend}" if found.backend else "measured"
    rate = found.is_rate
    means = f"{mean(found.mean_a, is_rate=rate)} -> {mean(found.mean_b, is_rate=rate)}"
    told = [f"{where}: {found.scorer} {means} ({counted(found.n, 'case')})"]
    if found.delta is not None:
        told.append(f"{difference(found.delta, is_rate=rate)}{' points' * rate}")
    if found.ci is not None:
        told.append(f"interval {bounds(found.ci, is_rate=rate)}")
    if found.p_adjusted is not None:
        told.append(f"p {p_value(found.p_adjusted)}")
    told.append(f"{len(found.won)} won, {len(found.lost)} lost, {found.ties} tied")
    line = Text(visible(", ".join(told) + ": "))
    line.append(visible(found.verdict), style=BOLD)
    return line.append(visible(f" ({found.reason})" if found.reason else ""))


def _print_flips(console: Console, title: str, flips: Sequence[Flip], *, full: bool) -> None:
    shown = flips if full else flips[:_FLIPS]
    console.print(
        Text(
            visible(f"{title}: {counted(len({flip.case_id for flip in flips}), 'case')}"),
            style=BOLD,
        )
    )
    for flip in shown:
        _print_flip(console, flip, full=full)
    if len(flips) > len(shown):
        console.print(f"... and {len(flips) - len(shown)} more: --full shows all.")


def _print_flip(console: Console, flip: Flip, *, full: bool) -> None:
    head = Text(visible(flip.case_id), style=BOLD)
    if flip.backend:
        head.append(visible(f" on {flip.backend}"))
    if flip.score_a is not None and flip.score_b is not None:
        head.append(f"  {flip.score_a:.4g} -> {flip.score_b:.4g}")
    console.print(head)
    lines = _output_lines(flip)
    shown = lines if full else lines[:_LINES]
    for line in shown:
        print_line(console, line, STYLES[line.op])
    if len(lines) > len(shown):
        more = counted(len(lines) - len(shown), "more line")
        console.print(Text(f"  ... {more}: --full shows all.", style=DIM))


def _output_lines(flip: Flip) -> list[Line]:
    """Return both outputs as one list of lines, what both said once."""
    if flip.output_a is None or flip.output_b is None:
        return [*_said("-", flip.output_a), *_said("+", flip.output_b)]
    a, b = flip.output_a, flip.output_b
    if a == b:
        return _said(" ", a)
    return [line for hunk in diff_texts(f"{a}\n", f"{b}\n") for line in hunk.lines]


def _said(op: Literal[" ", "-", "+"], output: str | None) -> list[Line]:
    text = "(no output)" if output is None else output
    return [Line(op, line) for line in text.split("\n")]
