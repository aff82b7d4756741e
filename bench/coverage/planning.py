"""What planning promises: the cases that were asked for suffice, and cases show what they can.

A pilot is drawn first. `needed`: as many fresh cases as its spread asks for are then compared, of
which the effect is true. `can show`: a second sample of the same size has as its true difference
what the first says that it can show. One arm is better, the others are not; `power` is how often
that is told. A pilot of which hardly
anything can be told asks for a great many cases, of which at most `MOST` are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from bench.coverage.draws import Chance, Drawn, table_of
from bench.coverage.families import passes
from bench.coverage.frame import Keep, Setting
from bench.coverage.judge import Seen, told, truth
from promptlab.analysis.compare import Comparison, compare
from promptlab.analysis.planning import Aim, Spread, shown_by, units_to_show
from promptlab.core.decision import Limits, Rule
from promptlab.core.types import Sequential

Source = Callable[[Chance, int, float], Drawn]
"""Draws a number of units with a true difference of every arm."""

MOST = 20_000
LEAST = Rule(limits=Limits(min_cases=2, min_nonzero=0))
BASE, SD, GROUP_SD, SIZE = 0.6, 0.2, 0.1, 8
_NEEDED = Keep(marks={"power": 0.78})
_SHOWS = Keep(marks={"power": 0.75}, at_most={"power": 0.85})


def passing(chance: Chance, n: int, effect: float, arms: int) -> Drawn:
    """Return a base and arms of which the first is better by the effect."""
    means = (BASE, BASE + effect, *(BASE,) * (arms - 1))
    return Drawn(passes(chance, n, means), means)


def numbers(chance: Chance, n: int, effect: float) -> Drawn:
    """Return two arms whose differences are normal, of standard deviation `SD`."""
    base = 10 + chance.standard_normal(n)
    return Drawn(
        np.stack([base, base + effect + SD * chance.standard_normal(n)]), (10, 10 + effect)
    )


def in_groups(chance: Chance, n: int, effect: float) -> Drawn:
    """Return groups of `SIZE` cases whose effects are normal, of standard deviation `GROUP_SD`."""
    groups = np.repeat(np.arange(n), SIZE)
    base = 10 + chance.standard_normal(groups.size)
    effects = effect + GROUP_SD * chance.standard_normal(n)
    d = effects[groups] + GROUP_SD * chance.standard_normal(groups.size)
    return Drawn(np.stack([base, base + d]), (10.0, 10.0 + effect), groups)


def early(chance: Chance, n: int, effect: float, arms: int) -> Drawn:
    """Return passes of a run that could stop early."""
    drawn = passing(chance, n, effect, arms)
    pairs = tuple((0, arm) for arm in range(1, arms + 1))
    return replace(drawn, sequential=Sequential(0.05, pairs))


def needed(
    chance: Chance, source: Source, pilot: int, aim: Aim, run: Source | None = None
) -> Drawn:
    """Return a run with as many units as a pilot says that the effect takes."""
    spread = spread_in(source(chance, pilot, aim.effect), margin=aim.margin)
    units = MOST if spread is None else units_to_show(spread, aim) or MOST
    drawn = (run or source)(chance, max(2, min(units, MOST)), aim.effect)
    return replace(drawn, rule=replace(LEAST, min_effect=aim.margin))


def can_show(chance: Chance, source: Source, n: int, alpha: float) -> Drawn:
    """Return a run whose true difference is what as many units say that they can show."""
    spread = spread_in(source(chance, n, 0.0))
    shown = None if spread is None else shown_by(spread, n, Aim(0.5, alpha))
    return replace(source(chance, n, min(0.39, shown or 0.39)), rule=LEAST)


def spread_in(drawn: Drawn, margin: float = 0.0) -> Spread | None:
    """Return the spread of the first row of a run."""
    [first, *_] = rows_of(replace(drawn, rule=replace(LEAST, min_effect=margin), sequential=None))
    return first.spread


def rows_of(drawn: Drawn) -> list[Comparison]:
    """Compare with the base, as the command does."""
    table = table_of(drawn)
    return compare(table, drawn.rule, baseline=table.arms[0].label)


def concluded(drawn: Drawn) -> Seen:
    """Return what is said of every arm, and whether the better one was found."""
    rows = tuple(told(one, truth(drawn, one)) for one in rows_of(drawn))
    better = next(one for one in rows if one.truth > 0)
    return Seen(rows, drawn.rule, marks={"power": float(better.verdict == "better")})


def settings() -> Iterator[Setting[Drawn]]:
    """Yield the settings."""
    yield from of_needs()
    yield from of_early_stops()
    yield from of_shows()


def of_needs() -> Iterator[Setting[Drawn]]:
    """Yield what finds an effect with the cases that a pilot asks for."""
    for arms in (1, 4, 10, 20):
        source = partial(passing, arms=arms)
        for pilot in (60, 150):
            aim = Aim(0.1, 0.05 / arms)
            draw = partial(needed, source=source, pilot=pilot, aim=aim)
            label = f"{arms} arms, pass/fail, +10, pilot of {pilot}"
            yield setting(label, draw, share=1.0 if arms < 10 else 0.25)
    aim = Aim(0.15, 0.05 / 4, margin=0.05)
    draw = partial(needed, source=partial(passing, arms=4), pilot=60, aim=aim)
    yield setting("4 arms, pass/fail, +15 beyond 5, pilot of 60", draw)
    for n in (15, 30, 60):
        draw = partial(needed, source=numbers, pilot=n, aim=Aim(0.1, 0.05))
        yield setting(f"numbers, +half a deviation, pilot of {n}", draw)
    for number in (6, 10, 20):
        draw = partial(needed, source=in_groups, pilot=number, aim=Aim(0.08, 0.05))
        yield setting(f"groups, pilot of {number}", draw)


def of_early_stops() -> Iterator[Setting[Drawn]]:
    """Yield the same for runs that may stop early."""
    for arms in (1, 4):
        source, run = partial(passing, arms=arms), partial(early, arms=arms)
        draw = partial(needed, source=source, pilot=60, aim=Aim(0.1, 0.05 / arms / 2), run=run)
        yield setting(f"until decided, {arms} arms, pilot of 60", draw, share=0.5)


def of_shows() -> Iterator[Setting[Drawn]]:
    """Yield what as many cases show as they say that they can."""
    for arms in (1, 4, 20):
        for n in (60, 150):
            source = partial(passing, arms=arms)
            draw = partial(can_show, source=source, n=n, alpha=0.05 / arms)
            share = 1.0 if arms < 10 else 0.25
            yield setting(f"can show, {arms} arms, n {n}", draw, _SHOWS, share)
    for n in (15, 30, 60):
        draw = partial(can_show, source=numbers, n=n, alpha=0.05)
        yield setting(f"can show, numbers, n {n}", draw, _SHOWS)


def setting(
    label: str, draw: Callable[[Chance], Drawn], keep: Keep = _NEEDED, share: float = 1.0
) -> Setting[Drawn]:
    """Return a setting whose power is what counts."""
    return Setting(label, draw, keep, concluded, None, share)
