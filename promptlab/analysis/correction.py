"""The difference of two sides as people would see it, from a judge who errs and a few labels.

People's word on some of the cases makes up for any error of the judge, also one that differs from
side to side. Without labels of these very answers, known sensitivity and specificity do so, if they
are the same on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from promptlab.analysis.conclude import BY_PEOPLE, BY_SHARES, Effect, Floats, Ints
from promptlab.analysis.enlarged import Enlarged
from promptlab.analysis.inference import Inference
from promptlab.analysis.measurements import JoinedArm
from promptlab.analysis.methods import MeanByT
from promptlab.core.decision import Rule
from promptlab.core.passport import Share
from promptlab.stats.corrected import (
    Checked,
    prediction_powered,
    rogan_gladen,
    weight_of,
)
from promptlab.stats.distinct import distinct
from promptlab.stats.imagined import few_differ
from promptlab.stats.lopsided import CubicT


@dataclass(frozen=True, slots=True)
class Scores:
    """What a judge says of both sides, case by case, and people, NaN where they were not asked.

    `groups` has the number of each case's group; no two scores differ by more than `largest`.
    `verdicts` says that the judge passes and fails answers, which are those of `arms`.
    """

    before: Floats
    after: Floats
    people_before: Floats
    people_after: Floats
    groups: Ints
    largest: float
    verdicts: bool
    arms: tuple[JoinedArm, ...] = ()

    @property
    def labelled(self) -> np.ndarray:
        """Return the cases of which people have labelled both sides."""
        return ~np.isnan(self.people_before) & ~np.isnan(self.people_after)


@dataclass(frozen=True, slots=True)
class Correction:
    """A corrected effect with the means of both sides, and the number of cases with labels.

    Either the judge's word counts with a `weight` beside people's, or its differences are divided
    by `j`. Estimates are not cut to what can be: chance may carry a share beyond 0 or 1.
    """

    effect: Effect
    mean_a: float
    mean_b: float
    labels: int
    weight: float = 0.0
    j: float | None = None

    def difference(self, judge: Floats, people: Floats, labelled: np.ndarray) -> float:
        """Return another difference on the same cases, corrected in the same way."""
        if self.j is not None:
            return float(judge.mean()) / self.j
        return _mean(people, judge, labelled, self.weight)


def mean_by_people(judge: Floats, people: Floats) -> float:
    """Return the mean of one arm as people see it, NaN where they were not asked.

    PPI++ with the weight of the judge's word that is best for this mean.
    """
    known = ~np.isnan(people)
    weight = weight_of(people[known], judge[known], judge[~known])
    return _mean(people, judge, known, weight)


def mean_by_shares(judge: Floats, passes: Share, failures: Share) -> float | None:
    """Return the true share of an arm's passes by Rogan and Gladen; None for J of 0 or less."""
    checked = Checked(passes.right, passes.n), Checked(failures.right, failures.n)
    found = rogan_gladen(round(float(judge.sum())), judge.size, *checked)
    return None if found is None else found[0]


def _mean(people: Floats, judge: Floats, known: np.ndarray, weight: float) -> float:
    own = float((people - weight * judge)[known].mean())
    return own + (weight * float(judge[~known].mean()) if not known.all() else 0.0)


def by_people(scores: Scores, rule: Rule) -> Correction | None:
    """Correct by the labels of both sides, as PPI++ does; None if nothing varies.

    Where judge and people differ on fewer than six of the labelled cases, two imagined ones, on
    which the judge is wrong by the most there can be, stand for the errors not seen. Where the
    judge adds nothing, as where people have labelled every case, it is people's word alone.
    """
    known = scores.labelled
    y = (scores.people_after - scores.people_before)[known]
    d = scores.after - scores.before
    f, rest = d[known], d[~known]
    codes, others = scores.groups[known], scores.groups[~known]
    weight = weight_of(y, f, rest)
    errors = y - f if weight else y
    imagined = few_differ(errors) or bool(np.all(errors == errors[0]))
    if imagined:
        first = int(scores.groups.max(initial=0)) + 1
        y = np.concatenate([y, [scores.largest, -scores.largest]])
        f, codes = np.concatenate([f, [0.0, 0.0]]), np.concatenate([codes, [first, first + 1]])
    judged = prediction_powered(y, f, rest, codes, others)
    if judged is None:
        return None
    means = (
        _mean(scores.people_before, scores.before, known, weight),
        _mean(scores.people_after, scores.after, known, weight),
    )
    by_t = MeanByT(
        CubicT(judged.mean, judged.se, judged.df),
        cubic=None,
        flips=None,
        largest=max(1.0, scores.largest),
        method=BY_PEOPLE,
        imagined=scores.largest if imagined else 0.0,
        lopsided=0.0,
    )
    effect = _effect(scores, means[1] - means[0], by_t, rule)
    return Correction(effect, *means, labels=int(known.sum()), weight=weight)


def by_shares(
    scores: Scores, raw: Effect, passes: Share, failures: Share, rule: Rule
) -> Correction | None:
    """Correct passes and failures by sensitivity and specificity, which must hold on both sides.

    Rogan and Gladen's estimate of each side; their difference is that of the judge divided by
    J = q0 + q1 - 1, and is judged as the judge's own is (`enlarged`). Its standard error allows for
    that of J (the delta method); the variances of q0 and q1 have one right and one wrong answer
    more, as in `rogan_gladen`. None where the judge finds more than it could find with such errors.
    """
    checked = Checked(passes.right, passes.n), Checked(failures.right, failures.n)
    n = scores.before.size
    sides = [
        rogan_gladen(round(float(side.sum())), n, *checked)
        for side in (scores.before, scores.after)
    ]
    if sides[0] is None or sides[1] is None or raw.delta is None:
        return None
    if not raw.se or raw.inference is None:
        return None
    j = passes.right / passes.n + failures.right / failures.n - 1
    of_j = sum(map(_variance, checked))
    delta = raw.delta / j
    se = sqrt(raw.se**2 + delta**2 * of_j) / j
    largest = max(1.0, scores.largest)
    judged = Enlarged(raw.inference, delta, se, j, of_j, BY_SHARES, largest)
    ci = judged.interval(rule.level)
    if ci is not None and ci[0] >= ci[1]:
        return None
    effect = _effect(scores, delta, judged, rule)
    return Correction(effect, sides[0][0], sides[1][0], labels=passes.n + failures.n, j=j)


def _variance(share: Checked) -> float:
    right = (share.right + 1) / (share.n + 2)
    return right * (1 - right) / (share.n + 2)


def _effect(scores: Scores, delta: float, judged: Inference, rule: Rule) -> Effect:
    d = scores.after - scores.before
    told = np.nan_to_num(scores.people_after - scores.people_before)
    return Effect(
        n=d.size,
        n_groups=distinct(scores.groups).size,
        nonzero=int(np.count_nonzero((d != 0) | (told != 0))),
        delta=delta,
        se=judged.se,
        ci=judged.interval(rule.level),
        p=judged.two_sided(),
        method=judged.method,
        inference=judged,
    )
