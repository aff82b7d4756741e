"""The statistics of `compare` without the rest of it, so that thousands of runs take seconds.

A complete run on one backend is judged here by the same functions: `effect`, `too_little`,
`conclude`. What is left out is joining, costs and notes. `held` sends the first runs of each
setting both ways, which must come out alike. What a table of passes and failures shows is
remembered, for the same tables come again and again.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import combinations
from math import inf

import numpy as np

from bench.coverage.draws import Drawn, Floats, Ints
from bench.coverage.judge import Seen, compare_rows, compared, marks_of, told
from promptlab.analysis.compare import Comparison
from promptlab.analysis.conclude import Effect, effect
from promptlab.analysis.contrast import conclude
from promptlab.analysis.inference import PASSES, Inference, Scale, without_rounding
from promptlab.analysis.sufficiency import too_little
from promptlab.core.decision import Rule
from promptlab.stats.intervals import Interval


class Remembered:
    """An inference that keeps what it was asked before."""

    def __init__(self, judged: Inference) -> None:
        """Wrap an inference; what takes no value is asked once."""
        self._judged = judged
        self.method, self.se, self.df = judged.method, judged.se, judged.df
        self.imagined, self.lopsided = judged.imagined, judged.lopsided
        self._two_sided = judged.two_sided()
        self._at_least: dict[float, float | None] = {}
        self._at_most: dict[float, float | None] = {}
        self._intervals: dict[float, Interval | None] = {}

    def two_sided(self) -> float | None:
        """Return the p-value of the test against 0."""
        return self._two_sided

    def at_least(self, null: float) -> float | None:
        """Return the one-sided p-value above a value."""
        if null not in self._at_least:
            self._at_least[null] = self._judged.at_least(null)
        return self._at_least[null]

    def at_most(self, null: float) -> float | None:
        """Return the one-sided p-value below a value."""
        if null not in self._at_most:
            self._at_most[null] = self._judged.at_most(null)
        return self._at_most[null]

    def interval(self, level: float) -> Interval | None:
        """Return the interval at a level."""
        if level not in self._intervals:
            self._intervals[level] = self._judged.interval(level)
        return self._intervals[level]


def quickly(drawn: Drawn) -> Seen:
    """Return what `compare` says of a run; one that is not so simple goes the whole way."""
    if drawn.arms is not None or drawn.sequential is not None or np.isnan(drawn.scores).any():
        return compared(drawn)
    scores = drawn.scores if drawn.scores.ndim == 3 else drawn.scores[:, :, None]
    means = _means(scores)
    groups = np.arange(means.shape[1]) if drawn.groups is None else drawn.groups
    bounded = bool(np.all((scores >= 0) & (scores <= 1)))
    whole = np.all((scores == 0) | (scores == 1), axis=(1, 2))
    pairs = [(0, arm) for arm in range(1, len(means))]
    if not drawn.baseline:
        pairs = list(combinations(range(len(means)), 2))
    shells = []
    passed = bool(whole.all())  # the rows of a run are verdicts, or they are not
    for a, b in pairs:
        scale = _scale(means[[a, b]], bounded=bounded, verdicts=passed)
        shells.append(_shell(means[a], means[b], groups, scale, drawn.rule))
    rows = list(conclude(shells, drawn.rule, "which version"))
    truths = [float(drawn.means[b] - drawn.means[a]) for a, b in pairs]
    return Seen(
        tuple(told(one, truth, drawn.no_worse) for one, truth in zip(rows, truths, strict=True)),
        drawn.rule,
        drawn.no_worse,
        marks_of(rows),
    )


def _means(scores: Floats) -> Floats:
    """Return the mean over repeats as `join` takes it: summed one by one."""
    total = np.zeros(scores.shape[:2])
    for repeat in range(scores.shape[2]):
        total += scores[:, :, repeat]
    means: Floats = total / scores.shape[2]
    return means


def _scale(means: Floats, *, bounded: bool, verdicts: bool) -> Scale:
    whole = verdicts and bool(np.all((means == 0) | (means == 1)))
    return Scale(verdicts=verdicts, whole=whole, largest=1.0 if bounded else inf)


def _shell(before: Floats, after: Floats, groups: Ints, scale: Scale, rule: Rule) -> Comparison:
    """Return a row with its effect, and why that is refused if it is."""
    d = without_rounding(after - before, np.maximum(np.abs(before), np.abs(after)))
    if scale.whole and int(groups.max()) + 1 == d.size:
        found = _of_table(d.size, int((d > 0).sum()), int((d < 0).sum()), rule.alpha, rule.strict)
    else:
        found = effect(d, groups, rule, scale)
    reasons = tuple(too_little(found, groups, rule.limits))
    return replace(_blank(), effect=found, is_rate=scale.verdicts, reasons=reasons)


@lru_cache
def _blank() -> Comparison:
    """Return a row of another run, for all that is not judged here."""
    chance = np.random.default_rng(0)  # noqa: TID251 - seeded
    [row] = compare_rows(Drawn(chance.random((2, 20)), (0.5, 0.5)))
    return replace(row, warnings=(), spread=None, causes=None)


@lru_cache(maxsize=200_000)
def _of_table(n: int, wins: int, losses: int, alpha: float, strict: bool) -> Effect:
    """Return the effect of so many wins and losses: nothing else of such cases counts."""
    d = np.repeat([1.0, -1.0, 0.0], [wins, losses, n - wins - losses])
    found = effect(d, np.arange(n), Rule(alpha=alpha, strict=strict), PASSES)
    assert found.inference is not None
    return replace(found, inference=Remembered(found.inference))
