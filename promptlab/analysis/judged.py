"""A gate that was judged, with all that speaks against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from promptlab.core.types import Arm
from promptlab.experiments.gates import Gate

if TYPE_CHECKING:  # it loads statistics, which a gate on a mean needs not
    from promptlab.analysis.compare import Comparison


@dataclass(frozen=True, slots=True)
class Judged:
    """A gate with all that speaks against it; it holds where nothing does.

    `means` are those of arms that miss a bound, None where an arm has no score. `comparisons` are
    those that do not show what was asked. `problem` says why the gate could not be judged.
    """

    gate: Gate
    means: tuple[tuple[Arm, float | None], ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    problem: str | None = None

    @property
    def holds(self) -> bool:
        """Say whether the gate holds."""
        return not (self.means or self.comparisons or self.problem)
