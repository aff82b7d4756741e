"""A stored run with the results of its arms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from promptlab.core.results import ArmOutcomes, ArmScores, RunInfo
from promptlab.core.types import Arm, Outcome, Plan
from promptlab.store import Store


@dataclass(frozen=True, slots=True)
class RunResults:
    """A run: what was planned, how the trials of each arm ended, and how they scored."""

    run: RunInfo
    plan: Plan
    outcomes: Sequence[ArmOutcomes]
    scores: Sequence[ArmScores]

    def means(self, scorer: str) -> list[tuple[Arm, float | None]]:
        """Return each arm that has trials with its mean by a scorer, None without a score."""
        means = {scores.arm: scores.mean for scores in self.scores if scores.scorer == scorer}
        return [(self.plan.arms[ended.arm], means.get(ended.arm)) for ended in self.outcomes]

    @property
    def failed_trials(self) -> int:
        """Return the number of trials that ended in an error."""
        return sum(arm.outcomes[Outcome.ERROR] for arm in self.outcomes)

    @property
    def failed_scores(self) -> int:
        """Return the number of scores that ended in an error."""
        return sum(arm.failed for arm in self.scores)


def read_run(store: Store, run_id: str, plan: Plan | None = None) -> RunResults:
    """Read a run, and its plan too unless given."""
    return RunResults(
        run=store.run(run_id),
        plan=store.load_plan(run_id) if plan is None else plan,
        outcomes=store.arm_outcomes(run_id),
        scores=store.arm_scores(run_id),
    )
