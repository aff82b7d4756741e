"""What the statistics hold: intervals, verdicts and early stopping on data whose truth is known.

    python bench/coverage.py [--quick] [--jobs 2] [--seed 1]

Three parts. The first draws data for settings as users have them (number of cases, share of cases
that differ, correlation of the arms, repeats, groups), each once without and once with a true
difference D, and puts them through `conclude.effect` and `contrast.conclude` under the default
rule. Shown is how often the 95 % interval holds the truth (`at 0`, `at D`), its mean width, how
often there is none (`none`; coverage is of those that there are), how often p alone is at most 0.05
and the verdict is better or worse without a difference (`p`, `alarm`), and how often it is with one
(`power`).

The second looks after every case, as `--until-decided` does; of four pairs the first alone differs
in truth. `alarms` are runs with any false verdict, first without a difference, then on the three
pairs that have none; `fixed` is the power of one test of all cases, `wrong` a verdict of the wrong
sign, `cases` the share of the cases that the first pair took, `calls` that of all calls, `holds`
how often the interval shown at the end holds the truth, at 0 and at D.

The third sends some runs of the second through `Race`, `join` and `compare`: they must stop at the
same case and conclude the same.

True differences are those of the population: cases and groups are drawn anew each time. It ends
with 1 where a bar is missed by more than three standard errors of the simulation, or a run of the
third part differs. `--quick` draws a tenth.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from math import sqrt
from multiprocessing import get_context
from operator import itemgetter
from statistics import NormalDist, fmean
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from promptlab.analysis.compare import compare
from promptlab.analysis.conclude import Effect, effect
from promptlab.analysis.contrast import Contrast, conclude
from promptlab.analysis.early import Look, first_decided
from promptlab.analysis.measurements import join
from promptlab.analysis.race import Race
from promptlab.analysis.sufficiency import too_little
from promptlab.core.decision import Rule
from promptlab.core.results import MeasuredArm, MeasuredCase, MeasuredRun, RunInfo
from promptlab.core.runs import RunSettings
from promptlab.core.types import Arm, Case, Plan, ScorerSpec, Sequential
from promptlab.stats.sequential import confidence_sequence, e_path

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Chance = np.random.Generator  # noqa: TID251 - its type alone

RULE = Rule()
RUNS = 20_000  # of a setting, for each true difference
EARLY_NULL, EARLY_TRUE = 10_000, 4_000  # the same for early stopping
CHECKED = 40  # runs of each way to stop early that go through the whole program
BLOCK = 1 << 21  # scores drawn at once
CHANCE = 3  # standard errors that are taken for chance
ALARM = 0.05
BASE = 0.6  # mean score of the arms


@dataclass(frozen=True, slots=True)
class Changed:
    """Arms that differ on a share of the cases: wholly (a pass became a failure), or in part.

    A partial change is of any size between 0 and 1, all alike likely.
    """

    share: float
    whole: bool = True

    @property
    def correlation(self) -> float | None:
        """Return the correlation of two arms of equal pass rate, None for partial changes."""
        return 1 - self.share / (2 * BASE * (1 - BASE)) if self.whole else None

    def differences(self, chance: Chance, size: tuple[int, int], truth: float) -> Floats:
        """Return differences of the mean `truth`, of shape (runs, cases)."""
        mean_size = 1.0 if self.whole else 0.5
        wins = 0.5 + truth / (2 * self.share * mean_size)
        signs = np.where(chance.random(size) < wins, 1.0, -1.0)
        sizes = 1.0 if self.whole else chance.random(size)
        return np.where(chance.random(size) < self.share, signs * sizes, 0.0)


@dataclass(frozen=True, slots=True)
class Latent:
    """Arms that find cases easy or hard; a score is, or a pass has the probability of, Phi(eta).

    eta = mean + group + case + repeat, normal with these standard deviations; `alike` is the
    correlation between arms of what groups and cases add. Then the mean score is exactly
    Phi(mean/√(1 + sum of variances)). `points` is the number of marks that a score is the share
    of: 1 is pass or fail, 0 a score without steps.
    """

    points: int
    repeats: int = 1
    alike: float = 0.5
    case: float = 1.0
    repeat: float = 0.5
    group: float = 0.0

    @property
    def correlation(self) -> float:
        """Return the correlation between arms of what they find easy."""
        return self.alike

    def scores(
        self, chance: Chance, runs: int, groups: Ints, means: Sequence[float]
    ) -> list[Floats]:
        """Return a mean score over repeats for each run and case, of arms with these means."""
        cases, n_groups = (runs, groups.size), (runs, int(groups[-1]) + 1)
        spread = sqrt(1 + self.case**2 + self.repeat**2 + self.group**2)
        common, common_groups = chance.standard_normal(cases), chance.standard_normal(n_groups)
        found = []
        for mean in means:
            eta = self.case * self._mixed(chance, common)
            if self.group:
                eta += self.group * self._mixed(chance, common_groups)[:, groups]
            eta += NormalDist().inv_cdf(mean) * spread
            total = np.zeros(cases)
            for _ in range(self.repeats):
                total += self._graded(chance, eta + self.repeat * chance.standard_normal(cases))
            found.append(total / self.repeats)
        return found

    def _mixed(self, chance: Chance, common: Floats) -> Floats:
        own = chance.standard_normal(common.shape)
        mixed: Floats = sqrt(self.alike) * common + sqrt(1 - self.alike) * own
        return mixed

    def _graded(self, chance: Chance, eta: Floats) -> Floats:
        share: Floats = scipy.special.ndtr(eta)
        if self.points == 0:
            return share
        if self.points == 1:
            return (chance.random(eta.shape) < share).astype(np.float64)
        return chance.binomial(self.points, share) / self.points


@dataclass(frozen=True, slots=True)
class Setting:
    """Data as a user has them. `sizes` are those of groups of cases; `truth` is a difference."""

    label: str
    n: int
    source: Changed | Latent
    truth: float
    sizes: tuple[int, ...] = ()
    binary: bool = False

    @property
    def groups(self) -> Ints:
        """Return the group of each case."""
        return (
            np.repeat(np.arange(len(self.sizes)), self.sizes) if self.sizes else np.arange(self.n)
        )

    def blocks(self, chance: Chance, runs: int, truth: float) -> Iterator[Floats]:
        """Yield differences of shape (runs, cases), block by block."""
        rows = max(1, BLOCK // self.n)
        for start in range(0, runs, rows):
            count = min(rows, runs - start)
            if isinstance(self.source, Changed):
                yield self.source.differences(chance, (count, self.n), truth)
            else:
                means = (BASE - truth / 2, BASE + truth / 2)
                a, b = self.source.scores(chance, count, self.groups, means)
                yield b - a


@dataclass(frozen=True, slots=True)
class Held:
    """What was seen in the runs of a setting at one true difference: shares of runs."""

    method: str
    runs: int
    differing: float
    covered: float
    width: float
    without: float
    alarms: float
    verdicts: float


def settings() -> Iterator[Setting]:
    """Yield what users have, the awkward included."""
    yield from _pass_or_fail()
    yield from _repeated()
    yield from _numbers()
    yield from _grouped()


def _pass_or_fail() -> Iterator[Setting]:
    for n, share, truth in (
        *((10, 0.1, 0.1), (10, 0.3, 0.1), (10, 0.5, 0.2)),
        *((20, 0.1, 0.1), (20, 0.2, 0.1), (20, 0.5, 0.3)),
        *((50, 0.1, 0.1), (50, 0.2, 0.1), (50, 0.4, 0.2)),
        *((200, 0.05, 0.05), (200, 0.2, 0.1), (200, 0.4, 0.1)),
        *((1000, 0.02, 0.02), (1000, 0.2, 0.05)),
    ):
        yield Setting("pass/fail", n, Changed(share), truth, binary=True)


def _repeated() -> Iterator[Setting]:
    for n, repeats, alike, noise in (
        *((10, 3, 0.5, 0.5), (20, 3, 0.5, 0.5), (20, 5, 0.9, 0.2)),
        *((50, 3, 0.9, 0.2), (50, 5, 0.5, 0.5), (200, 3, 0.9, 0.2), (1000, 5, 0.5, 0.5)),
    ):
        yield Setting(
            f"pass/fail, {repeats} repeats", n, Latent(1, repeats, alike, repeat=noise), 0.1
        )
    for n, share, truth in (
        *((20, 0.1, 0.1), (20, 0.3, 0.2), (20, 0.8, 0.6)),
        *((50, 0.1, 0.1), (200, 0.05, 0.05)),
    ):
        yield Setting("pass/fail, 3 repeats that agree", n, Changed(share), truth, binary=True)


def _numbers() -> Iterator[Setting]:
    for n, alike in ((10, 0.5), (20, 0.5), (20, 0.9), (50, 0.9), (200, 0.5), (1000, 0.5)):
        yield Setting("number", n, Latent(0, 1, alike), 0.05)
    for n, repeats in ((20, 3), (50, 5)):
        yield Setting(f"number, {repeats} repeats", n, Latent(0, repeats), 0.05)
    for n, alike in ((20, 0.9), (50, 0.5), (200, 0.9)):
        yield Setting("0 to 4 points", n, Latent(4, 1, alike, repeat=0.2), 0.05)
    for n, share, truth in ((20, 0.1, 0.05), (20, 0.3, 0.1), (50, 0.1, 0.05), (200, 0.1, 0.03)):
        yield Setting("number, most answers alike", n, Changed(share, whole=False), truth)


FALLING = (25, 12, 9, 6, 5, 3)
STEEP = (30, 20, 15, 10, 8, 6, 5, 3, 2, 1)
ZIPF = (101, 51, 34, 26, 21, 17, 15, 13, 12, 11, 10, 9, 8, 8, 7, 7, 6, 6, 6, 6)


def _grouped() -> Iterator[Setting]:
    passes, numbers = Latent(1, group=1.0), Latent(0, group=1.0)
    alike = Latent(1, 1, 0.98, case=3.0, repeat=0.2, group=1.0)
    most_alike = Latent(1, 1, 0.98, case=20.0, repeat=0.2, group=6.0)
    for name, sizes, source, truth in (
        ("pass/fail", (8, 4, 3, 2, 2, 1), passes, 0.2),
        ("pass/fail", (10,) * 6, passes, 0.2),
        ("pass/fail", FALLING, passes, 0.2),
        ("number", FALLING, numbers, 0.2),
        ("number, groups do not matter", FALLING, Latent(0), 0.1),
        ("number", (45, *(5,) * 11), numbers, 0.2),
        ("pass/fail", (5,) * 10, passes, 0.2),
        ("pass/fail", STEEP, passes, 0.2),
        ("pass/fail, few differ", (8, 4, 3, 2, 2, 1), most_alike, 0.05),
        ("pass/fail, few differ", (5,) * 10, alike, 0.1),
        ("pass/fail, few differ", (5,) * 10, most_alike, 0.05),
        ("pass/fail, few differ", STEEP, most_alike, 0.05),
        ("pass/fail, 3 repeats", (10,) * 20, Latent(1, 3, group=0.5), 0.1),
        ("number", ZIPF, numbers, 0.2),
        ("pass/fail", (4,) * 50, passes, 0.1),
        ("number", (20,) * 50, Latent(0, group=0.5), 0.05),
    ):
        yield Setting(name, sum(sizes), source, truth, sizes)


def hold(setting: Setting, truth: float, runs: int, seed: Sequence[int]) -> Held:
    """Draw runs, conclude from each, and count."""
    chance = np.random.default_rng(seed)  # noqa: TID251 - seeded
    blocks = setting.blocks(chance, runs, truth)
    seen = _tables(setting, blocks) if setting.binary else _each(setting, blocks)
    total = differing = covered = shown = width = alarms = verdicts = 0.0
    method = ""
    for one, count in seen:
        total += count
        differing += count * one.effect.nonzero
        alarms += count * (one.effect.p is not None and one.effect.p <= RULE.alpha)
        verdicts += count * (one.verdict in ("better", "worse"))
        method = one.effect.method
        if one.effect.ci is not None:
            low, high = one.effect.ci
            shown += count
            covered += count * (low <= truth <= high)
            width += count * (high - low)
    return Held(
        method,
        int(total),
        differing / total / setting.n,
        covered / shown,
        width / shown,
        1 - shown / total,
        alarms / total,
        verdicts / total,
    )


def _each(setting: Setting, blocks: Iterable[Floats]) -> Iterator[tuple[Contrast, int]]:
    groups = setting.groups
    for block in blocks:
        for seed, d in enumerate(block):
            found = effect(d, groups, RULE, binary=False, bounded=True, seed=seed)
            yield one_of(found, groups), 1


def _tables(setting: Setting, blocks: Iterable[Floats]) -> Iterator[tuple[Contrast, int]]:
    """Conclude once from each number of wins and losses: nothing else of such data counts."""
    wins, losses = (
        np.concatenate(parts)
        for parts in zip(*(((d > 0).sum(1), (d < 0).sum(1)) for d in blocks), strict=True)
    )
    tables, counts = np.unique(np.column_stack([wins, losses]), axis=0, return_counts=True)
    for (won, lost), count in zip(tables, counts, strict=True):
        d = np.repeat([1.0, -1.0, 0.0], [won, lost, setting.n - won - lost])
        found = effect(d, setting.groups, RULE, binary=True)
        yield one_of(found, setting.groups), int(count)


def one_of(found: Effect, groups: Ints) -> Contrast:
    """Return the conclusion from one effect that is a family by itself."""
    return next(iter(conclude([shell(found, groups)], RULE)))


def shell(found: Effect, groups: Ints) -> Contrast:
    """Return a contrast with nothing but its effect, and why that is refused if it is."""
    return Contrast(
        effect=found,
        is_rate=False,
        mean_a=None,
        mean_b=None,
        won=(),
        lost=(),
        reasons=tuple(too_little(found, groups, RULE.limits)),
        cases_needed=None,
        detectable=None,
        tokens=None,
        output_tokens=None,
        cost_usd=None,
        latency_s=None,
        warnings=(),
    )


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
    def binary(self) -> bool:
        """Say whether each difference is one of a pass and a failure."""
        return self.source.points == 1 and self.source.repeats == 1 and self.group_size == 1

    @property
    def groups(self) -> Ints:
        """Return the group of each case."""
        return np.arange(self.n) // self.group_size

    @property
    def sequential(self) -> Sequential:
        """Return what the run declares."""
        return Sequential(RULE.alpha, tuple((0, arm) for arm in range(1, self.pairs + 1)))

    def draw(self, chance: Chance, runs: int, truth: float) -> Iterator[Floats]:
        """Yield scores of shape (arms, cases), run by run; only arm 1 truly differs."""
        means = [BASE - truth / 2, BASE + truth / 2, *(BASE - truth / 2,) * (self.pairs - 1)]
        rows = max(1, BLOCK // 8 // self.n)
        for start in range(0, runs, rows):
            parts = self.source.scores(chance, min(rows, runs - start), self.groups, means)
            yield from np.stack(parts, axis=1)


@dataclass(frozen=True, slots=True)
class Stopped:
    """What was seen in the runs of a course: shares of runs, of cases, of pairs."""

    runs: int
    alarms: float
    found: float
    wrong: float
    cases: float
    calls: float
    fixed: float
    covered: float


def courses() -> Iterator[Course]:
    """Yield the ways to stop early."""
    passes = Latent(1, 1, 0.95, case=3.0)
    few = Latent(1, 1, 0.5, group=0.5)
    for n, truth in ((50, 0.15), (200, 0.1), (1000, 0.05)):
        for pairs in (1, 4):
            yield Course("pass/fail", n, pairs, passes, truth)
            yield Course("number", n, pairs, Latent(0), truth)
            yield Course("groups of 5", n, pairs, few, truth, group_size=5)


def race(course: Course, scores: Floats) -> list[Contrast]:
    """Conclude from a run that looked after every case, by the rule of `early`."""
    groups = course.groups
    family = []
    for d in scores[1:] - scores[0]:
        means = d.reshape(-1, course.group_size).mean(1)
        path = e_path(means, binary=course.binary)
        at = first_decided(path, means, course.sequential, RULE)
        upto = means.size if at is None else at
        cases = slice(upto * course.group_size)
        found = effect(d[cases], groups[cases], RULE, binary=course.binary, bounded=True)
        reached = float(path[:upto].max())
        if at is None:
            looked = Look(None, reached, complete=True, ci=None)
            found = replace(found, p=looked.p(found.p))
        else:
            ci = confidence_sequence(means[:upto], RULE.alpha)
            looked = Look(at, reached, upto == means.size, ci)
            found = replace(found, p=looked.p(found.p), ci=ci, method="e-process")
        family.append(replace(shell(found, groups[cases]), stopped_at=at))
    return list(conclude(family, RULE))


def stop(course: Course, truth: float, runs: int, seed: Sequence[int]) -> Stopped:
    """Draw runs, stop each when it is decided, and count; beside it the test of all cases."""
    chance = np.random.default_rng(seed)  # noqa: TID251 - seeded
    sums = np.zeros(7)
    for scores in course.draw(chance, runs, truth):
        done = race(course, scores)
        told = [one.verdict for one in done]
        null = told if truth == 0 else told[1:]
        used = np.array([one.n for one in done])
        ci = done[0].ci
        sums += [
            any(one in ("better", "worse") for one in null),
            told[0] == "better",
            told[0] == "worse",
            used[0] / course.n,
            (used.sum() + used.max()) / (course.n * (course.pairs + 1)),
            truth != 0 and _fixed(course, scores)[0].verdict == "better",
            ci is None or ci[0] <= truth <= ci[1],
        ]
    return Stopped(runs, *map(float, sums / runs))


def _fixed(course: Course, scores: Floats) -> list[Contrast]:
    """Conclude from all cases, once."""
    groups = course.groups
    found = [
        effect(d, groups, RULE, binary=course.binary, bounded=True) for d in scores[1:] - scores[0]
    ]
    return list(conclude([shell(one, groups) for one in found], RULE))


def disagreements(course: Course, truth: float, runs: int, seed: Sequence[int]) -> tuple[int, int]:
    """Count runs, and those where the program itself stops or concludes otherwise."""
    chance = np.random.default_rng(seed)  # noqa: TID251 - seeded
    wrong = 0
    for scores in course.draw(chance, runs, truth):
        told = [
            [(one.stopped_at, one.n, one.verdict, round(one.p_adjusted or 0, 12)) for one in family]
            for family in (race(course, scores), program(course, scores))
        ]
        wrong += told[0] != told[1]
    return runs, wrong


def program(course: Course, scores: Floats) -> Sequence[Contrast]:
    """Send a run through the whole program: trial by trial, stopped by `Race`, then compared."""
    plan = plan_of(course)
    watched = Race(plan, RULE.limits)
    verdict = course.source.points == 1
    rows: list[tuple[float | None, ...]] = []
    for seq in range(plan.size):
        trial = plan.trial(seq)
        if watched.wanted(trial.arm):
            score = float(scores[trial.arm, trial.case])
            watched.record(trial.arm, trial.case, score)
            known = (trial.arm, trial.case, 0, 0, 0, score, float(verdict), seq + 1)
            rows.append((*known, None, None, None, None))
    info = RunInfo("r", "s", "finished", plan.size, False, "", None, RunSettings(), {}, {})
    run = MeasuredRun(
        info=info,
        split="all",
        seed=0,
        repeats=1,
        sequential=plan.sequential,
        looks=(),
        reused=0,
        scorer=plan.scorers[0],
        arms=tuple(MeasuredArm(arm, "") for arm in plan.arms),
        cases=tuple(MeasuredCase(case.id, case.group, case.digest) for case in plan.cases),
        rows=rows,
    )
    return compare(join([run]), RULE)


def plan_of(course: Course) -> Plan:
    """Return the plan of a course, its cases in the order in which they were drawn."""
    arms = [
        Arm("t", f"v{number}", f"d:{number}", (), (), "b") for number in range(course.pairs + 1)
    ]
    grouped = course.group_size > 1
    cases = [
        Case(str(place), {}, None, (), str(group) if grouped else None, str(place))
        for place, group in enumerate(course.groups)
    ]
    return Plan(
        suite="s",
        arms=tuple(arms),
        cases=tuple(cases),
        repeats=1,
        seed=0,
        scorers=(ScorerSpec("score", "score", "1", {}),),
        primary="score",
        grade=None,
        templates=(),
        backends=(),
        split="all",
        gates=(),
        assets=".",
        sequential=course.sequential,
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """Something that is to be no less, or no more, than so much; `error` is of the simulation."""

    name: str
    value: float
    limit: float
    error: float
    at_least: bool

    @property
    def met(self) -> bool:
        """Say whether it is, what chance alone does allowed for."""
        short = self.limit - self.value if self.at_least else self.value - self.limit
        return short <= CHANCE * self.error

    def __str__(self) -> str:
        told = "met   " if self.met else "MISSED"
        side = "at least" if self.at_least else "at most"
        return f"{told}  {self.name}: {self.value:.4f} ± {self.error:.4f} ({side} {self.limit:g})"


def share_bar(
    name: str, values: Sequence[tuple[float, Setting | Course]], runs: int, limit: float
) -> Bar:
    """Return the bar for the worst of several shares: coverage, or false alarms if below a half."""
    at_least = limit > 0.5
    worst, where = (min if at_least else max)(values, key=itemgetter(0))
    told = f"{name} ({where.label}, n {where.n})"
    return Bar(told, worst, limit, sqrt(worst * (1 - worst) / runs), at_least)


def print_held(found: Sequence[tuple[Setting, Held, Held]]) -> list[Bar]:
    """Print the first part; return its bars."""
    head = f"{'setting':32}{'n':>5}{'groups':>7}{'differ':>7}{'corr':>6}  {'method':19}"
    print(f"{head}{'at 0':>6}{'at D':>7}{'D':>6}{'width':>7}{'none':>6}", end="")
    print(f"{'p':>7}{'alarm':>7}{'power':>7}")
    for setting, null, true in found:
        corr = setting.source.correlation
        told = f"{setting.label:32}{setting.n:5}{len(setting.sizes) or '':>7}{null.differing:7.2f}"
        told += f"{'' if corr is None else f'{corr:.2f}':>6}  {null.method:19}"
        told += f"{null.covered:6.3f}{true.covered:7.3f}{setting.truth:6.2f}{null.width:7.3f}"
        told += f"{max(null.without, true.without):6.2f}"
        print(f"{told}{null.alarms:7.4f}{null.verdicts:7.4f}{true.verdicts:7.3f}")
    runs = found[0][1].runs
    covered = [one.covered for _, *both in found for one in both]
    enough = [(one.covered, at) for at, *both in found if at.n >= 20 for one in both]
    alarms = [(null.verdicts, setting) for setting, null, _ in found]
    error = sqrt(sum(share * (1 - share) for share in covered) / runs) / len(covered)
    return [
        Bar("settings", len(found), 30, 0.0, at_least=True),
        Bar("mean coverage of all settings", fmean(covered), 0.94, error, at_least=True),
        share_bar("least coverage, n >= 20", enough, runs, 0.92),
        share_bar("most false alarms of the verdict", alarms, runs, ALARM),
    ]


def print_stopped(found: Sequence[tuple[Course, Stopped, Stopped]]) -> list[Bar]:
    """Print the second part; return its bars."""
    print(
        f"\n{'until decided':14}{'n max':>6}{'pairs':>6}{'alarms':>8}{'D':>6}{'alarms':>8}", end=""
    )
    print(f"{'power':>7}{'fixed':>7}{'wrong':>8}{'cases':>7}{'calls':>7}{'holds':>7}{'at D':>7}")
    for course, null, true in found:
        told = f"{course.label:14}{course.n:6}{course.pairs:6}{null.alarms:8.4f}{course.truth:6.2f}"
        told += f"{f'{true.alarms:.4f}' if course.pairs > 1 else '':>8}{true.found:7.3f}"
        told += f"{true.fixed:7.3f}{true.wrong:8.4f}{true.cases:7.2f}{true.calls:7.2f}"
        print(f"{told}{null.covered:7.3f}{true.covered:7.3f}")
    nulls = [(null.alarms, course) for course, null, _ in found]
    mixed = [(true.alarms, course) for course, _, true in found]
    return [
        share_bar("most false alarms, until decided", nulls, found[0][1].runs, ALARM),
        share_bar("the same, one of four differs", mixed, found[0][2].runs, ALARM),
    ]


def environment() -> str:
    """Say what the figures were taken on."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    packages = f"numpy {np.__version__}, scipy {scipy.__version__}"
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{machine}, Python {platform.python_version()}, {packages}; load before: {load}"


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Simulate what the statistics hold.")
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def call(job: Callable[[], Any]) -> Any:
    """Run a job in a process of the pool."""
    return job()


def main() -> int:
    """Simulate, print, judge."""
    asked = options()
    print(environment())
    began, scale = time.perf_counter(), 10 if asked.quick else 1
    held, raced = list(settings()), list(courses())
    jobs: list[Callable[[], Any]] = []
    for place, setting in enumerate(held):
        for at, truth in enumerate((0.0, setting.truth)):
            jobs.append(partial(hold, setting, truth, RUNS // scale, (asked.seed, 1, place, at)))
    for place, course in enumerate(raced):
        for at, (truth, runs) in enumerate(((0.0, EARLY_NULL), (course.truth, EARLY_TRUE))):
            jobs.append(partial(stop, course, truth, runs // scale, (asked.seed, 2, place, at)))
    for place, course in enumerate(raced):
        few = max(2, CHECKED // scale // max(1, course.n // 200))
        jobs.append(partial(disagreements, course, course.truth, few, (asked.seed, 3, place)))
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # the processes share the cores, not each all of them
    with ProcessPoolExecutor(asked.jobs, mp_context=get_context("spawn")) as pool:
        done = list(pool.map(call, jobs))
    last = 2 * len(held) + 2 * len(raced)
    firsts = done[: 2 * len(held)]
    bars = print_held(list(zip(held, firsts[::2], firsts[1::2], strict=True)))
    seconds = done[2 * len(held) : last]
    bars += print_stopped(list(zip(raced, seconds[::2], seconds[1::2], strict=True)))
    checked, wrong = map(sum, zip(*done[last:], strict=True))
    print(f"\n{checked} runs through Race, join and compare: {wrong} stop or conclude otherwise")
    print(
        f"{RUNS // scale:,} runs a setting and difference; {EARLY_NULL // scale:,} without and",
        end=" ",
    )
    print(f"{EARLY_TRUE // scale:,} with a difference until decided; seed {asked.seed};", end=" ")
    print(f"{time.perf_counter() - began:.0f} s with {asked.jobs} processes")
    print("", *bars, sep="\n")
    return 0 if wrong == 0 and all(bar.met for bar in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
