"""The cases that a comparison won and lost, with what they ask and both outputs, as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from promptlab.analysis.compare import Comparison
from promptlab.analysis.flipped_cases import FlippedCase, FlippedCases
from promptlab.core.flips import Flip
from promptlab.report.views.asked import question_of, value_text
from promptlab.report.views.measured import FlipView, flip_view


@dataclass(frozen=True, slots=True)
class CaseFlipView:
    """A case that flipped: what it asks and expects, and both outputs, on each backend."""

    case: FlippedCase
    won: bool
    asked: str
    expected: str | None
    views: tuple[FlipView, ...]


def case_flips(comparison: Comparison, cases: FlippedCases) -> tuple[CaseFlipView, ...]:
    """Return the cases that side b of a comparison lost, then those that it won."""
    found = [
        (cases.of(comparison, case_id), won)
        for won, ids in ((False, comparison.lost), (True, comparison.won))
        for case_id in ids
    ]
    return tuple(
        CaseFlipView(
            case,
            won,
            question_of(case.vars),
            None if case.expect is None else value_text(case.expect),
            tuple(_views(comparison, case)),
        )
        for case, won in found
        if case is not None
    )


def _views(comparison: Comparison, case: FlippedCase) -> Iterator[FlipView]:
    """Yield both answers, for each backend on which there are two."""
    for a in case.answers:
        for b in case.answers:
            sides = (a.arm, b.arm) == (comparison.a, comparison.b)
            if sides and a.backend == b.backend:
                outputs = (a.output, b.output)
                yield flip_view(Flip(case.case_id, a.score, b.score, *outputs, a.backend))
