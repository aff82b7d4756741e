"""Watches a run that may stop early: arms race against their baseline until each pair is decided.

Cases count in the order of the plan, not in the order in which answers arrive: quick cases are not
a random sample.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import isnan

import numpy as np

from promptlab.analysis.answers import columns_of
from promptlab.analysis.conclude import Floats, without_rounding
from promptlab.analysis.watch import Watch
from promptlab.core.decision import Limits
from promptlab.core.groups import places_by_group
from promptlab.core.measured import AT, Ending, MeasuredRun
from promptlab.core.types import Plan


@dataclass(frozen=True, slots=True)
class _Pair:
    """A pair in progress: its two arms, and the evidence so far."""

    a: int
    b: int
    watch: Watch

    @property
    def decided(self) -> bool:
        """Return whether there is nothing left to decide."""
        return self.watch.at is not None


class Race:
    """Which arms of a plan are still wanted, as scores of its primary scorer come in.

    A failed trial counts as 0. A score outside 0 to 1 ends all early stopping: the e-process holds
    for bounded differences alone.
    """

    def __init__(self, plan: Plan, limits: Limits) -> None:
        assert plan.sequential is not None
        self._repeats = plan.repeats
        self._raced = {arm for pair in plan.sequential.pairs for arm in pair}
        self._groups = list(places_by_group(plan.cases).values())
        sizes = np.array([len(group) for group in self._groups])
        single = plan.repeats == 1 and len(self._groups) == len(plan.cases)
        self._pairs = [
            _Pair(a, b, Watch(plan.sequential, limits, sizes, single=single))
            for a, b in plan.sequential.pairs
        ]
        self._sums: Floats = np.zeros((len(plan.arms), len(plan.cases)))
        self._counts = np.zeros((len(plan.arms), len(plan.cases)), dtype=int)
        self._bounded = True
        self._by_arm: defaultdict[int, list[_Pair]] = defaultdict(list)
        for pair in self._pairs:
            self._by_arm[pair.a].append(pair)
            self._by_arm[pair.b].append(pair)

    def replay(self, run: MeasuredRun) -> None:
        """Replay what an interrupted run has stored; its failures are tried again."""
        columns = columns_of(run.rows)
        wanted = columns[[AT[name] for name in ("arm", "case", "ending", "score")]]
        for arm, case, ending, score in wanted.T.tolist():
            if ending != Ending.FAILED:
                self.record(int(arm), int(case), None if isnan(score) else score)

    def wanted(self, arm: int) -> bool:
        """Return whether an arm still has something to decide."""
        if arm not in self._raced or not self._bounded:
            return True
        return any(not pair.decided for pair in self._by_arm[arm])

    def record(self, arm: int, case: int, score: float | None) -> None:
        """Add the score of one trial, None for one that failed or was not scored."""
        if score is not None and not 0 <= score <= 1:
            self._bounded = False
        if not self._bounded:
            return
        self._sums[arm, case] += score or 0.0
        self._counts[arm, case] += 1
        for pair in self._by_arm[arm]:
            if not pair.decided:
                self._advance(pair)

    def _advance(self, pair: _Pair) -> None:
        """Add the groups that both arms have completed by now."""
        sums = []
        for place in range(pair.watch.groups, len(self._groups)):
            group = self._groups[place]
            if (self._counts[[[pair.a], [pair.b]], group] < self._repeats).any():
                break
            sums.append(self._sum(pair, group))
        if sums:
            pair.watch.take(sums)

    def _sum(self, pair: _Pair, group: list[int]) -> float:
        """Return what the differences of a group's cases add up to."""
        a, b = (self._sums[arm, group] / self._counts[arm, group] for arm in (pair.a, pair.b))
        return float(without_rounding(b - a).sum())
