"""Runs that may stop early on documents of unequal size: verdicts are on the mean over cases.

Where the effect falls with the size, cases may be null while documents are not: a rule that bets on
means of documents stops, and calls an arm better that is worse by its cases. At the end are
documents of one size, beside the rule of before, which bet on their means: there both are one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from bench.coverage.draws import Chance, Drawn, Floats, Ints
from bench.coverage.early import STATED, conclude, raced
from bench.coverage.frame import Keep, Setting
from bench.coverage.judge import Seen, Told
from bench.coverage.plain import effect, verdict
from promptlab.core.decision import Rule
from promptlab.core.types import Sequential
from promptlab.stats.multiplicity import holm
from promptlab.stats.sequential import confidence_sequence, e_path

BASE = 0.5  # passes of the first arm
ALIKE = 0.3  # share of documents whose cases pass or fail as one
SHARED = 0.5  # share of cases on which two arms do as well as each other, effects aside
MOST = 0.3  # effect on the smallest documents, beyond the truth


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of documents, and how often each comes."""

    label: str
    sizes: tuple[int, ...]
    shares: tuple[float, ...]

    def effects(self, truth: float, most: float) -> Floats:
        """Return an effect for each size: it falls with it, and its mean over cases is `truth`."""
        sizes, shares = np.array(self.sizes, dtype=float), np.array(self.shares)
        falling = 1 - sizes * float(shares @ sizes) / float(shares @ sizes**2)
        return truth + most * falling / max(float(np.abs(falling).max()), 1e-12)


ONE_TWELVE = Sizes("sizes 1 and 12", (1, 12), (0.8, 0.2))
ONE_EIGHT = Sizes("sizes 1 and 8", (1, 8), (0.7, 0.3))
TO_EIGHT = Sizes("sizes 1 to 8", tuple(range(1, 9)), (1 / 8,) * 8)


def documents(
    chance: Chance,
    kind: Sizes,
    number: int,
    truths: tuple[float, ...],
    most: float = MOST,
    margin: float = 0.0,
) -> Drawn:
    """Return passes and failures on documents: one arm for each truth, against a first one."""
    which = chance.choice(len(kind.sizes), number, p=kind.shares)
    groups = np.repeat(np.arange(number), np.array(kind.sizes)[which])
    size = groups.size
    alike = (chance.random(number) < ALIKE)[groups]
    apart, own = chance.random(size) < 1 - SHARED, chance.random((len(truths), size))
    common = np.where(alike, chance.random(number)[groups], chance.random(size))
    first = (common < BASE).astype(np.float64)
    arms = []
    for truth, other in zip(truths, own, strict=True):
        rate = BASE + kind.effects(truth, most)[which][groups]
        drawn = np.where(apart & ~alike, other, common)
        arms.append((drawn < rate).astype(np.float64))
    pairs = tuple((0, arm) for arm in range(1, len(truths) + 1))
    return Drawn(
        np.stack([first, *arms])[:, :, None],
        (BASE, *(BASE + truth for truth in truths)),
        groups,
        Rule(min_effect=margin),
        sequential=Sequential(0.05, pairs, margin),
    )


def before(drawn: Drawn) -> Seen:
    """Conclude by the rule of before: bets on means of documents, intervals of one pair each."""
    assert drawn.groups is not None
    assert drawn.sequential is not None
    needed = 2 * len(drawn.sequential.pairs) / drawn.sequential.alpha
    found = [
        (truth - drawn.means[0], *_looked((arm - drawn.scores[0])[:, 0], drawn.groups, needed))
        for truth, arm in zip(drawn.means[1:], drawn.scores[1:], strict=True)
    ]
    adjusted = holm(np.array([p for *_, p in found], dtype=float))
    rows = [
        Told(float(truth), float(d.mean()), ci, verdict(d, codes, ci, float(p), drawn.rule))
        for (truth, d, codes, ci, _), p in zip(found, adjusted, strict=True)
    ]
    return Seen(tuple(rows), drawn.rule)


def _looked(
    d: Floats, groups: Ints, needed: float
) -> tuple[Floats, Ints, tuple[float, float] | None, float]:
    means = np.bincount(groups, weights=d) / np.bincount(groups)
    path = e_path(means, binary=False)
    enough = (np.arange(means.size) >= 14) & (np.cumsum(means != 0) >= 6)
    reached = np.flatnonzero((path >= needed) & enough)
    if not reached.size:
        ci, p = effect(d, groups, whole=False, bounded=True)
        return d, groups, ci, float(min(2 / path.max(), 1.0, 2 * p if p == p else 1.0))
    upto = int(reached[0]) + 1
    seen = groups < upto
    ci = confidence_sequence(means[:upto])
    return d[seen], groups[seen], ci, float(2 / path[:upto].max())


def settings() -> Iterator[Setting[Drawn]]:
    """Yield documents of unequal size, without and with a difference, with a margin, and equal."""
    for kind in (ONE_TWELVE, ONE_EIGHT, TO_EIGHT):
        for pairs, number, share in ((1, 100, 1.0), (4, 100, 1.0), (20, 60, 0.25)):
            null = (0.0,) * pairs
            for truths, told in ((null, "null"), ((0.15, *null[1:]), "one +15")):
                draw = partial(documents, kind=kind, number=number, truths=truths)
                label = f"{number} documents, {kind.label}, {pairs} pairs, {told}"
                keep = Keep(0.93, lost=None, stated=STATED)
                yield Setting(label, draw, keep, conclude, before, share)
        for truths, margin in (
            ((0.05,), 0.05),
            ((-0.05,), 0.05),
            ((0.0,), 0.15),
            ((0.1,) * 4, 0.1),
        ):
            draw = partial(documents, kind=kind, number=200, truths=truths, margin=margin)
            told = f"{len(truths)} pairs at {truths[0] * 100:+g}, margin {margin * 100:g}"
            keep = Keep(0.93, lost=None, stated=STATED)
            yield Setting(f"200 documents, {kind.label}, {told}", draw, keep, conclude, before)
        draw = partial(documents, kind=kind, number=100, truths=(0.15, 0.0, 0.0))
        label = f"100 documents, {kind.label}, through Race"
        yield Setting(label, draw, Keep(marks={"agrees": 1.0}), raced, None, 0.05)
    for size, number, found in ((1, 150, 0.15), (5, 60, 0.12), (10, 60, 0.1)):
        kind = Sizes(f"size {size}", (size,), (1.0,))
        for pairs in (1, 4):
            truths = (found, *(0.0,) * (pairs - 1))
            draw = partial(documents, kind=kind, number=number, truths=truths, most=0.0)
            label = (
                f"{number} documents, {kind.label}, {pairs} pairs, one +{found * 100:g}, as before"
            )
            keep = Keep(0.93, lost=0.02, stated=STATED)
            yield Setting(label, draw, keep, conclude, before)
