"""The ratio of two mean differences on the same cases, such as the price of a point of score."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from promptlab.core.lazy import lazy_module
from promptlab.stats.clusters import cluster_mean
from promptlab.stats.intervals import Interval

scipy = lazy_module("scipy")  # only `scipy.special`: `scipy.stats` takes a second to load


def fieller(
    x: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None, level: float = 0.95
) -> Interval | None:
    """Return Fieller's interval for mean(x)/mean(y), None where y cannot be told from 0.

    All ratios r for which mean(x) - r·mean(y) is not told from 0 by Student's test at this level.
    With A = mean(y)² - t²·V_yy, B = mean(x)·mean(y) - t²·V_xy, C = mean(x)² - t²·V_xx, V the
    variances and the covariance of the means, the ends are (B ± √(B² - AC))/A; if A <= 0 they
    enclose nothing. E. C. Fieller, J. R. Stat. Soc. B 16 (1954), 175-185. With groups, V and the
    degrees of freedom are those of `clusters.cluster_mean`.

    Args:
        x: differences of shape (cases,), such as costs
        y: differences of the same cases, such as scores
        groups: whole numbers of shape (cases,), equal for cases of one group; by default each case
            is one of its own
        level: confidence level

    Raises:
        ValueError: the shapes differ, or a difference is not known.
    """
    above, below = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    codes = np.arange(below.size) if groups is None else np.asarray(groups)
    if above.shape != below.shape or not np.all(np.isfinite(above) & np.isfinite(below)):
        raise ValueError(f"differences of shapes {above.shape} and {below.shape}, all known")
    # On one scale, as the covariance is the difference of two variances.
    scale_x, scale_y = float(np.abs(above).max()), float(np.abs(below).max())
    if not scale_x or not scale_y:
        return None
    above, below = above / scale_x, below / scale_y
    of_y = cluster_mean(below, codes, level)
    if of_y.se is None or of_y.df is None:
        return None
    v_xx, v_yy = _variance(above, codes), of_y.se**2
    v_xy = (_variance(above + below, codes) - _variance(above - below, codes)) / 4
    t2 = float(scipy.special.stdtrit(of_y.df, (1 + level) / 2)) ** 2
    mean_x, mean_y = float(above.mean()), float(below.mean())
    a = mean_y**2 - t2 * v_yy
    if a <= 0:
        return None
    b, c = mean_x * mean_y - t2 * v_xy, mean_x**2 - t2 * v_xx
    root, scale = sqrt(max(0.0, b * b - a * c)), scale_x / scale_y
    return (b - root) / a * scale, (b + root) / a * scale


def _variance(values: ArrayLike, codes: ArrayLike) -> float:
    """Return the variance of a mean, 0 where all values are equal."""
    return (cluster_mean(values, codes).se or 0.0) ** 2
