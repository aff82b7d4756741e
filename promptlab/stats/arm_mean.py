"""The confidence interval of one arm's mean over cases.

It loads numpy for cases in groups alone: a run that ends shows such intervals.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from promptlab.core.lazy import lazy_module
from promptlab.stats.intervals import Interval, t_interval, wilson

if TYPE_CHECKING:
    import numpy as np

    from promptlab.stats import clusters
else:
    np = lazy_module("numpy")
    clusters = lazy_module("promptlab.stats.clusters")

_HALF_A_FLIP = 0.5  # a sum of squares
_FEW = 6  # groups that are unlike most


@dataclass(frozen=True, slots=True)
class ArmSample:
    """What one arm scored on its cases, each with the mean of its repeats.

    `variance` is the sample variance of the cases, None for fewer than two. `verdicts` says that
    all scores are passes and failures, `once` that each case has a single one; `bounded` that all
    lie between 0 and 1. `groups` has the size and the sum of each group, and is empty where every
    case stands alone.
    """

    n: int
    mean: float
    variance: float | None
    verdicts: bool
    once: bool
    bounded: bool
    groups: tuple[tuple[int, float], ...] = ()


def arm_interval(sample: ArmSample, level: float = 0.95) -> Interval | None:
    """Return the interval for an arm's mean, None where the data cannot tell.

    Cases in groups: CR2. Passes and failures: Wilson, and Student over the means of repeats unless
    these hardly vary. Numbers: Student. Where numbers between 0 and 1, or the means of groups, vary
    by less than half of a flip, two imagined units, one all 0 and one all 1, are added; see
    `stats.imagined`. Passes and failures in groups have them while fewer than six groups are unlike
    the most frequent one. What lies between 0 and 1 has an interval within. Numbers without bounds
    that are all equal have none.
    """
    if len(sample.groups) > 1:
        return _of_groups(sample, level)
    if sample.groups or sample.n == 0:
        return None  # one group tells nothing of others
    squares = (sample.variance or 0.0) * (sample.n - 1)
    tight = squares < _HALF_A_FLIP
    if sample.verdicts and (sample.once or tight):
        return wilson(sample.mean * sample.n, sample.n, level)
    if sample.variance is None or (not sample.bounded and not squares):
        return None
    if not sample.bounded:
        return t_interval(sample.mean, sample.variance, sample.n, level)
    if not tight:
        return _cut(t_interval(sample.mean, sample.variance, sample.n, level))
    n = sample.n + 2
    mean = (sample.mean * sample.n + 1) / n
    squares += sample.n * (sample.mean - mean) ** 2 + mean**2 + (1 - mean) ** 2
    return _cut(t_interval(mean, squares / (n - 1), n, level))


def _of_groups(sample: ArmSample, level: float) -> Interval | None:
    groups = sample.groups
    means = [total / size for size, total in groups]
    if sample.bounded and _hardly_vary(means, sample):
        size = round(median(size for size, _ in groups))
        groups = (*groups, (size, float(size)), (size, 0.0))
        means += [1.0, 0.0]
    sizes = [size for size, _ in groups]
    # CR2 depends on the sums of groups alone: every case may have the mean of its group.
    estimate = clusters.cluster_mean(
        np.repeat(means, sizes), np.repeat(np.arange(len(sizes)), sizes), level
    )
    if estimate.low is None or estimate.high is None:
        return None
    ci = estimate.low, estimate.high
    return _cut(ci) if sample.bounded else ci


def _hardly_vary(means: list[float], sample: ArmSample) -> bool:
    if sum((each - sample.mean) ** 2 for each in means) >= _HALF_A_FLIP:
        return False
    unlike = len(means) - Counter(means).most_common(1)[0][1]
    return not sample.verdicts or unlike < min(_FEW, len(means) - 1)


def _cut(interval: Interval | None) -> Interval | None:
    return None if interval is None else (max(0.0, interval[0]), min(1.0, interval[1]))
