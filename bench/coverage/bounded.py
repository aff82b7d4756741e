"""Scores in bounds: near the ceiling with rare collapses, rare losses, marks, repeated passes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from bench.coverage.draws import Chance, Drawn, Floats
from bench.coverage.frame import Keep, Setting
from bench.coverage.sources import Latent
from promptlab.core.decision import Rule

CEILING = 30 / 31  # the mean of Beta(30, 1)


@dataclass(frozen=True, slots=True)
class Collapse:
    """Scores of Beta(30, 1) against others of that kind, of which some fall to 0 or by some amount.

    `gain` is what the others gain; then both arms start that much lower.
    """

    share: float
    by: float | None = None
    gain: float = 0.0

    @property
    def truth(self) -> float:
        """Return the mean difference; that a score below `by` falls to 0 alone changes nothing."""
        start = CEILING - self.gain
        return (1 - self.share) * self.gain - self.share * (start if self.by is None else self.by)

    def scores(self, chance: Chance, n: int) -> Floats:
        """Return the scores of both arms."""
        before, after = np.maximum(chance.beta(30, 1, (2, n)) - self.gain, 0.0)
        fallen = np.zeros(n) if self.by is None else np.maximum(after - self.by, 0.0)
        lost = chance.random(n) < self.share
        return np.stack([before, np.where(lost, fallen, after + self.gain)])


def near_the_ceiling(chance: Chance, source: Collapse, n: int, margin: float) -> Drawn:
    """Return a run; with a margin, no-worse by it is asked for as well."""
    means = (CEILING - source.gain, CEILING - source.gain + source.truth)
    rule = Rule(min_effect=margin)
    return Drawn(source.scores(chance, n), means, rule=rule, no_worse=margin or None)


def rare_losses(chance: Chance, share: float, n: int, margin: float) -> Drawn:
    """Return scores of which some fall by U(.5, 1)."""
    before = np.full(n, 1.0)
    lost = np.where(chance.random(n) < share, chance.uniform(0.5, 1, n), 0.0)
    rule = Rule(min_effect=margin)
    means = (1.0, 1 - 0.75 * share)
    return Drawn(np.stack([before, before - lost]), means, rule=rule, no_worse=margin or None)


def latent(chance: Chance, source: Latent, n: int, mean: float, truth: float) -> Drawn:
    """Return two arms around a mean."""
    means = (mean - truth / 2, mean + truth / 2)
    return Drawn(source.scores(chance, np.arange(n), means), means)


def settings() -> Iterator[Setting[Drawn]]:
    """Yield the settings."""
    yield from collapses()
    for share, n in ((0.02, 60), (0.02, 500), (0.05, 60), (0.05, 150), (0.12, 60), (0.12, 500)):
        for margin in (0.0, round(0.75 * share * 0.8, 4)):  # the truth lies beyond
            label = f"losses of .5 to 1 in {share * 100:g} %, n {n}"
            label += f", no-worse by {margin * 100:g}" if margin else ""
            draw = partial(rare_losses, share=share, n=n, margin=margin)
            yield Setting(label, draw, Keep(0.93, may_refuse=True))
    yield from marks()


def collapses() -> Iterator[Setting[Drawn]]:
    for n in (20, 30, 50, 100, 400):
        for by, share in ((None, 0.01), (None, 0.03), (None, 0.1), (0.4, 0.03), (0.4, 0.1)):
            yield ceiling(Collapse(share, by), n)
    for n in (30, 50, 100):
        for by, share in ((None, 0.04), (0.4, 0.1)):
            yield ceiling(Collapse(share, by), n, margin=0.03)  # the truth lies beyond
    for n in (30, 50, 100, 200):
        yield ceiling(Collapse(0.03, 0.6, 0.1), n)


def ceiling(source: Collapse, n: int, margin: float = 0.0) -> Setting[Drawn]:
    to = "to 0" if source.by is None else f"by {source.by:g}"
    label = f"{source.share * 100:g} % collapse {to}, n {n}"
    label = f"all gain 10, {label}" if source.gain else label
    label += f", no-worse by {margin * 100:g}" if margin else ""
    draw = partial(near_the_ceiling, source=source, n=n, margin=margin)
    return Setting(label, draw, Keep(0.93))


def marks() -> Iterator[Setting[Drawn]]:
    for name, points, repeats in (
        ("five-point scores", 4, 1),
        ("passes of 3 repeats", 1, 3),
        ("passes of 5 repeats", 1, 5),
    ):
        for alike, case in ((0.5, 1.0), (0.95, 3.0)):
            source = Latent(points, repeats, alike, case)
            for mean, n in ((0.5, 20), (0.8, 40), (0.97, 20), (0.97, 100)):
                draw = partial(latent, source=source, n=n, mean=mean, truth=0.0)
                label = f"{name}, mean {mean:g}, alike {alike:g}, n {n}"
                yield Setting(label, draw, Keep(0.93, may_refuse=True))
            for n, truth in ((20, 0.2), (40, 0.15)):
                draw = partial(latent, source=source, n=n, mean=0.6, truth=truth)
                label = f"{name}, alike {alike:g}, n {n}, true {truth * 100:+g}"
                yield Setting(label, draw, Keep(0.93))
    for sd, n, truth in ((0.2, 40, 0.1), (0.05, 80, 0.015), (0.3, 100, 0.1)):
        draw = partial(tight, sd=sd, n=n, truth=truth)
        keep = Keep(0.93, lost=0.05 if sd > 0.1 else None)  # tight numbers: power is stated alone
        yield Setting(f"numbers, sd {sd:g}, n {n}, true {truth * 100:+g}", draw, keep)


def tight(chance: Chance, sd: float, n: int, truth: float) -> Drawn:
    """Return numbers in the middle whose differences are symmetric, of a standard deviation."""
    d = truth + sd * (chance.beta(4, 4, n) - 0.5) * 6
    base = np.clip(0.5 + 0.05 * chance.standard_normal(n), 0.3, 0.7)
    d = np.clip(d, -0.9, 0.9)
    return Drawn(np.clip(np.stack([base - d / 2, base + d / 2]), 0, 1), (0.5, 0.5 + truth))
