"""Stopping as soon as a comparison is decided, without being fooled by looking.

A run that may stop early declares its pairs beforehand and runs the cases in a shuffled order. Its
evidence is an e-process over the groups of cases completed in that order, which may be looked at
after every group; what is still undecided is tested once at the end. Each of the two uses half of
the level. Both speak of the mean over cases, however unequal the groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from promptlab.analysis.conclude import Floats, Ints, without_rounding
from promptlab.analysis.measurements import JoinedArm, Measurements
from promptlab.analysis.watch import TIE, Evidence, Watch, shares
from promptlab.core.decision import Rule
from promptlab.core.types import Sequential
from promptlab.stats.intervals import Interval
from promptlab.stats.sequential import confidence_sequence, finite_exp

Side = Sequence[JoinedArm]
Where = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Look:
    """What a run that may stop early shows about a pair.

    `at` is the number of groups of cases after which it was decided, None if it was not. `sums` are
    those of the differences of the groups that count, in the order of the run, and `weights` their
    sizes, both in units of the largest group of the plan. `single` says that each is one answer to
    one case. A pair that was decided since its difference lies within the margin is `within`.
    """

    at: int | None
    complete: bool
    sums: Floats
    weights: Floats
    single: bool
    within: bool = False

    def at_least(self, null: float) -> float:
        """Return the one-sided p-value, valid at any time, of a mean of at most `null`."""
        return self._p(null, 1)

    def at_most(self, null: float) -> float:
        """Return the one-sided p-value, valid at any time, of a mean of at least `null`."""
        return self._p(null, -1)

    def _p(self, null: float, side: int) -> float:
        """Return 1/E, 1 where what was seen lies on the other side of `null`."""
        beyond = self.sums.sum() - null * self.weights.sum()
        if beyond * side <= 0:
            return 1.0
        path = Evidence(null, single=self.single).update(self.sums, self.weights)
        return min(1.0, 1 / float(finite_exp(path[-1] + TIE)))

    def p(self, fixed: float | None) -> float:
        """Return the p-value of both halves: 2/E at any time, twice the fixed one at the end."""
        anytime = min(1.0, 2 * min(self.at_least(0), self.at_most(0)))
        if self.at is not None or not self.complete or fixed is None:
            return anytime
        return min(anytime, 2 * fixed, 1.0)

    def interval(self, alpha: float) -> Interval | None:
        """Return the confidence sequence at half of the level `alpha`; None before any group.

        Evidence of passes and failures against 0 is not that of numbers, which the sequence rests
        on: it decides on which side of 0 the sequence ends.
        """
        if not self.sums.size:
            return None
        low, high = confidence_sequence(self.sums, alpha / 2, self.weights)
        if 2 * self.at_least(0) <= alpha:
            return max(low, 0.0), high
        if 2 * self.at_most(0) <= alpha:
            return low, min(high, 0.0)
        return min(low, 0.0), max(high, 0.0)


def declared_pairs(table: Measurements) -> list[tuple[JoinedArm, JoinedArm]] | None:
    """Return the pairs declared by a run that may stop early, None for any other run."""
    sequential = _only_run(table)
    if sequential is None:
        return None
    return [(table.arms[a], table.arms[b]) for a, b in sequential.pairs]


def may_stop_early(table: Measurements, a: Side, b: Side, within: Where) -> bool:
    """Return whether this is a declared pair on all cases, for which a run may stop early.

    Which of the two arms is side a changes nothing but signs.
    """
    declared = declared_pairs(table) or ()
    if len(a) > 1 or len(b) > 1 or not within.all():
        return False
    return any({id(a[0]), id(b[0])} == {id(x), id(y)} for x, y in declared)


def look(table: Measurements, a: Side, b: Side, within: Where, rule: Rule) -> Look | None:
    """Return the state of a declared pair, None for all others."""
    sequential = _only_run(table)
    if sequential is None or not table.bounded or not may_stop_early(table, a, b, within):
        return None
    sums, sizes, single = _completed(table, a[0], b[0])
    watch = Watch(sequential, rule.limits, sizes, single=single)
    watch.take(sums)
    # What came in after the decision was already in flight, and is ignored.
    seen = sums.size if watch.at is None else watch.at
    values, weights = shares(sums[:seen], sizes[:seen], watch.scale)
    small = bool(abs(values.sum()) < sequential.margin * weights.sum())
    complete, stopped = sums.size == sizes.size, watch.at is not None
    return Look(watch.at, complete, values, weights, single, within=stopped and small)


def _only_run(table: Measurements) -> Sequential | None:
    return table.runs[0].sequential if len(table.runs) == 1 else None


def _completed(table: Measurements, a: JoinedArm, b: JoinedArm) -> tuple[Floats, Ints, bool]:
    """Return the sums of differences of groups of cases, in the order of the run, up to a gap.

    Also return the sizes of all groups, and whether each is a single case with a single answer.
    """
    repeats = table.runs[0].repeats
    done = (a.cells.trials >= repeats) & (b.cells.trials >= repeats)
    d = without_rounding(b.cells.score - a.cells.score)
    groups = table.declared
    sizes = np.bincount(groups)
    ended = np.bincount(groups, weights=done) == sizes
    upto = int(np.argmin(ended)) if not ended.all() else len(ended)
    taken = groups < upto
    sums = np.bincount(groups[taken], weights=d[taken], minlength=upto).astype(np.float64)
    return sums, sizes, repeats == 1 and sizes.size == groups.size
