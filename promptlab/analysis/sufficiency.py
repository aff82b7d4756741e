"""Whether there is enough evidence for a verdict: cases, groups, cases that differ, a good judge.

The project sets the limits. It knows nothing of runs and arms.
"""

from __future__ import annotations

import numpy as np

from promptlab.analysis.conclude import BY_PEOPLE, Effect, Ints
from promptlab.analysis.inference import LOPSIDED
from promptlab.core.codes import Code
from promptlab.core.decision import Calibration, Limits
from promptlab.core.messages import Json
from promptlab.core.reasons import Reason

# |g1|/√n above which it is told of numbers. Nine in ten heavy-tailed samples are above, a fifth of
# normal ones of 20 cases, 2 % of 40. With fewer units, most even samples would be.
LOPSIDED_IS_TOLD, UNITS_TOLD = 0.14, 15


def too_little(effect: Effect, groups: Ints, limits: Limits) -> list[Reason]:
    """Return why the data cannot bear a verdict: too few cases, too few groups or a large one."""
    reasons = []
    if effect.n < limits.min_cases:
        text = f"{effect.n} cases are too few: at least {limits.min_cases}"
        about = {"cases": effect.n, "least": limits.min_cases}
        reasons.append(Reason(Code.TOO_FEW_CASES, text, about))
    if effect.n_groups < effect.n:
        reasons += _few_groups(effect, groups, limits)
    return reasons


def _few_groups(effect: Effect, groups: Ints, limits: Limits) -> list[Reason]:
    if effect.n_groups < limits.min_groups:
        text = f"{effect.n_groups} groups of cases are too few: at least {limits.min_groups}"
        about = {"groups": effect.n_groups, "least": limits.min_groups}
        return [Reason(Code.TOO_FEW_GROUPS, text, about)]
    largest = int(np.unique(groups, return_counts=True)[1].max()) / effect.n
    if largest > limits.max_group_share:
        text = f"one group holds {largest * 100:.0f} % of the cases"
        return [
            Reason(Code.ONE_LARGE_GROUP, text, {"share": largest, "most": limits.max_group_share})
        ]
    return []


def too_alike(effect: Effect, limits: Limits) -> Reason | None:
    """Return that too few cases differ to show a direction, None if enough do."""
    if effect.nonzero >= limits.min_nonzero:
        return None
    differ = f"only {effect.nonzero} of {effect.n} cases differ:"
    if not effect.nonzero:
        differ = "no difference was seen: no case differs, and"
    return Reason(
        Code.TOO_FEW_DIFFER,
        f"{differ} at least {limits.min_nonzero} must",
        {"differing": effect.nonzero, "cases": effect.n, "least": limits.min_nonzero},
    )


def guarded(effect: Effect, *, is_rate: bool) -> list[Reason]:
    """Return how the data are allowed for: imagined units, or a correction for skewness."""
    judged = effect.inference
    if judged is None:
        return []
    if judged.imagined:
        return [_imagined(effect, judged.imagined, is_rate=is_rate)]
    if judged.lopsided > (LOPSIDED_IS_TOLD if effect.n_groups >= UNITS_TOLD else LOPSIDED):
        text = "the differences are lopsided: allowed for"
        return [Reason(Code.LOPSIDED, text, {"skewness": judged.lopsided})]
    return []


def _imagined(effect: Effect, largest: float, *, is_rate: bool) -> Reason:
    unit = "groups of cases" if effect.n_groups < effect.n else "cases"
    most = max(map(abs, effect.ci)) if effect.ci is not None else None
    if effect.method == BY_PEOPLE:
        text = "people hardly ever contradict the judge: judged with two imagined errors,"
        text += f" +{largest:g} and -{largest:g}"
    elif effect.nonzero == 0 and most is not None:
        shown = f"{most * 100:.2g} points" if is_rate else f"{most:.2g}"
        text = f"nothing differs in {effect.n_groups} {unit}: up to {shown} cannot be excluded"
    else:
        text = f"{effect.n_groups} {unit} hardly vary: judged with two imagined ones,"
        text += f" +{largest:g} and -{largest:g}"
    about: dict[str, Json] = {
        "units": effect.n_groups,
        "differing": effect.nonzero,
        "most": most,
        "largest": largest,
    }
    return Reason(Code.IMAGINED_UNITS, text, about)


def assumed(declared: float, seen: float) -> list[Reason]:
    """Return what a suite says of the largest difference of a case, and whether that holds."""
    text = f"the suite says that no case differs by more than {declared:g}"
    if seen > declared:
        text += f": one differs by {seen:.4g}, so this was not used"
    return [Reason(Code.LARGEST_DIFFERENCE, text, {"declared": declared, "seen": seen})]


def no_interval(p: float | None, alpha: float) -> list[Reason]:
    """Return why a contrast with a small p is undecided all the same."""
    if p is None or p > alpha:
        return []
    text = "every case differs by the same amount: no interval can be given, and no verdict"
    return [Reason(Code.NO_INTERVAL, text)]


def untrusted(judge: str, calibration: Calibration | None, limits: Limits) -> Reason | None:
    """Return why a judge's scores bear no verdict, if so. J is sensitivity + specificity - 1."""
    if calibration is None:
        text = f"the judge {judge!r} was never compared with people's labels"
        return Reason(Code.JUDGE_UNCHECKED, text, {"judge": judge})
    informedness = calibration.sensitivity + calibration.specificity - 1
    order = calibration.order_agreement
    if calibration.labels < limits.min_labels:
        what = f"{calibration.labels} labels are too few: at least {limits.min_labels}"
        return _too_weak(judge, what, "labels", calibration.labels, limits.min_labels)
    if calibration.kappa < limits.min_kappa:
        what = f"its kappa is {calibration.kappa:g}, below {limits.min_kappa:g}"
        return _too_weak(judge, what, "kappa", calibration.kappa, limits.min_kappa)
    if informedness < limits.min_informedness:
        what = f"its J is {informedness:.2g}, below {limits.min_informedness:g}"
        return _too_weak(judge, what, "informedness", informedness, limits.min_informedness)
    if order is not None and order < limits.min_order_agreement:
        what = f"it agrees with itself in both orders on {order * 100:.0f} % of pairs only"
        return _too_weak(judge, what, "order_agreement", order, limits.min_order_agreement)
    return None


def _too_weak(judge: str, what: str, measure: str, value: float, least: float) -> Reason:
    return Reason(
        Code.JUDGE_TOO_WEAK,
        f"the judge {judge!r} is not good enough: {what}",
        {"judge": judge, "measure": measure, "value": value, "least": least},
    )
