"""How far the scores of a judge bear a verdict on two sides: corrected, as they are, or not at all.

A judge is believed by its passport, or by what a project states of it by hand. Labels of people on
both sides correct whatever it errs; without them, a judge that errs unevenly is not believed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np

from promptlab.analysis.conclude import BY_PEOPLE, BY_SHARES, Effect, Ints, effect
from promptlab.analysis.correction import (
    Correction,
    Scores,
    by_people,
    by_shares,
    mean_by_people,
    mean_by_shares,
)
from promptlab.analysis.judge_reasons import (
    corrected,
    corrected_mean,
    moved,
    of_other_models,
    provisional,
    refused,
    stale,
    uncorrected,
    uncorrected_mean,
)
from promptlab.analysis.measurements import JoinedArm, Measurements
from promptlab.analysis.sides import Side, Where, mean_over
from promptlab.analysis.sufficiency import untrusted
from promptlab.core.codes import Code
from promptlab.core.decision import Limits, Rule
from promptlab.core.passport import Passport
from promptlab.core.reasons import Reason

FoundT = TypeVar("FoundT")


@dataclass(frozen=True, slots=True)
class Trust:
    """What a judge's scores are worth: why they bear no verdict, notes, the corrected effect."""

    reasons: tuple[Reason, ...] = ()
    notes: tuple[Reason, ...] = ()
    correction: Correction | None = None


@dataclass(frozen=True, slots=True)
class MeanTrust:
    """What an arm's mean is worth: the mean to go by, why it decides nothing, and notes."""

    mean: float
    reasons: tuple[Reason, ...] = ()
    notes: tuple[Reason, ...] = ()


FULL = Trust()
"""Of scores that nobody has to be believed for."""


def scores_of(table: Measurements, sides: tuple[Side, Side], shared: Where, groups: Ints) -> Scores:
    """Return what judge and people say of both sides on the shared cases."""
    before, after = (mean_over(side, shared, lambda arm: arm.cells.score) for side in sides)
    people = [mean_over(side, shared, lambda arm: arm.people) for side in sides]
    verdicts = table.bounded and all(arm.cells.is_verdict for side in sides for arm in side)
    arms = (*sides[0], *sides[1])
    return Scores(before, after, people[0], people[1], groups, table.largest, verdicts, arms)


def trust_in(
    table: Measurements, scores: Scores, raw: Effect, rule: Rule, *, corrects: bool = True
) -> Trust:
    """Return what the scores of a table are worth on two sides, whose effect is `raw` by itself.

    Nothing is corrected unless it `corrects`: where a run could stop early, or where wordings are a
    sample too, the effect is judged in another way.
    """
    if not table.scorer.judge:
        return FULL
    passport = table.passport_for(scores.arms)
    if passport is None:
        why = _without(table, rule)
        return FULL if why is None else Trust((why,))
    trust = _by_passport(passport, scores, raw, rule, corrects=corrects)
    shown = raw if trust.correction is None else trust.correction.effect
    gone = moved(table.scorer.label, _move(table), shown.delta, is_rate=scores.verdicts)
    return trust if gone is None else replace(trust, notes=(gone, *trust.notes))


def trust_in_mean(
    table: Measurements, arm: JoinedArm, raw: float, bound: float, rule: Rule
) -> MeanTrust:
    """Return what the mean `raw` of one arm is worth where it is held against a bound."""
    if not table.scorer.judge:
        return MeanTrust(raw)
    passport = table.passport_for([arm])
    if passport is None:
        why = _without(table, rule)
        return MeanTrust(raw, () if why is None else (why,))
    known = ~np.isnan(arm.cells.score)
    judge, people = arm.cells.score[known], arm.people[known]
    labels, figures = int((~np.isnan(people)).sum()), passport.figures
    passes, failures = figures.sensitivity, figures.specificity

    def by_labels() -> tuple[float, int, str]:
        return mean_by_people(judge, people), labels, BY_PEOPLE

    def by_errors() -> tuple[float, int, str] | None:
        if not (figures.equal and arm.cells.is_verdict and table.bounded):
            return None
        mean = (
            None if passes is None or failures is None else mean_by_shares(judge, passes, failures)
        )
        return None if mean is None else (mean, figures.labels, BY_SHARES)

    found, why = _allowed(passport, labels, rule.limits, by_labels, by_errors)
    if why is not None:
        return MeanTrust(raw, (why,))
    if found is None:
        mean, note = raw, uncorrected_mean(passport, labels, _least(rule.limits), arm.label)
    else:
        mean, note = found[0], corrected_mean(raw, found[1], found[2], arm.label)
    rate = arm.cells.is_verdict and table.bounded
    gone = moved(table.scorer.label, _move(table), mean - bound, is_rate=rate)
    return MeanTrust(mean, () if gone is None else (gone,), (note, *provisional(passport)))


def _without(table: Measurements, rule: Rule) -> Reason | None:
    """Return why a judge without a passport is not believed, if so."""
    judge = table.scorer.label
    if any(run.stale for run in table.runs):
        return of_other_models(judge) if any(run.own for run in table.runs) else stale(judge)
    return untrusted(judge, rule.judges.get(judge), rule.limits)


def _move(table: Measurements) -> float:
    """Return by how much its judge has moved at most."""
    return max((run.moved for run in table.runs if run.moved is not None), key=abs, default=0.0)


def corrected_in(
    table: Measurements, sides: tuple[Side, Side], where: Where, method: str, rule: Rule
) -> tuple[float, float] | None:
    """Return the corrected effect on a part of the arms and its standard error, None if not known.

    The `method` is that by which the effect on all of them is corrected.
    """
    scores = scores_of(table, sides, where, table.groups[where])
    found = None
    if method == BY_PEOPLE and int(scores.labelled.sum()) >= _least(rule.limits):
        found = by_people(scores, rule)
    elif method != BY_PEOPLE and (passport := table.passport_for(scores.arms)) is not None:
        raw = effect(scores.after - scores.before, scores.groups, rule)
        found = _by_shares(passport, scores, raw, rule)
    known = None if found is None else found.effect
    if known is None or known.delta is None or known.se is None:
        return None
    return known.delta, known.se


def has_moved(notes: Sequence[Reason]) -> bool:
    """Return whether a judge has moved, by these notes, so that nothing is decided."""
    return any(note.code is Code.JUDGE_MOVED for note in notes)


def _by_passport(
    passport: Passport, scores: Scores, raw: Effect, rule: Rule, *, corrects: bool
) -> Trust:
    """Correct by labels of both sides, else by errors shown equal, else believe it as it is."""
    labels = int(scores.labelled.sum())
    found, why = _allowed(
        passport,
        labels if corrects else 0,
        rule.limits,
        partial(by_people, scores, rule),
        partial(_by_shares, passport, scores, raw, rule) if corrects else _never,
    )
    if why is not None:
        return Trust((why,))
    if found is None:
        least = _least(rule.limits)
        note = uncorrected(passport, labels, least, corrects=corrects)
    else:
        note = corrected(found, raw, is_rate=scores.verdicts)
    return Trust((), (note, *provisional(passport)), found)


def _allowed(
    passport: Passport,
    labels: int,
    limits: Limits,
    by_labels: Callable[[], FoundT | None],
    by_errors: Callable[[], FoundT | None],
) -> tuple[FoundT | None, Reason | None]:
    """Return the correction that a passport allows, or why a judge bears nothing.

    Of what rests on a judge's scores everything follows this one rule: what no labels can make up
    for, labels of these very answers, what the passport says, errors that are shown equal.
    """
    if passport.deep:
        return None, refused(passport)
    found = by_labels() if labels >= _least(limits) else None
    if found is None and passport.verdict == "refused":
        return None, refused(passport)
    return (by_errors() if found is None else found), None


def _never() -> None:
    """Correct nothing."""


def _least(limits: Limits) -> int:
    """Return how many cases must have labels on both sides: half of the labels go to each."""
    return (limits.min_labels + 1) // 2


def _by_shares(passport: Passport, scores: Scores, raw: Effect, rule: Rule) -> Correction | None:
    figures = passport.figures
    if (
        not scores.verdicts
        or not figures.equal
        or figures.sensitivity is None
        or figures.specificity is None
    ):
        return None
    return by_shares(scores, raw, figures.sensitivity, figures.specificity, rule)
