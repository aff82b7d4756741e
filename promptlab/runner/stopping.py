"""Which trials of a run are still wanted: if arms may stop early, those still undecided."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from promptlab.core.decision import Limits
from promptlab.core.lazy import lazy_module
from promptlab.core.types import Plan, Trial, TrialResult
from promptlab.store import Store

if TYPE_CHECKING:
    from promptlab.analysis import race
else:
    race = lazy_module("promptlab.analysis.race")  # numpy is only for runs that may stop early


class Stopping:
    """Leaves out what has nothing left to decide, and counts it."""

    def __init__(self, plan: Plan, limits: Limits) -> None:
        """`limits` set the least evidence that is needed before an arm stops."""
        self.left_out = 0
        self._plan = plan
        self._race = None if plan.sequential is None else race.Race(plan, limits)

    def replay(self, store: Store, run_id: str, done: Collection[int]) -> None:
        """Replay what an interrupted run has stored, except for trials that are tried again."""
        if self._race is None:
            return
        measured, arms = store.measured(run_id), len(self._plan.arms)
        rows = []
        for row in measured.rows:
            arm, case, repeat = (int(place or 0) for place in row[:3])
            if (case * self._plan.repeats + repeat) * arms + arm in done:
                rows.append(row)
        self._race.replay(replace(measured, rows=rows))

    def wanted(self, trial: Trial) -> bool:
        """Return whether the arm of a trial has something left to decide."""
        return self._race is None or self._race.wanted(trial.arm)

    def leave_out(self, trial: Trial) -> None:
        """Count a trial that is not wanted any more."""
        self.left_out += 1

    def record(self, result: TrialResult) -> None:
        """Add a trial that was just graded."""
        if self._race is not None:
            score = result.scores.get(self._plan.primary)
            self._race.record(
                result.trial.arm, result.trial.case, None if score is None else score.value
            )
