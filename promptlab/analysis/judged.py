"""The result of judging a gate: everything that speaks against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from promptlab.core.reasons import Reason
from promptlab.core.types import Arm
from promptlab.experiments.gates import Gate

if TYPE_CHECKING:  # it loads statistics, which a gate on a mean does not need
    from promptlab.analysis.compare import Comparison


@dataclass(frozen=True, slots=True)
class Judged:
    """A gate with everything that speaks against it; it holds if nothing does.

    `means` are those of arms that miss a bound, None for an arm without a score. `unscored` are
    arms too many of whose trials have no score, with the share of these. `comparisons` are those
    that do not show what the gate asks for. `untrusted` are arms whose mean a judge gave that
    decides nothing, and why; `notes` what else to know of a judge's means. `problem` says why it
    could not be judged.
    """

    gate: Gate
    means: tuple[tuple[Arm, float | None], ...] = ()
    unscored: tuple[tuple[Arm, float], ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    problem: str | None = None
    untrusted: tuple[tuple[Arm, tuple[Reason, ...]], ...] = ()
    notes: tuple[Reason, ...] = ()

    @property
    def holds(self) -> bool:
        """Return whether the gate holds."""
        found = (self.means, self.unscored, self.comparisons, self.untrusted)
        return not any(found) and self.problem is None
