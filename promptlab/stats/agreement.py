"""Agreement of raters: Cohen's kappa, Krippendorff's alpha, with intervals.

Raters are people, judges, or one judge asked twice. A kappa or alpha of 1 is full agreement, 0 what
chance gives, and below 0 they agree less than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from promptlab.stats.intervals import Interval

Metric = Literal["nominal", "ordinal", "interval"]
Floats = NDArray[np.float64]

FEWEST = 10  # units, below which no interval of alpha or kappa is told
_DRAWS = 2_000  # of units, for an interval
_ROUNDING = 1e-12  # of sums of squares, a share that is due to rounding


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far raters agree: None where no two ratings differ, or no unit has two of them."""

    value: float | None
    ci: Interval | None


def cohen_kappa(counts: ArrayLike, level: float = 0.95) -> Agreement:
    """Return Cohen's kappa of two raters, (p_o - p_e)/(1 - p_e), with its large-sample interval.

    p_o is the share of units on which they agree, p_e the share by chance, given how often each
    says what. The standard error is that of J. L. Fleiss, J. Cohen and B. S. Everitt, Psychol.
    Bull. 72 (1969), 323-327. J. Cohen, Educ. Psychol. Meas. 20 (1960), 37-46.

    Args:
        counts: units by what the first (rows) and the second rater (columns) say, of shape
            (categories, categories)
        level: confidence level
    """
    table = np.asarray(counts, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1]:
        raise ValueError(f"counts of shape {table.shape}: as many rows as columns")
    n = float(table.sum())
    if n == 0:
        return Agreement(None, None)
    p = table / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    observed, chance = float(np.trace(p)), float(rows @ columns)
    if chance == 1:
        return Agreement(None, None)
    kappa = (observed - chance) / (1 - chance)
    diagonal = np.diag(p) * ((1 - chance) - (rows + columns) * (1 - observed)) ** 2
    apart = p * (columns[:, None] + rows[None, :]) ** 2
    np.fill_diagonal(apart, 0.0)
    variance = float(diagonal.sum()) + (1 - observed) ** 2 * float(apart.sum())
    variance -= (observed * chance - 2 * chance + observed) ** 2
    se = sqrt(max(0.0, variance) / n) / (1 - chance) ** 2
    half = NormalDist().inv_cdf((1 + level) / 2) * se
    return Agreement(kappa, (max(-1.0, kappa - half), min(1.0, kappa + half)))


def krippendorff_alpha(
    ratings: ArrayLike, metric: Metric = "nominal", level: float = 0.95, seed: int = 0
) -> Agreement:
    """Return Krippendorff's alpha, 1 - observed/expected disagreement; the interval draws units.

    Units with fewer than two ratings say nothing of agreement and are left out. With o_ck the pairs
    of values c and k within units, each unit's weighted by 1/(its ratings - 1), n_c their sums and
    n that of all: alpha = 1 - (n - 1)·sum of o_ck·d²_ck / sum of n_c·n_k·d²_ck, d² the difference
    by the metric. K. Krippendorff, Content Analysis, 3rd ed. (2013), chapter 12. The interval is
    that of percentiles over units drawn with replacement.

    Args:
        ratings: of shape (raters, units); NaN where a rater did not rate a unit
        metric: whether values are names, ranks or numbers
        level: confidence level
        seed: of the draws
    """
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"ratings of shape {table.shape}: raters by units")
    if metric == "interval":
        return _alpha_of_numbers(table, level, seed)
    values = np.unique(table[~np.isnan(table)])
    each = (table[:, :, None] == values).sum(axis=0).astype(np.float64)  # units by values
    each = each[each.sum(axis=1) >= 2]
    value = _alpha(each.sum(axis=0), _pairs(each), values, metric)
    if value is None:
        return Agreement(None, None)
    drawn = _drawn(len(each), seed)
    pairs = _pairs_by_unit(each).reshape(len(each), -1)
    sums, together = drawn @ each, drawn @ pairs
    shape = (values.size, values.size)
    found = [
        alpha
        for of_values, of_pairs in zip(sums, together, strict=True)
        if (alpha := _alpha(of_values, of_pairs.reshape(shape), values, metric)) is not None
    ]
    return Agreement(value, _middle(found, level))


def honest(found: Agreement, units: int) -> Agreement:
    """Leave out an interval that says more than so few units can show.

    Those who agree on all of them may yet differ: an interval of no width is none.
    """
    known = found.ci is not None and found.ci[0] < found.ci[1] and units >= FEWEST
    return found if known else Agreement(found.value, None)


def _drawn(units: int, seed: int) -> NDArray[np.int64]:
    """Return how often each unit is drawn, of shape (draws, units)."""
    chance = np.random.default_rng(seed)  # noqa: TID251 - seeded
    return chance.multinomial(units, np.full(units, 1 / units), size=_DRAWS)


def _middle(found: Sequence[float] | Floats, level: float) -> Interval:
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _alpha_of_numbers(table: Floats, level: float, seed: int) -> Agreement:
    """Return alpha for the metric `interval`.

    Over all pairs of m values, the squared differences sum to 2·(m·sum of x² - (sum of x)²): there
    is no need of a table of values by values, of which numbers have many.
    """
    known = ~np.isnan(table)
    table = table[:, known.sum(axis=0) >= 2]
    if not table.size:
        return Agreement(None, None)
    known = ~np.isnan(table)
    numbers = np.where(known, table - np.median(table[known]), 0.0)  # against rounding
    size, sums, squares = known.sum(axis=0), numbers.sum(axis=0), (numbers**2).sum(axis=0)
    apart = np.maximum(size * squares - sums**2, 0.0) / (size - 1)
    apart[apart <= _ROUNDING * squares] = 0.0
    parts = np.column_stack([size, sums, squares, apart])  # of each unit
    [value] = _alphas(parts.sum(axis=0)[None])
    if np.isnan(value):
        return Agreement(None, None)
    found = _alphas(_drawn(len(parts), seed) @ parts)
    return Agreement(float(value), _middle(found[~np.isnan(found)], level))


def _alphas(parts: Floats) -> Floats:
    """Return alpha of each row: number, sum, squares and what is observed; NaN if none differ."""
    n, sums, squares, observed = parts.T
    expected = n * squares - sums**2
    found = np.full(n.shape, np.nan)
    differ = expected > _ROUNDING * n * squares
    found[differ] = 1 - (n[differ] - 1) * observed[differ] / expected[differ]
    return found


def _pairs_by_unit(each: Floats) -> Floats:
    """Return the pairs of values within each unit, of shape (units, values, values)."""
    pairs = each[:, :, None] * each[:, None, :]
    places = np.arange(each.shape[1])
    pairs[:, places, places] -= each
    weighted: Floats = pairs / (each.sum(axis=1) - 1)[:, None, None]
    return weighted


def _pairs(each: Floats) -> Floats:
    together: Floats = _pairs_by_unit(each).sum(axis=0)
    return together


def _alpha(sums: Floats, pairs: Floats, values: Floats, metric: Metric) -> float | None:
    n = float(sums.sum())
    apart = _apart(sums, values, metric)
    expected = float(sums @ apart @ sums)
    if n < 2 or expected == 0:
        return None
    return 1 - (n - 1) * float((pairs * apart).sum()) / expected


def _apart(sums: Floats, values: Floats, metric: Metric) -> Floats:
    """Return the squared difference of any two values."""
    if metric == "nominal":
        names: Floats = (values[:, None] != values[None, :]).astype(np.float64)
        return names
    ranks = np.cumsum(sums) - sums / 2  # the middle of what each value takes among all ratings
    ordered: Floats = (ranks[:, None] - ranks[None, :]) ** 2
    return ordered
