"""Judges who err, corrected by labels of people on some of the cases.

The judge that turns the truth around passes .9 of what is right on A and .7 on B, and fails .8 and
.95 of what is wrong: it sees A ahead by 11.5 points where B is ahead by 10.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from bench.coverage.draws import Chance, Drawn, Floats, Ints
from bench.coverage.frame import Keep, Setting
from bench.coverage.judge import Seen, Told, compare_rows, seen
from promptlab.analysis.conclude import Effect
from promptlab.analysis.correction import Scores, by_people
from promptlab.analysis.errors import Judgement
from promptlab.analysis.passports import Counted, Probed, figures_of, issued
from promptlab.core.decision import Limits, Verdict
from promptlab.core.passport import Passport, Probe, Repeats
from promptlab.core.types import ScorerSpec

Errs = tuple[float, float]
"""Sensitivity and specificity."""

TURNS: tuple[Errs, Errs] = ((0.9, 0.8), (0.7, 0.95))
FAIR: tuple[Errs, Errs] = ((0.9, 0.85), (0.9, 0.85))
RARE: tuple[Errs, Errs] = ((0.99, 0.99), (0.99, 0.99))
BLIND: tuple[Errs, Errs] = ((0.5, 0.5), (0.5, 0.5))
CASES = 1_000
PROBED = Probed((Probe("length", 60, 0, 0, 0.0, 1.0, caught=False),), Repeats(60, 1.0, 0.0))


def drawn(
    chance: Chance,
    errs: tuple[Errs, Errs],
    truth: tuple[float, float] = (0.6, 0.7),
    labels: int = 100,
    size: int = 1,
) -> Drawn:
    """Return what a judge says of two arms, with the labels of people on `labels` cases.

    Cases in groups of `size` are alike: half of them share what is true.
    """
    groups = np.arange(CASES) // size
    own, shared = chance.random((2, CASES)), chance.random((2, groups.max() + 1))[:, groups]
    levels = np.where(chance.random(CASES) < (0.5 if size > 1 else 0), shared, own)
    right = levels < np.array(truth)[:, None]
    says = chance.random((2, CASES))
    passes = np.array([[one] for one, _ in errs])
    fails = np.array([[one] for _, one in errs])
    judged = np.where(right, says < passes, says >= fails).astype(float)
    people = np.full(right.shape, np.nan)
    chosen = chance.choice(CASES, labels, replace=False)
    people[:, chosen] = right[:, chosen]
    passport = passport_of(judged, people)
    return Drawn(judged, truth, groups=groups, passport=passport, people=people)


def passport_of(judged: Floats, people: Floats) -> Passport:
    """Return the passport that the labels lead to."""
    judgements = [
        Judgement(f"t@v{arm}", {"people": float(people[arm, case])}, float(judged[arm, case]))
        for arm, case in np.argwhere(~np.isnan(people)).tolist()
    ]
    figures = figures_of(judgements, Counted(), PROBED, judged.shape[1])
    spec = ScorerSpec("score", "score", "1", {}, judge=True)
    return issued("s", spec, [], figures, Limits())


def of_compare(one: Drawn) -> Seen:
    """Return what `compare` says."""
    return seen(one, compare_rows(one), _marks(one))


def quickly(one: Drawn) -> Seen:
    """Return the same, of the correction alone."""
    assert one.people is not None
    assert one.groups is not None
    (before, after), (people_a, people_b) = one.scores, one.people
    scores = Scores(before, after, people_a, people_b, one.groups, 1.0, verdicts=True)
    found = by_people(scores, one.rule)
    assert found is not None
    return _told(one, found.effect)


def as_the_judge_says(one: Drawn) -> Seen:
    """Return what the judge would say by itself."""
    d = one.scores[1] - one.scores[0]
    groups: Ints = np.arange(d.size) if one.groups is None else one.groups
    half = 1.96 * float(d.std(ddof=1)) / np.sqrt(d.size) if groups.size else 0.0
    mean = float(d.mean())
    return Seen((Told(_truth(one.means), mean, (mean - half, mean + half), "undecided"),), one.rule)


def _told(one: Drawn, effect: Effect) -> Seen:
    verdict: Verdict = "undecided"
    if effect.p is not None and effect.p <= one.rule.alpha:
        verdict = "better" if (effect.delta or 0) > 0 else "worse"
    row = Told(_truth(one.means), effect.delta, effect.ci, verdict)
    return Seen((row,), one.rule, marks=_marks(one))


def _truth(means: Sequence[float]) -> float:
    return means[1] - means[0]


def _marks(one: Drawn) -> dict[str, float | None]:
    assert one.passport is not None
    return {
        "refused as uneven": float(any(f.code == "errs-unevenly" for f in one.passport.findings))
    }


def settings() -> Iterator[Setting[Drawn]]:
    """Yield the settings."""
    named = {
        "turns the truth around, 100 labels a side": (TURNS, (0.6, 0.7), 100, 1),
        "turns the truth around, no true difference": (TURNS, (0.65, 0.65), 100, 1),
        "turns the truth around, 25 labels a side": (TURNS, (0.6, 0.7), 25, 1),
        "errs evenly, 100 labels a side": (FAIR, (0.6, 0.7), 100, 1),
        "errs evenly, no true difference": (FAIR, (0.65, 0.65), 100, 1),
        "errs on one answer in a hundred, 25 labels a side": (RARE, (0.6, 0.7), 25, 1),
        "says nothing, 100 labels a side": (BLIND, (0.6, 0.7), 100, 1),
        "turns the truth around, groups of 5": (TURNS, (0.6, 0.7), 100, 5),
    }
    for label, (errs, truth, labels, size) in named.items():
        draw = partial(drawn, errs=errs, truth=truth, labels=labels, size=size)
        marks = {"refused as uneven": 0.9} if label == next(iter(named)) else {}
        yield Setting(
            label,
            draw,
            Keep(coverage=0.93, lost=None, marks=marks),
            of_compare,
            as_the_judge_says,
            share=0.25,
            quick=quickly,
        )
