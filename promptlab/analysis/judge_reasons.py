"""Reasons and notes that speak of a judge, as what rests on its scores tells them."""

from __future__ import annotations

from collections.abc import Iterator

from promptlab.analysis.conclude import BY_PEOPLE, Effect
from promptlab.analysis.correction import Correction
from promptlab.analysis.standing import named
from promptlab.core.codes import Code
from promptlab.core.messages import Json
from promptlab.core.passport import Passport
from promptlab.core.reasons import Reason

_EQUAL = ", its errors being shown equal on all arms"


def stale(judge: str) -> Reason:
    """Return that a judge was changed since it had a passport."""
    text = f"the judge {judge!r} was changed since it was held against people's labels"
    return Reason(Code.JUDGE_STALE, text, {"judge": judge})


def of_other_models(judge: str) -> Reason:
    """Return that a judge that asks the model of each answer has no passport for these models."""
    first = stale(judge)
    text = f"{first.text}, or that was for other models: it asks the model of each answer"
    return Reason(first.code, text, first.about)


def refused(passport: Passport) -> Reason:
    """Return why a judge is refused; one that errs unevenly has a name of its own."""
    judge = passport.scorer
    against = passport.deep or [each for each in passport.findings if each.weight == "refused"]
    uneven = [each for each in against if each.code == "errs-unevenly"]
    if uneven and not passport.deep:
        text = f"the judge {judge!r} errs unevenly, so one correction for all would mislead:"
        about: dict[str, Json] = {
            "judge": judge,
            "bias": {arm.arm: arm.bias for arm in passport.figures.arms},
        }
        return Reason(Code.JUDGE_ERRS_UNEVENLY, f"{text} {named(uneven)}", about)
    return Reason(
        Code.JUDGE_REFUSED,
        f"the passport of the judge {judge!r} is refused: {named(against)}",
        {"judge": judge, "findings": [each.code for each in against]},
    )


def corrected(found: Correction, raw: Effect, *, is_rate: bool) -> Reason:
    """Return by what a difference is corrected, and what the judge alone says."""
    told = "unknown" if raw.delta is None else difference(raw.delta, is_rate=is_rate)
    by_people = found.effect.method == BY_PEOPLE
    where = f" ({found.labels} cases, both sides)" if by_people else _EQUAL
    labels = 2 * found.labels if by_people else found.labels
    text = f"corrected with {labels:,} human labels{where}: the judge alone says {told}"
    if is_rate and not (0 <= found.mean_a <= 1 and 0 <= found.mean_b <= 1):
        text += "; by chance the corrected shares lie beyond what can be, and are not cut"
    about: dict[str, Json] = {
        "labels": labels,
        "uncorrected": raw.delta,
        "method": found.effect.method,
    }
    return Reason(Code.JUDGE_CORRECTED, text, about)


def corrected_mean(raw: float, labels: int, method: str, arm: str) -> Reason:
    """Return by what the mean of an arm is corrected, and what the judge alone says."""
    where = "" if method == BY_PEOPLE else _EQUAL
    text = f"{arm} is corrected with {labels:,} human labels{where}: the judge alone says {raw:.4g}"
    about: dict[str, Json] = {"labels": labels, "uncorrected": raw, "method": method}
    return Reason(Code.JUDGE_CORRECTED, text, about)


def moved(judge: str, by: float, beside: float | None, *, is_rate: bool) -> Reason | None:
    """Return that a judge has moved by more than what is to be told apart, if so."""
    if not by or beside is None or abs(by) <= abs(beside):
        return None
    text = "the judge moved: it scores answers that it knows"
    text += f" {difference(by, is_rate=is_rate)} otherwise than before"
    return Reason(Code.JUDGE_MOVED, text, {"judge": judge, "moved": by, "delta": beside})


def difference(value: float, *, is_rate: bool) -> str:
    """Return a difference of scores as text."""
    return f"{value * 100:+.1f} points" if is_rate else f"{value:+.3g}"


def uncorrected(passport: Passport, labels: int, least: int, *, corrects: bool) -> Reason:
    """Return why nothing is corrected: where labels never would, not how many there are."""
    j = passport.figures.informedness
    shrunk = "" if not j else f", and true differences are about {1 / j:.2g} times as large"
    text = f"not corrected: {labels} cases have labels on both sides, at least {least} must{shrunk}"
    if not corrects:
        text = f"not corrected, since more than the cases was drawn, or the run could stop{shrunk}"
    elif labels >= least:
        text = f"not corrected: nothing varies on the {labels} cases with labels{shrunk}"
    about: dict[str, Json] = {"labels": labels, "least": least, "informedness": j}
    return Reason(Code.JUDGE_UNCORRECTED, text, about)


def uncorrected_mean(passport: Passport, labels: int, least: int, arm: str) -> Reason:
    """Return that the mean of an arm is the judge's own."""
    text = f"{arm} is not corrected: {labels} of its cases have labels, at least {least} must"
    j = passport.figures.informedness
    about: dict[str, Json] = {"labels": labels, "least": least, "informedness": j}
    return Reason(Code.JUDGE_UNCORRECTED, text, about)


def provisional(passport: Passport) -> Iterator[Reason]:
    """Yield what a passport has against a judge that is believed all the same."""
    if passport.verdict == "trusted":
        return
    judge = passport.scorer
    text = f"the judge {judge!r} by itself is {passport.verdict}: {named(passport.findings)}"
    about: dict[str, Json] = {
        "judge": judge,
        "verdict": passport.verdict,
        "findings": [each.code for each in passport.findings],
    }
    yield Reason(Code.JUDGE_PROVISIONAL, text, about)
