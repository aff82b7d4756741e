"""The evidence on one declared pair of arms, looked at after every group of cases.

A run that is in progress and a stored one are watched by the same code, which adds numbers in the
same order: whether groups arrive one by one or all at once, they decide after the same group.
"""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import ArrayLike, NDArray

from promptlab.analysis.conclude import Floats, Ints
from promptlab.core.decision import Limits
from promptlab.core.types import Sequential
from promptlab.stats.sequential import EProcess, WinsAndLosses

Where = NDArray[np.bool_]

_DIGITS = 12  # of a difference; the rest depends on the order in which scores were added
TIE = 1e-9  # of log E: a threshold that is reached on paper is reached


class Evidence:
    """Log E against a mean difference of `null`, as sums of groups arrive.

    With `single` answers to single cases, up to the first fraction E against 0 is that of passes
    and failures; from then on it is multiplied by that of a new process for numbers: the capital so
    far is bet again.
    """

    def __init__(self, null: float, *, single: bool) -> None:
        self._whole = WinsAndLosses() if single and not null else None
        self._before = 0.0  # log E of what came before the first fraction
        self._numbers = EProcess(null)

    def update(self, sums: Floats, weights: Floats) -> Floats:
        """Add sums of groups, as shares of the largest group; return log E after each."""
        if self._whole is None:
            return self._before + self._numbers.update(sums, weights)
        whole = sums == np.sign(sums)
        ended = sums.size if whole.all() else int(np.argmin(whole))
        path = self._whole.update(sums[:ended])
        if ended == sums.size:
            return path
        self._before = self._whole.log_e
        self._whole = None
        return np.concatenate([path, self.update(sums[ended:], weights[ended:])])


class Watch:
    """Whether a pair is decided, as its groups are completed in the order of the run.

    `groups` counts those seen, `scale` is the size of the largest of the plan. `at` is the number
    of groups that decided it, None as long as it is not: what comes in later was already in
    flight, and is ignored.
    """

    def __init__(
        self, sequential: Sequential, limits: Limits, sizes: Ints, *, single: bool
    ) -> None:
        """`sizes` are those of all groups of the plan; `limits` set the least evidence."""
        self.at: int | None = None
        self.groups = 0
        self._needed = log(threshold(sequential)) - TIE
        self._limits = limits
        self._sizes = sizes
        self.scale = int(sizes.max(initial=1))
        self._largest = np.maximum.accumulate(sizes)  # so far
        self._margin = sequential.margin
        nulls = sorted({-self._margin, self._margin})
        self._evidence = [Evidence(null, single=single) for null in nulls]
        self._nonzero = self._cases = 0
        self._total = 0.0

    def take(self, sums: ArrayLike) -> None:
        """Take the sums of differences of the next groups, and look after each of them."""
        if self.at is not None:
            return
        start, totals = self.groups, np.asarray(sums, dtype=np.float64)
        sizes = self._sizes[start : start + totals.size]
        values, weights = shares(totals, sizes, self.scale)
        logs = [evidence.update(values, weights) for evidence in self._evidence]
        # The sums so far, in the same order whatever comes at once.
        total = np.cumsum(np.append(self._total, values))[1:]
        cases = self._cases + np.cumsum(sizes)
        mean = total * self.scale / cases
        nonzero = self._nonzero + np.cumsum(values != 0)
        decided = self._enough(start, cases) & self._claims(logs, mean, nonzero)
        if decided.any():
            self.at = start + int(np.argmax(decided)) + 1
        if totals.size:
            self.groups += totals.size
            self._total, self._cases = float(total[-1]), int(cases[-1])
            self._nonzero = int(nonzero[-1])

    def _enough(self, start: int, cases: Ints) -> Where:
        """Return where enough was seen for a verdict, whatever it says. Groups count as cases."""
        limits, groups = self._limits, np.arange(start, start + cases.size) + 1
        largest = self._largest[start : start + cases.size]
        spread = (groups >= limits.min_groups) & (largest <= limits.max_group_share * cases)
        enough: Where = (groups >= limits.min_cases) & (spread | (groups == cases))
        return enough

    def _claims(self, logs: list[Floats], mean: Floats, nonzero: Ints) -> Where:
        """Return where the means that are not rejected lie beyond the margin, or within it."""
        below, above = (logs[at] >= self._needed for at in (0, -1))
        beyond = (above & (mean > self._margin)) | (below & (mean < -self._margin))
        within = above & below & (np.abs(mean) < self._margin)
        return (beyond & (nonzero >= self._limits.min_nonzero)) | within


def threshold(sequential: Sequential) -> float:
    """Return the e-value that decides a pair: half of the level, shared by all declared pairs."""
    return 2 * len(sequential.pairs) / sequential.alpha


def shares(sums: Floats, sizes: Ints, largest: int) -> tuple[Floats, Floats]:
    """Return what groups are worth and weigh in units of the largest group of the plan."""
    return np.round(sums / largest, _DIGITS), sizes / largest
