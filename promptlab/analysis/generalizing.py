"""From the models that ran to models in general: they differ, and are themselves a sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from promptlab.analysis.agreeing import by_t
from promptlab.analysis.changes import means_of
from promptlab.analysis.conclude import CORRECTED, Effect
from promptlab.analysis.inference import Floats, Scale, infer, without_rounding
from promptlab.analysis.measurements import Measurements
from promptlab.analysis.methods import MeanByT
from promptlab.analysis.models import by_model
from promptlab.analysis.showing import Shown
from promptlab.analysis.trust import corrected_in
from promptlab.core.codes import Code
from promptlab.core.decision import Rule
from promptlab.core.messages import Json
from promptlab.core.reasons import Reason
from promptlab.stats.meta import RandomEffects, random_effects

_METHOD = "random-effects"
MODELS_IN_GENERAL = 5  # needed to say anything about models that were not run


@dataclass(frozen=True, slots=True)
class InGeneral:
    """An effect for models in general: the estimate, or why there is none.

    `models` counts the distinct ones; `among` says how much they differ.
    """

    models: int
    effect: Effect
    among: RandomEffects | None = None
    refused: Reason | None = None


def in_general(
    table: Measurements, shown: Mapping[str, Shown], pooled: Effect, rule: Rule
) -> InGeneral:
    """Generalize from the models that ran; `pooled` is the effect on them together."""
    unknown = replace(pooled, se=None, ci=None, p=None, method=_METHOD, inference=None)
    models = by_model(table, shown)
    if len(models) < MODELS_IN_GENERAL:
        return InGeneral(len(models), unknown, refused=_too_few(len(shown), len(models)))
    estimates = [
        _estimate(table, [shown[name] for name in backends], pooled, rule)
        for backends in models.values()
    ]
    lacking = [
        " and ".join(backends)
        for backends, estimate in zip(models.values(), estimates, strict=True)
        if estimate is None
    ]
    if lacking:
        return InGeneral(len(models), unknown, refused=_unknown(len(models), lacking))
    deltas, errors = zip(*filter(None, estimates), strict=True)
    among = random_effects(deltas, errors, rule.level)
    judged = _judged(np.array(deltas), pooled)
    if judged is None:
        return InGeneral(len(models), unknown, among)
    effect = replace(
        unknown,
        delta=float(np.mean(deltas)),
        se=judged.se,
        ci=judged.interval(rule.level),
        p=judged.two_sided(),
        inference=judged,
    )
    return InGeneral(len(models), effect, among)


def _judged(deltas: Floats, pooled: Effect) -> MeanByT | None:
    """Judge the mean over models by t; None where nothing has a spread.

    Models weigh alike: with DerSimonian and Laird's weights those with little to gain, which are
    measured best, would pull the mean towards them. Models share their cases and texts, so all may
    err together, which no scatter between models shows: the error for models in general is never
    smaller than for these models.
    """
    df: float = deltas.size - 1
    sure, least = float(deltas.std(ddof=1)) / sqrt(deltas.size), pooled.se or 0.0
    if least > sure and pooled.inference is not None and pooled.inference.df is not None:
        df = min(df, pooled.inference.df)
    se = max(sure, least)
    return by_t(float(deltas.mean()), se, df, _METHOD) if se else None


def _estimate(
    table: Measurements, shown: Sequence[Shown], pooled: Effect, rule: Rule
) -> tuple[float, float] | None:
    """Return the effect on one model and its standard error over cases, None if not known.

    A model on which hardly anything differs has the error of the cautious method. Where the effect
    on all models is corrected for the errors of a judge, so is that on each.
    """
    with_it = tuple(arm for one in shown for arm in one.with_it)
    without = tuple(arm for one in shown for arm in one.without)
    where = np.all([~np.isnan(arm.cells.score) for arm in (*with_it, *without)], axis=0)
    if not where.any():
        return None
    if pooled.method in CORRECTED:
        return corrected_in(table, (without, with_it), where, pooled.method, rule)
    before, after = (means_of(side, where, "score") for side in (without, with_it))
    d = without_rounding(after - before, np.maximum(np.abs(before), np.abs(after)))
    verdicts = table.bounded and all(arm.cells.is_verdict for arm in (*with_it, *without))
    scale = Scale(verdicts=verdicts, largest=table.largest)
    judged = infer(d, table.groups[where], scale, seed=None)
    return None if judged.se is None else (float(d.mean()), judged.se)


def _too_few(backends: int, models: int) -> Reason:
    """Return why there are too few models to generalize from."""
    text = f"{models} models tell nothing of others: at least {MODELS_IN_GENERAL}"
    if models < backends:
        of_them = f"{models} model{'s' * (models > 1)}"
        text = f"{backends} backends, {of_them}: at least {MODELS_IN_GENERAL} models are needed"
    about: dict[str, Json] = {"models": models, "backends": backends, "least": MODELS_IN_GENERAL}
    return Reason(Code.TOO_FEW_MODELS, text, about)


def _unknown(models: int, lacking: Sequence[str]) -> Reason:
    """Return on which models the effect is not known."""
    text = f"the effect on {', '.join(lacking)} is not known"
    about: dict[str, Json] = {
        "models": models,
        "known": models - len(lacking),
        "least": MODELS_IN_GENERAL,
        "backends": [*lacking],
    }
    return Reason(Code.MODEL_ERRORS_UNKNOWN, text, about)
