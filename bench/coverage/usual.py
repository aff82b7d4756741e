"""Two arms as users have them: passes and numbers, repeats, groups, few cases that differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from bench.coverage.draws import Chance, Drawn, Ints
from bench.coverage.frame import Keep, Setting
from bench.coverage.sources import BASE, Changed, Latent

FALLING = (25, 12, 9, 6, 5, 3)
STEEP = (30, 20, 15, 10, 8, 6, 5, 3, 2, 1)
ZIPF = (101, 51, 34, 26, 21, 17, 15, 13, 12, 11, 10, 9, 8, 8, 7, 7, 6, 6, 6, 6)

Row = tuple[str, int, Changed | Latent, float]


def draw(chance: Chance, source: Changed | Latent, groups: Ints, truth: float) -> Drawn:
    """Return two arms with a true difference."""
    means = (BASE - truth / 2, BASE + truth / 2)
    grouped = groups if groups.max() < groups.size - 1 else None
    return Drawn(source.scores(chance, groups, means), means, grouped)


def settings() -> Iterator[Setting[Drawn]]:
    """Yield each setting without and with a true difference."""
    for name, n, source, truth in (*pass_or_fail(), *repeated(), *numbers()):
        yield from both(f"{name}, n {n}", source, np.arange(n), truth)
    for name, sizes, source, truth in grouped():
        label = f"{name}, {len(sizes)} groups of {min(sizes)} to {max(sizes)}"
        yield from both(label, source, np.repeat(np.arange(len(sizes)), sizes), truth)


def both(
    label: str, source: Changed | Latent, groups: Ints, truth: float
) -> Iterator[Setting[Drawn]]:
    """Yield a setting without a true difference, and with one."""
    told = f"{label}, {source.share * 100:g} % differ" if isinstance(source, Changed) else label
    for true in (0.0, truth):
        name = f"{told}, true {true * 100:+g}" if true else told
        # Few groups: what may be there unseen is allowed for, at a price.
        known = ("lost",) if groups.max() < groups.size - 1 and groups.max() < 19 else ()
        draws = partial(draw, source=source, groups=groups, truth=true)
        yield Setting(name, draws, Keep(0.93, known=known))


def pass_or_fail() -> Iterator[Row]:
    for n, share, truth in (
        *((20, 0.2, 0.1), (20, 0.5, 0.3), (50, 0.1, 0.1), (50, 0.4, 0.2)),
        *((200, 0.05, 0.05), (200, 0.2, 0.1), (1000, 0.02, 0.02)),
    ):
        yield "pass/fail", n, Changed(share), truth


def repeated() -> Iterator[Row]:
    for n, repeats, alike, noise in (
        *((20, 3, 0.5, 0.5), (20, 5, 0.9, 0.2), (50, 3, 0.9, 0.2), (200, 3, 0.9, 0.2)),
    ):
        name = f"pass/fail, {repeats} repeats, alike {alike:g}"
        yield name, n, Latent(1, repeats, alike, repeat=noise), 0.1


def numbers() -> Iterator[Row]:
    for n, alike in ((20, 0.5), (50, 0.9), (200, 0.5)):
        yield f"number, alike {alike:g}", n, Latent(0, 1, alike), 0.05
    for n, repeats in ((20, 3), (50, 5)):
        yield f"number, {repeats} repeats", n, Latent(0, repeats), 0.05
    for n, alike in ((20, 0.9), (50, 0.5)):
        yield f"0 to 4 points, alike {alike:g}", n, Latent(4, 1, alike, repeat=0.2), 0.05
    for n, share, truth in ((20, 0.3, 0.1), (50, 0.1, 0.05), (200, 0.1, 0.03)):
        yield "number, most answers alike", n, Changed(share, whole=False), truth


def grouped() -> Iterator[tuple[str, Sequence[int], Latent, float]]:
    passes, number = Latent(1, group=1.0), Latent(0, group=1.0)
    alike = Latent(1, 1, 0.98, case=3.0, repeat=0.2, group=1.0)
    most_alike = Latent(1, 1, 0.98, case=20.0, repeat=0.2, group=6.0)
    yield "pass/fail", (8, 4, 3, 2, 2, 1), passes, 0.2
    yield "pass/fail", FALLING, passes, 0.2
    yield "number", FALLING, number, 0.2
    yield "number", (45, *(5,) * 11), number, 0.2
    yield "pass/fail", (5,) * 10, passes, 0.2
    yield "pass/fail, few differ", (5,) * 10, alike, 0.1
    yield "pass/fail, hardly any differ", (5,) * 10, most_alike, 0.05
    yield "pass/fail, hardly any differ", STEEP, most_alike, 0.05
    yield "pass/fail, 3 repeats", (10,) * 20, Latent(1, 3, group=0.5), 0.1
    yield "number", ZIPF, number, 0.2
    yield "pass/fail", (4,) * 50, passes, 0.1
