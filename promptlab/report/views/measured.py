"""What was measured of two versions, as plain data: the difference, and the cases that flipped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from promptlab.analysis.compare import Comparison
from promptlab.core.flips import Flip
from promptlab.core.reasons import Reason
from promptlab.report.views.contrast import family_size
from promptlab.report.wording import bounds, counted, difference, mean, p_heading, p_value
from promptlab.templates.text_diff import Line, diff_texts

FlipKind = Literal["lost", "won", "alike"]


@dataclass(frozen=True, slots=True)
class MeasuredView:
    """A comparison in one line: `text` comes before its verdict, `reason` is why it was refused.

    `open` says what more cases would show, if it is undecided.
    """

    comparison: Comparison
    text: str
    reason: str | None
    open: Reason | None


@dataclass(frozen=True, slots=True)
class FlipView:
    """A case on which two versions scored differently, with both scores in words if known."""

    flip: Flip
    kind: FlipKind
    scores: str | None

    @property
    def lines(self) -> tuple[Line, ...]:
        """Return both outputs as one list of lines, common lines once."""
        a, b = self.flip.output_a, self.flip.output_b
        if a is None or b is None:
            return (*_lines("-", a), *_lines("+", b))
        if a == b:
            return _lines(" ", a)
        return tuple(line for hunk in diff_texts(f"{a}\n", f"{b}\n") for line in hunk.lines)


@dataclass(frozen=True, slots=True)
class FlipGroup:
    """The flips of one kind under their title."""

    title: str
    flips: tuple[FlipView, ...]


def where_measured(comparison: Comparison) -> str:
    """Return where two versions were compared: on one backend, or on all of them together."""
    return f"on {comparison.backend}" if comparison.backend else "on all backends together"


def measured_view(comparison: Comparison, still_open: Reason | None = None) -> MeasuredView:
    """Return the view of what was measured in one place."""
    where = f"measured {where_measured(comparison)}"
    rate = comparison.is_rate
    means = f"{mean(comparison.mean_a, is_rate=rate)} -> {mean(comparison.mean_b, is_rate=rate)}"
    scores = " ".join(filter(None, (comparison.scorer, comparison.reduced)))
    parts = [f"{where}: {scores} {means} ({counted(comparison.n, 'case')})"]
    if comparison.delta is not None:
        parts.append(f"{difference(comparison.delta, is_rate=rate)}{' points' * rate}")
    size = family_size([comparison])
    if comparison.ci_simultaneous is not None:
        within = "interval" if size == 1 else f"interval for all {size} together"
        parts.append(f"{within} {bounds(comparison.ci_simultaneous, is_rate=rate)}")
    if comparison.p_family is not None:
        parts.append(f"{p_heading(size)} {p_value(comparison.p_family)}")
    parts.append(f"{len(comparison.won)} won, {len(comparison.lost)} lost, {comparison.ties} tied")
    return MeasuredView(comparison, ", ".join(parts), comparison.reason, still_open)


def flip_view(flip: Flip) -> FlipView:
    """Return the view of a case that flipped, or that was requested."""
    change = (flip.score_b or 0.0) - (flip.score_a or 0.0)
    scores = None
    if flip.score_a is not None and flip.score_b is not None:
        scores = f"{flip.score_a:.4g} -> {flip.score_b:.4g}"
    return FlipView(flip, "lost" if change < 0 else "won" if change > 0 else "alike", scores)


def flip_groups(flips: Iterable[FlipView], b: str) -> tuple[FlipGroup, ...]:
    """Group flips by kind, those that `b` lost first."""
    titles: dict[FlipKind, str] = {
        "lost": f"Lost by {b}",
        "won": f"Won by {b}",
        "alike": "As before",
    }
    by_kind: dict[FlipKind, list[FlipView]] = {kind: [] for kind in titles}
    for flip in flips:
        by_kind[flip.kind].append(flip)
    return tuple(
        FlipGroup(
            f"{titles[kind]}: {counted(len({flip.flip.case_id for flip in group}), 'case')}",
            tuple(group),
        )
        for kind, group in by_kind.items()
        if group
    )


def _lines(op: Literal[" ", "-", "+"], output: str | None) -> tuple[Line, ...]:
    text = "(no output)" if output is None else output
    return tuple(Line(op, line) for line in text.split("\n"))
