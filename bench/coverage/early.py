"""Runs that may stop as soon as a pair is decided (`--until-decided`).

All cases go through `compare`, which leaves out what came in after the decision; the plain
method beside it is one test of all cases. The settings at the end send runs trial by trial through
`Race`: it must stop at the same case and conclude the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from bench.coverage.draws import Chance, Drawn, Floats, Ints, versions
from bench.coverage.frame import Keep, Setting
from bench.coverage.judge import Seen, compare_rows, seen
from bench.coverage.sources import BASE, Latent
from promptlab.analysis.race import Race
from promptlab.core.types import Case, Plan, ScorerSpec, Sequential

STATED = ("decided early", "cases taken")


@dataclass(frozen=True, slots=True)
class Course:
    """A run that may stop early: `pairs` arms against one baseline, at most `n` cases."""

    label: str
    n: int
    pairs: int
    source: Latent
    truth: float
    group_size: int = 1

    @property
    def groups(self) -> Ints:
        """Return the group of each case."""
        return np.arange(self.n) // self.group_size

    def draw(self, chance: Chance, truth: float) -> Drawn:
        """Return all cases; only arm 1 truly differs."""
        means = [BASE - truth / 2, BASE + truth / 2, *(BASE - truth / 2,) * (self.pairs - 1)]
        declared = Sequential(0.05, tuple((0, arm) for arm in range(1, self.pairs + 1)))
        groups = self.groups if self.group_size > 1 else None
        scores = self.source.scores(chance, self.groups, means)
        return Drawn(scores, means, groups, sequential=declared)


def settings() -> Iterator[Setting[Drawn]]:
    """Yield the ways to stop early, without and with a true difference, then those by trials."""
    for course in courses():
        for truth in (0.0, course.truth):
            label = f"{course.label}, n {course.n}, {course.pairs} pairs, true {truth * 100:+g}"
            draw, keep = partial(course.draw, truth=truth), Keep(0.93, lost=None, stated=STATED)
            yield Setting(label, draw, keep, conclude, share=min(1.0, 200 / course.n))
    for course in courses():
        keep = Keep(lost=None, marks={"agrees": 1.0})
        label = f"{course.label}, n {course.n}, {course.pairs} pairs, through Race"
        draw = partial(course.draw, truth=course.truth)
        yield Setting(label, draw, keep, raced, plain=None, share=0.01)


def courses() -> Iterator[Course]:
    passes = Latent(1, 1, 0.95, case=3.0)
    few = Latent(1, 1, 0.5, group=0.5)
    for n, truth in ((50, 0.15), (200, 0.1), (1000, 0.05)):
        for pairs in (1, 4):
            yield Course("pass/fail", n, pairs, passes, truth)
            yield Course("number", n, pairs, Latent(0), truth)
            yield Course("groups of 5", n, pairs, few, truth, group_size=5)


def conclude(drawn: Drawn) -> Seen:
    """Conclude from all cases by the rule for stopping early."""
    rows = compare_rows(drawn)
    taken = float(np.mean([one.n for one in rows])) / drawn.scores.shape[1]
    early = float(np.mean([one.stopped_at is not None for one in rows]))
    return seen(drawn, rows, {"decided early": early, "cases taken": taken})


def raced(drawn: Drawn) -> Seen:
    """Send a run trial by trial through `Race`; what is not wanted any more is not there."""
    taken = replace(drawn, scores=stopped(drawn))
    rows = compare_rows(taken)
    told = [
        [(one.stopped_at, one.n, one.verdict, round(one.p_adjusted or 0, 12)) for one in family]
        for family in (rows, compare_rows(drawn))
    ]
    return seen(drawn, rows, {"agrees": float(told[0] == told[1])})


def stopped(drawn: Drawn) -> Floats:
    """Return the scores of the trials that `Race` wanted."""
    plan = plan_of(drawn)
    watched = Race(plan, drawn.rule.limits)
    taken = np.full(drawn.scores.shape, np.nan)
    for seq in range(plan.size):
        trial = plan.trial(seq)
        if watched.wanted(trial.arm):
            place = (trial.arm, trial.case, trial.repeat)
            taken[place] = drawn.scores[place]
            watched.record(trial.arm, trial.case, float(taken[place]))
    return taken


def plan_of(drawn: Drawn) -> Plan:
    """Return the plan of a run, its cases in the order in which they were drawn."""
    arms, cases, repeats = drawn.scores.shape
    groups = [None] * cases if drawn.groups is None else drawn.groups.tolist()
    return Plan(
        suite="s",
        arms=tuple(measured.arm for measured in versions(arms)),
        cases=tuple(
            Case(f"c{place}", {}, None, (), None if group is None else f"g{group}", f"d:{place}")
            for place, group in enumerate(groups)
        ),
        repeats=repeats,
        seed=0,
        scorers=(ScorerSpec("score", "score", "1", {}),),
        primary="score",
        grade=None,
        templates=(),
        backends=(),
        split="all",
        gates=(),
        assets=".",
        sequential=drawn.sequential,
    )
