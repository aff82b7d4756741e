"""Stopping as soon as a comparison is decided, without being fooled by looking.

A run that may stop early declares its pairs beforehand and runs the cases in a shuffled order. Its
evidence is an e-process over the cases completed in that order, which may be looked at after every
case; what is still undecided is tested once at the end. Each of the two uses half of the level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from promptlab.analysis.conclude import Floats, without_rounding
from promptlab.analysis.measurements import JoinedArm, Measurements
from promptlab.core.decision import Rule
from promptlab.core.types import Sequential
from promptlab.stats.intervals import Interval
from promptlab.stats.sequential import confidence_sequence, e_path, first_crossing

Side = Sequence[JoinedArm]
Where = NDArray[np.bool_]

WHOLE = (-1.0, 0.0, 1.0)  # the possible differences between passes and failures


@dataclass(frozen=True, slots=True)
class Look:
    """What a run that may stop early shows about a pair.

    `at` is the number of groups of cases after which it was decided, None if it was not. `e` is the
    highest e-value so far.
    """

    at: int | None
    e: float
    complete: bool
    ci: Interval | None

    def p(self, fixed: float | None) -> float:
        """Return the p-value of both halves: 2/e at any time, twice the fixed one at the end."""
        anytime = min(1.0, 2 / self.e)
        if self.at is not None or not self.complete or fixed is None:
            return anytime
        return min(anytime, 2 * fixed, 1.0)


def threshold(sequential: Sequential) -> float:
    """Return the e-value that decides a pair: half of the level, shared by all declared pairs."""
    return 2 * len(sequential.pairs) / sequential.alpha


def declared_pairs(table: Measurements) -> list[tuple[JoinedArm, JoinedArm]] | None:
    """Return the pairs declared by a run that may stop early, None for any other run."""
    sequential = _only_run(table)
    if sequential is None:
        return None
    return [(table.arms[a], table.arms[b]) for a, b in sequential.pairs]


def may_stop_early(table: Measurements, a: Side, b: Side, within: Where) -> bool:
    """Return whether this is a declared pair on all cases, for which a run may stop early."""
    declared = declared_pairs(table) or ()
    if len(a) > 1 or len(b) > 1 or not within.all():
        return False
    return any(a[0] is x and b[0] is y for x, y in declared)


def look(table: Measurements, a: Side, b: Side, within: Where, rule: Rule) -> Look | None:
    """Return the state of a declared pair, None for all others."""
    sequential = _only_run(table)
    if sequential is None or not table.bounded or not may_stop_early(table, a, b, within):
        return None
    d, complete = _completed(table, a[0], b[0])
    if not d.size:
        return Look(None, 1.0, complete=False, ci=None)
    single = table.runs[0].repeats == 1 and len(np.unique(table.declared)) == len(table.cases)
    path = evidence(d, single=single)
    at = first_decided(path, d, sequential, rule)
    # What came in after the decision was already in flight, and is ignored.
    return Look(at, float(path[:at].max()), complete, confidence_sequence(d[:at], rule.alpha))


def evidence(d: Floats, *, single: bool) -> Floats:
    """Return the e-value after each difference.

    With `single` answers, up to the first fraction they are those of passes and failures; from then
    on, they are multiplied by those of a new process for numbers: the capital so far is bet again.
    """
    if not single:
        return e_path(d, binary=False)
    whole = int(np.argmin(np.append(np.isin(d, WHOLE), [False])))
    before = e_path(d[:whole], binary=True)
    after = e_path(d[whole:], binary=False)
    return np.concatenate([before, after * (before[-1] if whole else 1.0)])


def first_decided(path: Floats, d: Floats, sequential: Sequential, rule: Rule) -> int | None:
    """Return after how many observations a pair is decided, None if it is not.

    Fewer than a verdict requires decide nothing, however clear they are.
    """
    limits = rule.limits
    nonzero = np.cumsum(d != 0)
    enough = (np.arange(1, d.size + 1) >= limits.min_cases) & (nonzero >= limits.min_nonzero)
    return first_crossing(np.where(enough, path, 0.0), threshold(sequential))


def _only_run(table: Measurements) -> Sequential | None:
    return table.runs[0].sequential if len(table.runs) == 1 else None


def _completed(table: Measurements, a: JoinedArm, b: JoinedArm) -> tuple[Floats, bool]:
    """Return the differences of groups of cases, in the order of the run, up to the first gap.

    Also return whether all of them are there.
    """
    repeats = table.runs[0].repeats
    done = (a.cells.trials >= repeats) & (b.cells.trials >= repeats)
    d = without_rounding(b.cells.score - a.cells.score)
    groups = table.declared
    size = np.bincount(groups)
    ended = np.bincount(groups, weights=done) == size
    upto = int(np.argmin(ended)) if not ended.all() else len(ended)
    taken = groups < upto
    means = np.bincount(groups[taken], weights=d[taken], minlength=upto) / size[:upto]
    return without_rounding(means), upto == len(ended)
