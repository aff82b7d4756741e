"""Watches a run that may stop early: arms race against their baseline until each pair is decided.

Cases count in the order of the plan, not in the order in which answers arrive: quick cases are not
a random sample.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from promptlab.analysis.conclude import Floats, without_rounding
from promptlab.analysis.early import WHOLE, threshold
from promptlab.core.decision import Limits
from promptlab.core.groups import places_by_group
from promptlab.core.measured import MEASURED, MeasuredRun
from promptlab.core.types import Plan
from promptlab.stats.sequential import EProcess, e_binary

_AT = {name: place for place, name in enumerate(MEASURED)}


@dataclass(slots=True)
class _Pair:
    """A pair in progress: the groups that both arms have completed, and the evidence so far."""

    a: int
    b: int
    groups: int = 0
    nonzero: int = 0
    wins: int = 0
    losses: int = 0
    whole: bool = True
    numeric: EProcess = field(default_factory=EProcess)
    decided: bool = False

    def take(self, d: float) -> None:
        """Take the next difference in the order of the plan."""
        self.groups += 1
        self.nonzero += d != 0
        self.whole &= d in WHOLE
        if self.whole:
            self.wins += d == 1
            self.losses += d == -1
        if not self.whole:
            self.numeric.update(d)

    def e(self) -> float:
        """Return the e-value so far, as `early.evidence` defines it."""
        return e_binary(self.wins, self.losses) * self.numeric.e


class Race:
    """Which arms of a plan are still wanted, as scores of its primary scorer come in.

    A failed trial counts as 0. A score outside 0 to 1 ends all early stopping: the e-process holds
    for bounded differences alone.
    """

    def __init__(self, plan: Plan, limits: Limits) -> None:
        assert plan.sequential is not None
        self._limits = limits
        self._repeats = plan.repeats
        self._needed = threshold(plan.sequential)
        self._raced = {arm for pair in plan.sequential.pairs for arm in pair}
        self._groups = list(places_by_group(plan.cases).values())
        single = plan.repeats == 1 and all(len(group) == 1 for group in self._groups)
        self._pairs = [_Pair(a, b, whole=single) for a, b in plan.sequential.pairs]
        self._sums: Floats = np.zeros((len(plan.arms), len(plan.cases)))
        self._counts = np.zeros((len(plan.arms), len(plan.cases)), dtype=int)
        self._bounded = True
        self._by_arm: defaultdict[int, list[_Pair]] = defaultdict(list)
        for pair in self._pairs:
            self._by_arm[pair.a].append(pair)
            self._by_arm[pair.b].append(pair)

    def replay(self, run: MeasuredRun) -> None:
        """Replay what an interrupted run has stored; its failures are tried again."""
        for row in run.rows:
            if not row[_AT["failed"]]:
                self.record(int(row[0] or 0), int(row[1] or 0), row[_AT["score"]])

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
        """Add the groups that both arms have completed by now, checking the evidence after each."""
        while pair.groups < len(self._groups) and not pair.decided:
            group = self._groups[pair.groups]
            if (self._counts[[[pair.a], [pair.b]], group] < self._repeats).any():
                return
            both = (
                self._sums[[[pair.a], [pair.b]], group] / self._counts[[[pair.a], [pair.b]], group]
            )
            pair.take(float(without_rounding(without_rounding(both[1] - both[0]).mean())))
            enough = pair.groups >= self._limits.min_cases
            if enough and pair.nonzero >= self._limits.min_nonzero:
                pair.decided = pair.e() >= self._needed
