"""One effect on several models: its mean over models like these, and how much they differ.

Input is an estimate and its standard error per model. The module knows nothing of models.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from promptlab.stats.paired import student


@dataclass(frozen=True, slots=True)
class RandomEffects:
    """An effect over models that are themselves a sample; None where the data cannot tell.

    `fixed` is the mean for these models only, `q` Cochran's Q, `i2` the share of the spread beyond
    chance, `tau2` the variance of the effect between models. `mean` is the mean over models in
    general, with its standard error `se`, `df` degrees of freedom, the interval from `low` to
    `high` and the two-sided `p`.
    """

    models: int
    fixed: float
    q: float
    i2: float
    tau2: float
    mean: float
    se: float | None
    df: float | None
    low: float | None
    high: float | None
    p: float | None


def random_effects(estimates: ArrayLike, errors: ArrayLike, level: float = 0.95) -> RandomEffects:
    """Return the effect over a sample of models, and how much it differs between them.

    With w_i = 1/SE_i², k models and W the sum of w:

        fixed = sum of w_i·y_i / W
        Q = sum of w_i·(y_i - fixed)²,  I² = max(0, (Q - k + 1)/Q)
        tau² = max(0, (Q - k + 1)/(W - sum of w_i²/W))
        v_i = 1/(SE_i² + tau²),  mean = sum of v_i·y_i / sum of v_i
        se² = sum of v_i·(y_i - mean)² / ((k - 1)·sum of v_i),  mean ± t(k - 1)·se

    tau² by R. DerSimonian and N. Laird, Controlled Clinical Trials 7 (1986), 177-188; I² by
    J. P. T. Higgins and S. G. Thompson, Statistics in Medicine 21 (2002), 1539-1558; se by
    J. Hartung and G. Knapp, Statistics in Medicine 20 (2001), 3875-3889, and by K. Sidik and
    J. N. Jonkman, Statistics in Medicine 21 (2002), 3153-3159. One model has no spread; where all
    estimates are equal, the interval is unknown as in `paired_t`.

    Args:
        estimates: y, of shape (models,)
        errors: SE, of shape (models,), above 0
        level: confidence level

    Raises:
        ValueError: there is no model, the shapes differ, or a standard error is not above 0.
    """
    y, squares = _checked(estimates, errors)
    k, weights = y.size, 1 / squares
    fixed = float(np.average(y, weights=weights))
    q = float(np.sum(weights * (y - fixed) ** 2))
    excess = max(0.0, q - (k - 1))
    # With one model Q is 0, and so is the excess; there is nothing to divide.
    i2, tau2 = 0.0, 0.0
    if excess > 0:
        i2 = excess / q
        tau2 = excess / float(np.sum(weights) - np.sum(weights**2) / np.sum(weights))
    inner = 1 / (squares + tau2)
    mean = float(np.average(y, weights=inner))
    if k < 2:
        return RandomEffects(k, fixed, q, i2, tau2, mean, None, None, None, None, None)
    se = sqrt(float(np.sum(inner * (y - mean) ** 2) / np.sum(inner)) / (k - 1))
    estimate = student(mean, se, k - 1, level=level, largest=float(np.abs(y).max()))
    return RandomEffects(
        k,
        fixed,
        q,
        i2,
        tau2,
        mean,
        estimate.se,
        estimate.df,
        estimate.low,
        estimate.high,
        estimate.p,
    )


def _checked(
    estimates: ArrayLike, errors: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the estimates and the squares of their standard errors."""
    y, se = np.asarray(estimates, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    if y.ndim != 1 or y.size == 0 or y.shape != se.shape:
        raise ValueError(f"estimates of shape {y.shape} with errors of shape {se.shape}")
    if not (np.all(np.isfinite(y)) and np.all(np.isfinite(se)) and np.all(se > 0)):
        raise ValueError("estimates must be finite, and standard errors finite and above 0")
    return y, se**2
