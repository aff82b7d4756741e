"""Scorers that are made of others: `all_of`, `any_of`, `not`, `weighted`, `by_case`."""

from __future__ import annotations

from dataclasses import replace
from math import fsum
from typing import Annotated

from pydantic import Field

from promptlab.core.types import NOT_GRADABLE, Score
from promptlab.scorers.conditions import NO_BOUNDS, Bounds
from promptlab.scorers.decorator import scorer
from promptlab.scorers.parts import OneVerdict, Part, Scorers, Verdicts
from promptlab.scorers.sample import Sample
from promptlab.scorers.verdict import cut, not_gradable, verdict

_SHORT = 80  # characters of a part's own reason

Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]


def _check_some(*, of: list[Part], **_: object) -> None:
    if not of:
        raise ValueError("it needs one scorer or more")


@scorer(version="1", check=_check_some, reads_output=False, shares=True)
def all_of(sample: Sample, *, of: Verdicts) -> Score:
    """Every one of the scorers passes.

    One that fails decides, whatever the others say. Otherwise, where one of them failed to grade or
    could not tell, there is no score.

    Limits:
        It can tell no more than its parts: see theirs.

    Args:
        sample: the trial to grade
        of: the scorers, each as in a suite; each gives a verdict
    """
    return _decided(of, by=False)


@scorer(version="1", check=_check_some, reads_output=False, shares=True)
def any_of(sample: Sample, *, of: Verdicts) -> Score:
    """At least one of the scorers passes.

    One that passes decides, whatever the others say. Otherwise, where one of them failed to grade
    or could not tell, there is no score.

    Limits:
        It can tell no more than its parts: see theirs.

    Args:
        sample: the trial to grade
        of: the scorers, each as in a suite; each gives a verdict
    """
    return _decided(of, by=True)


@scorer(version="1", reads_output=False, shares=True)
def not_(sample: Sample, *, of: OneVerdict) -> Score:
    """The scorer fails.

    Where it failed to grade or could not tell, there is no score. So it is where the answer holds
    nothing to grade: an answer without a label is not the wrong label.

    Limits:
        It can tell no more than its parts: see theirs.

    Args:
        sample: the trial to grade
        of: the scorer, as in a suite; it gives a verdict
    """
    if of.certain is None:
        return _unknown([of])
    return replace(verdict(not of.certain, _told(of)), gradable=of.score.gradable)


def _check_weighted(
    *, of: list[Part], weights: list[float] | None, at_least: float | None, at_most: float | None
) -> None:
    _check_some(of=of)
    if weights is not None and len(weights) != len(of):
        raise ValueError(f"there are {len(weights)} weights for {len(of)} scorers")
    Bounds(at_least, at_most).require_order()


@scorer(version="1", check=_check_weighted, reads_output=False)
def weighted(
    sample: Sample,
    *,
    of: Scorers,
    weights: list[Weight] | None = None,
    at_least: Number | None = None,
    at_most: Number | None = None,
) -> Score:
    """The weighted mean of the scores of the scorers.

    Where one of them failed to grade or could not tell, there is no score: the others are not given
    its weight. An answer that holds nothing to grade by one of them counts 0 there; it does not
    pass a bound because of that.

    Limits:
        The scores are added up as they are: mean numbers of one scale, such as shares.

    Args:
        sample: the trial to grade
        of: the scorers, each as in a suite
        weights: one number above 0 for each of them; by default all weigh the same
        at_least: the least mean that passes; without bounds, the mean is no verdict
        at_most: the most that passes
    """
    scores = [part.score.value for part in of if part.score.value is not None]
    if len(scores) < len(of):
        return _unknown(of)
    weights = weights or [1.0] * len(of)
    total = fsum(weights)
    value = fsum(weight * score for weight, score in zip(weights, scores, strict=True)) / total
    hidden = [weight for weight, part in zip(weights, of, strict=True) if _holds_nothing(part)]
    most = value + fsum(hidden) / total
    bounds = Bounds(at_least, at_most)
    gradable = None if hidden else _all_gradable(of)
    told = _together(of)
    if bounds == NO_BOUNDS:
        empty = len(hidden) == len(of)
        return Score(value, None, told, gradable=False if empty else gradable)
    certain = bounds.hold(value) and bounds.hold(most)
    if not certain:
        told = cut(f"{value:.4g}, not {bounds.in_words()}: {told}", len(told) + _SHORT)
        gradable = False if bounds.may_hold(value, most) else gradable
    return Score(value, certain, told, gradable=gradable)


def _check_by_case(*, of: list[Part], cases: dict[str, int]) -> None:
    _check_some(of=of)
    wrong = [case for case, place in cases.items() if not 0 <= place < len(of)]
    if wrong:
        raise ValueError(f"case {wrong[0]!r} has the scorer {cases[wrong[0]]} of {len(of)}")


@scorer(version="1", check=_check_by_case, reads_output=False)
def by_case(sample: Sample, *, of: Scorers, cases: dict[str, int]) -> Score:
    """What the case itself says of how it is graded; it is made of the `scorers` of cases.

    Limits:
        It can tell no more than its parts: see theirs.

    Args:
        sample: the trial to grade
        of: all scorers of cases that have this name
        cases: for each case, by its id, the place of its scorer among them, from 0; other cases
            have no score
    """
    [part] = of  # that of the case
    return part.score


def _decided(of: list[Part], *, by: bool) -> Score:
    """Return the verdict on parts of which one decides alone, `by` passing or by failing."""
    counted, certain = [part.passes for part in of], [part.certain for part in of]
    if by not in counted and None in counted:
        return _unknown(of)
    unknown = by not in certain and None in certain
    score = verdict(by if by in counted else not by, _together(of))
    return replace(score, gradable=False if unknown else _all_gradable(of))


def _all_gradable(of: list[Part]) -> bool | None:
    return True if all(part.score.gradable for part in of) else None


def _holds_nothing(part: Part) -> bool:
    return part.score.gradable is False and part.score.value is not None


def _unknown(of: list[Part]) -> Score:
    """Return that there is no score, as a part has none; one that failed is told before others."""
    failed = next((part for part in of if part.failed), None)
    if failed is not None:
        error = cut(f"{failed.label} failed: {failed.score.error}", 300)
        return Score(None, None, _together(of), error, failed.score.traceback)
    silent = [part for part in of if part.score.gradable is False or part.score.value is None]
    told = "; ".join(map(_told, silent))
    return not_gradable(told.replace(f": {NOT_GRADABLE}: ", ": "))


def _together(of: list[Part]) -> str:
    return cut("; ".join(map(_told, of)), 300)


def _told(part: Part) -> str:
    """Return in short what a part says."""
    score = part.score
    if score.value is None:
        return f"{part.label}: {cut(score.error or 'no score', _SHORT)}"
    word = f"{score.value:.4g}" if score.passed is None else ("pass" if score.passed else "fail")
    reason = f" ({cut(score.reason, _SHORT)})" if score.reason else ""
    return f"{part.label}: {word}{reason}"
