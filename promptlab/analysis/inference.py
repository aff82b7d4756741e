"""How the mean of a contrast is judged: which method fits the scores, and what it says.

Each method tests the mean against any value, and has the interval that belongs to these tests. The
formulas are in `stats`; here is only the choice between them. It knows nothing of runs and arms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, sqrt
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from promptlab.analysis.methods import MeanByT, NoSpread, PassOrFail
from promptlab.stats.clusters import cluster_mean, evenness
from promptlab.stats.distinct import distinct
from promptlab.stats.imagined import few_differ, too_tight, with_imagined
from promptlab.stats.intervals import Interval
from promptlab.stats.lopsided import CubicT, shown_by_others, skewness
from promptlab.stats.paired import paired_t, sign_flip

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEW = 30  # cases: with fewer, a test of numbers must also hold without Student's assumptions
LOPSIDED = 0.2  # |g1|/√n: above it, means of passes and failures are corrected for skewness too
_EVEN = 0.75  # of groups: below this `evenness`, CR2 gives false alarms in more than 5 % of runs
_ROUNDING = 1e-12  # a difference smaller than this share of the scores counts as none


@dataclass(frozen=True, slots=True)
class Scale:
    """What the scores of a contrast are.

    `verdicts` are passes and failures, also where a case has the mean of several; `whole` means
    that every case passed or failed outright. `largest` is the largest difference that a case can
    show, infinite for numbers without bounds.
    """

    verdicts: bool = False
    whole: bool = False
    largest: float = inf

    @property
    def bounded(self) -> bool:
        """Return whether there is a largest difference."""
        return self.largest < inf


NUMBERS = Scale()
IN_BOUNDS = Scale(largest=1.0)
RATES = Scale(verdicts=True, largest=1.0)
PASSES = Scale(verdicts=True, whole=True, largest=1.0)


class Inference(Protocol):
    """How one mean difference is judged; None where the data cannot tell."""

    @property
    def method(self) -> str:
        """Return the name of the test against 0."""

    @property
    def se(self) -> float | None:
        """Return the standard error."""

    @property
    def df(self) -> float | None:
        """Return the degrees of freedom of t."""

    @property
    def imagined(self) -> float:
        """Return by how much two imagined units differ, 0 where none were added."""

    @property
    def lopsided(self) -> float:
        """Return |g1|/√n where that is allowed for, otherwise 0."""

    def two_sided(self) -> float | None:
        """Return the p-value of the test against 0."""

    def at_least(self, null: float) -> float | None:
        """Return the one-sided p-value, P(T >= T(null)), that the mean exceeds `null`."""

    def at_most(self, null: float) -> float | None:
        """Return the one-sided p-value, P(T <= T(null)), that the mean is below `null`."""

    def interval(self, level: float) -> Interval | None:
        """Return the interval at a level."""


def infer(
    d: Floats,
    groups: Ints,
    scale: Scale = NUMBERS,
    *,
    strict: bool = False,
    seed: int | None = 0,
) -> Inference:
    """Choose how to judge the mean of `d`, one contrast per case.

    Cases that passed or failed outright: McNemar and Tango. Otherwise Student's t over cases; with
    fewer than 30, and if `strict`, the sign-flip test must agree. Cases in groups: CR2,
    or CR3 if the groups are of very unequal size. Numbers are judged with the correction for
    skewness, passes and failures only where they are lopsided. Where hardly anything differs, or
    numbers in bounds hardly vary, two imagined units make all this cautious. `bench/coverage/`
    measures how well it holds.

    Groups are lopsided by their sums; numbers in groups of very unequal size by their means, since
    such sums are lopsided by their sizes. Where a single case makes numbers without bounds
    lopsided, that counts in part; in bounds it may be the first of those rare ones that collapse,
    and of groups there are too few to leave one out.

    Args:
        d: differences of shape (cases,), at least one
        groups: the number of each case's group
        scale: what the scores are
        strict: use exact tests
        seed: for the random draws of the sign-flip test; None leaves it out, for an interval alone
    """
    n_groups = distinct(groups).size
    grouped = n_groups < d.size
    if scale.whole and not grouped:
        return PassOrFail(d.size, int((d > 0).sum()), int((d < 0).sum()), strict)
    units = _units(d, groups) if grouped else d
    alike = bool(np.all(units == units[0]))  # no spread: only their signs can be judged
    few = not grouped and (d.size < FEW or strict)
    flips = sign_flip(units, seed) if seed is not None and (few or alike) else None
    imagined = n_groups > 1 and scale.bounded and _looks_too_sure(units, scale, grouped=grouped)
    values, codes = with_imagined(d, groups, scale.largest) if imagined else (d, groups)
    uneven = grouped and evenness(codes) < _EVEN
    estimate = cluster_mean(values, codes, jackknife=uneven) if grouped else paired_t(values)
    method = "cr3" if uneven else "cr2" if grouped else "paired-t"
    method += "+sign-flip" * few + "+imagined" * imagined
    if estimate.se is None or estimate.df is None:
        return NoSpread(flips if n_groups > 1 else None, method)
    plain = CubicT(estimate.mean, estimate.se, estimate.df)
    by_unit = not grouped or (uneven and not scale.verdicts)
    deviations = units - units.mean() if by_unit else _deviations(d, groups)
    skew = 0.0 if imagined else skewness(deviations)
    lopsided = abs(skew) / sqrt(n_groups)
    cubic = None
    if not imagined and (not scale.verdicts or lopsided > LOPSIDED):
        counts = 1.0 if grouped or scale.bounded else shown_by_others(deviations)
        cubic, method = replace(plain, c=counts * skew / (6 * sqrt(n_groups))), method + "+cubic"
    return MeanByT(
        student=plain,
        cubic=cubic,
        flips=flips,
        largest=max(1.0, scale.largest),
        method=method,
        imagined=scale.largest if imagined else 0.0,
        lopsided=0.0 if cubic is None else lopsided,
        signs_alone=scale.verdicts and alike and bool(units[0]),
    )


def without_rounding(d: Floats, size: Floats | float = 1.0) -> Floats:
    """Return differences of scores of that size, with those due to rounding alone set to 0.

    The mean of the same scores, summed in another order, may differ in the last digit.
    """
    return np.where(np.abs(d) <= _ROUNDING * size, 0.0, d)


def _looks_too_sure(units: Floats, scale: Scale, *, grouped: bool) -> bool:
    if scale.verdicts:
        return few_differ(units) or bool(np.all(units == units[0]))
    return too_tight(units, scale.largest) or (grouped and few_differ(units))


def _units(d: Floats, groups: Ints) -> Floats:
    """Return the mean of each group."""
    _, codes, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    sums: Floats = np.bincount(codes, weights=d).astype(float)
    largest: Floats = np.bincount(codes, weights=np.abs(d)).astype(float)
    return without_rounding(sums, largest) / sizes


def _deviations(d: Floats, groups: Ints) -> Floats:
    """Return the sum over each group of what its cases deviate from the mean."""
    _, codes = np.unique(groups, return_inverse=True)
    sums: Floats = np.bincount(codes, weights=d - d.mean()).astype(float)
    return sums
