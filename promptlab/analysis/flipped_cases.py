"""The cases that comparisons won and lost, with what was asked and what both sides answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from promptlab.analysis.compare import Comparison
from promptlab.analysis.grid import Grid
from promptlab.core.types import Json


@dataclass(frozen=True, slots=True)
class Answered:
    """What one side answered to a case, in its first trial; None if there is no answer.

    `backend` is None where the comparison is on one backend alone.
    """

    arm: str
    backend: str | None
    output: str | None
    score: float | None


@dataclass(frozen=True, slots=True)
class FlippedCase:
    """A case that one side won: what it asks and expects, and the answers of both sides."""

    case_id: str
    vars: Mapping[str, Json]
    expect: Json
    answers: tuple[Answered, ...]


@dataclass(frozen=True, slots=True)
class FlippedCases:
    """The flipped cases of comparisons that were read; others are known by name alone.

    `places` has the place of each in the table of the `grid`, by its id.
    """

    grid: Grid | None = None
    places: Mapping[str, int] = field(default_factory=dict)
    outputs: Mapping[tuple[str, int], str | None] = field(default_factory=dict)

    def of(self, comparison: Comparison, case_id: str) -> FlippedCase | None:
        """Return a case as the two sides of a comparison saw it, None if it was not read."""
        grid, at = self.grid, self.places.get(case_id)
        if grid is None or at is None:
            return None
        content = grid.contents[grid.table.cases[at].digest]
        answers = [
            answer
            for side in (comparison.a, comparison.b)
            for answer in self._answers(grid, comparison, side, at)
        ]
        return FlippedCase(case_id, content.vars, content.expect, tuple(answers))

    def _answers(
        self, grid: Grid, comparison: Comparison, side: str, at: int
    ) -> Sequence[Answered]:
        several = comparison.backend is None
        found = []
        for place, arm in enumerate(grid.table.arms):
            on = arm.arm.backend
            named = side in (arm.label, f"{arm.label} on {on}")
            trials = grid.trials.get((place, at), ())
            if named and comparison.backend in (None, on) and trials:
                first = min(trials, key=lambda trial: trial.repeat)
                score = float(arm.cells.score[at])
                output = self.outputs.get((first.run_id, first.seq))
                alike = several and side == arm.label
                found.append(Answered(side, on if alike else None, output, score))
        return found
