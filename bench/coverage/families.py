"""Many arms at once: all alike, at a margin, all better by as much, some better; other families."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from scipy.special import ndtri

from bench.coverage.draws import Chance, Drawn, Floats, arm_of, table_of
from bench.coverage.frame import Keep, Setting
from bench.coverage.judge import Seen, compared, told
from bench.coverage.plain import plainly
from bench.coverage.quick import quickly
from promptlab.analysis.account import Account
from promptlab.analysis.compare import compare
from promptlab.core.decision import Rule

BASE = 0.6
Scored = Sequence[Drawn]
ALIKE = 0.6  # of the copula


def passes(chance: Chance, n: int, means: Sequence[float]) -> Floats:
    """Return passes of arms, correlated by case through a normal copula, of shape (arms, cases)."""
    common, own = chance.standard_normal(n), chance.standard_normal((len(means), n))
    latent = np.sqrt(ALIKE) * common + np.sqrt(1 - ALIKE) * own
    passed: Floats = np.where(latent < ndtri(np.asarray(means))[:, None], 1.0, 0.0)
    return passed


def against_a_base(
    chance: Chance, n: int, effects: Sequence[float], margin: float = 0.0, base: float = BASE
) -> Drawn:
    """Return a base and an arm for each effect."""
    means = (base, *(base + effect for effect in effects))
    return Drawn(passes(chance, n, means), means, rule=Rule(min_effect=margin))


def all_pairs(chance: Chance, n: int, arms: int) -> Drawn:
    """Return equal arms, all of which are compared with one another."""
    means = (BASE,) * arms
    return Drawn(passes(chance, n, means), means, baseline=False)


def several_models(chance: Chance, n: int, models: int) -> Drawn:
    """Return two equal versions on each of several models, compared on each and pooled."""
    arms = [arm_of(version, f"m{model}") for model in range(models) for version in ("v0", "v1")]
    means = (BASE,) * len(arms)
    return Drawn(passes(chance, n, means), means, baseline=False, arms=arms)


def the_best(drawn: Drawn, by: Callable[[Drawn], Seen]) -> Seen:
    """Return the row of the best arm alone: the one that a concluding sentence speaks of."""
    rows = by(drawn).rows
    return Seen((max(rows, key=lambda one: -1.0 if one.delta is None else one.delta),), drawn.rule)


def by_scorers(chance: Chance, n: int, scorers: int) -> Scored:
    """Return two equal versions, graded by several scorers that agree more than they differ."""
    grades = passes(chance, n, (BASE,) * (2 * scorers)).reshape(scorers, 2, n)
    return [Drawn(both, (BASE, BASE)) for both in grades]


def of_scorers(scored: Scored) -> Seen:
    """Return what all scorers but the first, primary one say: they are one family."""
    tables = [table_of(drawn) for drawn in scored]
    rule = scored[0].rule
    rows = []
    for place, table in enumerate(tables[1:], start=1):
        beside = [*tables[1:place], *tables[place + 1 :]]
        rows += compare(table, rule, account=Account(table, "compare by version", beside=beside))
    primary = compare(tables[0], rule)
    told_of = any(one.verdict in ("better", "worse") for one in primary)
    return Seen(
        tuple(told(one, 0.0) for one in rows), rule, marks={"the primary one": float(told_of)}
    )


def settings() -> Iterator[Setting[Any]]:
    """Yield the settings."""
    yield from alike()
    yield from at_the_margin()
    yield from best_of_many()
    yield from mixed()
    yield from other_families()


def alike() -> Iterator[Setting[Drawn]]:
    for arms, n in ((1, 72), (1, 150), (1, 400), (5, 72), (5, 150), (5, 400), (20, 72), (20, 400)):
        yield family(f"{arms} arms, all null, n {n}", n, (0.0,) * arms)
    for n, effect in ((100, 0.15), (200, 0.1), (400, 0.1)):
        yield family(f"1 arm, {effect * 100:+g}, n {n}", n, (effect,))


def at_the_margin() -> Iterator[Setting[Drawn]]:
    for arms in (1, 5, 20):
        for at, n in ((0.05, 400), (0.05, 1500), (-0.05, 400)):
            label = f"{arms} arms, all at the margin, {at * 100:+g}, n {n}"
            yield family(label, n, (at,) * arms, margin=0.05)
    for arms, effect, n in ((1, 0.0, 400), (5, 0.0, 1500), (5, 0.15, 400)):
        label = f"{arms} arms, all {effect * 100:+g}, margin 5, n {n}"
        yield family(label, n, (effect,) * arms, margin=0.05)


def best_of_many() -> Iterator[Setting[Drawn]]:
    for arms, n, effect in (
        *((5, 72, 0.05), (5, 72, 0.15), (5, 100, 0.1), (5, 200, 0.08)),
        *((20, 72, 0.05), (20, 100, 0.1), (20, 200, 0.08)),
    ):
        draw = partial(against_a_base, n=n, effects=(effect,) * arms)
        label = f"the best of {arms}, all {effect * 100:+g}, n {n}"
        whole, plain, quick = (partial(the_best, by=by) for by in (compared, plainly, quickly))
        yield Setting(label, draw, Keep(0.93), whole, plain, quick=quick)


def mixed() -> Iterator[Setting[Drawn]]:
    for name, effects in (
        ("one +30, one 0", (0.3, 0.0)),
        ("5 arms, half +30", (0.3, 0.3, 0.0, 0.0, 0.0)),
        ("20 arms, half +30", (*(0.3,) * 10, *(0.0,) * 10)),
        ("20 arms, +20, -20 and 0", (*(0.2,) * 6, *(-0.2,) * 7, *(0.0,) * 7)),
    ):
        for n in (72, 400) if len(effects) < 20 else (100,):
            yield family(f"{name}, n {n}", n, effects)


def other_families() -> Iterator[Setting[Any]]:
    keep = Keep(0.93, at_once=0.93)
    for n in (72, 200):
        yield Setting(f"all pairs of 6 arms, n {n}", partial(all_pairs, n=n, arms=6), keep)
    draw = partial(several_models, n=100, models=6)
    yield Setting("2 versions on 6 models and pooled, n 100", draw, keep, plain=None)
    scored = partial(by_scorers, n=100, scorers=10)
    keep = Keep(0.93, at_once=0.93, at_most={"the primary one": 0.05})
    label = "9 scorers beside the primary one, n 100"
    yield Setting(label, scored, keep, of_scorers, plain=None, share=0.25)


def family(label: str, n: int, effects: tuple[float, ...], margin: float = 0.0) -> Setting[Drawn]:
    """Return a setting of arms against a base, all of whose intervals are to hold at once."""
    draw = partial(against_a_base, n=n, effects=effects, margin=margin)
    keep = Keep(0.93, at_once=0.93)
    if margin and len(effects) > 1:  # the plain method did not correct for a family there
        keep = replace(keep, lost=None)
    return Setting(label, draw, keep)
