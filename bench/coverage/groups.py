"""Cases in documents: lost whole, turned either way, of unequal size, effects that follow size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from bench.coverage.draws import Chance, Drawn, Floats, Ints
from bench.coverage.frame import Keep, Setting
from promptlab.core.decision import Rule

PASSES = 0.7  # of the cases of the first arm
# Where fewer than six documents differ, the guard takes power; how much is stated, not bounded.
GUARDED = Keep(0.93, may_refuse=True, lost=None)
SIZES = ((5, 20), (6, 20), (10, 20), (20, 10), (27, 40))


def passes(chance: Chance, groups: Ints) -> Floats:
    """Return passes of an arm, in documents of their own difficulty."""
    ease = chance.beta(7, 3, int(groups.max()) + 1)
    return (chance.random(groups.size) < ease[groups]).astype(np.float64)


def lost(chance: Chance, number: int, size: int, share: float, margin: float) -> Drawn:
    """Return documents of which the second arm loses some whole, and nothing else."""
    groups = np.repeat(np.arange(number), size)
    before = passes(chance, groups)
    gone = chance.random(number) < share
    after = np.where(gone[groups], 0.0, before)
    means = (PASSES, PASSES * (1 - share))
    rule = Rule(min_effect=margin)
    return Drawn(np.stack([before, after]), means, groups, rule, no_worse=margin or None)


def turned(chance: Chance, number: int, size: int, share: float) -> Drawn:
    """Return documents of which some turn right or wrong as a whole, either way alike."""
    groups = np.repeat(np.arange(number), size)
    before = (chance.random(groups.size) < 0.5).astype(np.float64)
    turn = chance.random(number) < share
    to = (chance.random(number) < 0.5).astype(np.float64)
    after = np.where(turn[groups], to[groups], before)
    return Drawn(np.stack([before, after]), (0.5, 0.5), groups)


def sized(chance: Chance, number: int, sizes: Sequence[int], slope: float) -> Drawn:
    """Return passes in groups of drawn sizes whose effect rises or falls with the size.

    The truth is the mean over cases of the population: E(size * effect) / E(size).
    """
    drawn = np.asarray(sizes)[chance.integers(0, len(sizes), number)]
    groups = np.repeat(np.arange(number), drawn)
    truth = slope * float(np.var(sizes)) / float(np.mean(sizes))
    return _passes(chance, groups, slope * (drawn - np.mean(sizes)), truth)


def one_large(chance: Chance, number: int, size: int) -> Drawn:
    """Return small groups and one that holds just under half of the cases."""
    groups = np.repeat(np.arange(number + 1), [size] * number + [number * size - 2])
    return _passes(chance, groups, np.zeros(number + 1), 0.0)


def _passes(chance: Chance, groups: Ints, effects: Floats, truth: float) -> Drawn:
    """Return passes around a half, with these effects of groups and noise around them."""
    noise = chance.uniform(-0.15, 0.15, int(groups.max()) + 1)
    shares = 0.5 + np.stack([-(effects + noise), effects + noise])[:, groups] / 2
    passed = np.where(chance.random(shares.shape) < shares, 1.0, 0.0)
    return Drawn(passed, (0.5, 0.5 + truth), groups)


def tight(chance: Chance, number: int, size: int, truth: float) -> Drawn:
    """Return numbers in bounds whose groups hardly differ: less than half a flip in all."""
    groups = np.repeat(np.arange(number), size)
    d = truth + chance.uniform(-0.1, 0.1, number)[groups] + chance.uniform(-0.2, 0.2, groups.size)
    base = chance.uniform(0.45, 0.55, groups.size)
    return Drawn(np.stack([base - d / 2, base + d / 2]), (0.5, 0.5 + truth), groups)


def settings() -> Iterator[Setting[Drawn]]:
    """Yield the settings."""
    for number, size in SIZES:
        for share in (0.03, 0.1):
            label = f"{number} x {size}, {share * 100:g} % lost whole"
            draw = partial(lost, number=number, size=size, share=share, margin=0.0)
            yield Setting(label, draw, GUARDED)
            margin = round(PASSES * share * 0.8, 4)  # the truth lies beyond
            draw = partial(lost, number=number, size=size, share=share, margin=margin)
            yield Setting(f"{label}, margin {margin * 100:.1f}", draw, GUARDED)
        draw = partial(turned, number=number, size=size, share=0.1)
        label = f"{number} x {size}, 10 % turn either way"
        yield Setting(label, draw, GUARDED)
    to_twelve = tuple(range(1, 13))
    for number in (10, 20, 40):
        for slope in (0.02, -0.02, 0.0):
            way = {0.02: "rises with", -0.02: "falls with", 0.0: "knows nothing of"}[slope]
            draw = partial(sized, number=number, sizes=to_twelve, slope=slope)
            yield Setting(f"{number} groups of 1 to 12, effect {way} size", draw, Keep(0.93))
    for number, size in ((8, 4), (15, 4), (30, 4)):
        draw = partial(one_large, number=number, size=size)
        label = f"{number} groups of {size}, and one of half of the cases"
        yield Setting(label, draw, Keep(0.93, may_refuse=True))
    for number, truth in ((10, 0.06), (40, 0.04)):
        draw = partial(tight, number=number, size=8, truth=truth)
        label = f"tight numbers, {number} groups of 8, true {truth * 100:+g}"
        yield Setting(label, draw, Keep(0.93, lost=None))
