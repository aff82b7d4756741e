"""Lopsided lengths: the difference in tokens, and the price of a point of score."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import exp

import numpy as np

from bench.coverage.draws import Chance, Drawn
from bench.coverage.frame import Keep, Setting
from bench.coverage.judge import Seen, Told, compare_rows
from promptlab.analysis.changes import Change
from promptlab.core.decision import Limits, Rule
from promptlab.stats.clusters import cluster_mean
from promptlab.stats.ratio import fieller

RULE = Rule(limits=Limits(min_cases=2, min_nonzero=0))
TOKENS, PRICE = 40.0, 1e-5
BASE, BETTER = 0.4, 0.3


def lengths(chance: Chance, n: int) -> Drawn:
    """Return two arms of which the second writes lognormally many tokens more."""
    base = 20 + chance.integers(0, 5, n).astype(float)
    more = TOKENS * chance.lognormal(0, 1, n)
    passed = np.where(chance.random((2, n)) < [[BASE], [BASE + BETTER]], 1.0, 0.0)
    tokens = np.stack([base, base + more])
    quantities = {"output_tokens": tokens, "input_tokens": tokens * 0, "cost_usd": tokens * PRICE}
    return Drawn(passed, (BASE, BASE + BETTER), rule=RULE, quantities=quantities)


def of_tokens(drawn: Drawn) -> Seen:
    """Return the interval of the difference in tokens."""
    [row] = compare_rows(drawn)
    return _told(TOKENS * exp(0.5), row.output_tokens)


def of_tokens_plainly(drawn: Drawn) -> Seen:
    """Return Student's."""
    before, after = drawn.quantities["output_tokens"]
    found = cluster_mean(after - before, np.arange(before.size))
    ci = None if found.low is None or found.high is None else (found.low, found.high)
    return _seen(TOKENS * exp(0.5), found.mean, ci)


def of_price(drawn: Drawn) -> Seen:
    """Return the interval of the price of a point, where one is told."""
    [row] = compare_rows(drawn)
    return _seen(TOKENS * exp(0.5) * PRICE / BETTER, row.usd_per_point, row.usd_per_point_ci)


def of_every_price(drawn: Drawn) -> Seen:
    """Return Fieller's interval wherever there is one, whatever the score shows."""
    cost = drawn.quantities["cost_usd"][1] - drawn.quantities["cost_usd"][0]
    score = drawn.scores[1] - drawn.scores[0]
    ratio = float(cost.mean() / score.mean()) if score.mean() else None
    return _seen(TOKENS * exp(0.5) * PRICE / BETTER, ratio, fieller(cost, score))


def _told(truth: float, change: Change | None) -> Seen:
    return _seen(truth, None, None) if change is None else _seen(truth, change.delta, change.ci)


def _seen(truth: float, delta: float | None, ci: tuple[float, float] | None) -> Seen:
    return Seen((Told(truth, delta, ci, "refused"),), RULE)  # a quantity bears no verdict


def settings() -> Iterator[Setting[Drawn]]:
    """Yield the settings."""
    keep = Keep(0.93, false=None, may_refuse=True)
    for n in (15, 20, 30, 50, 100):
        draw = partial(lengths, n=n)
        yield Setting(f"tokens, lognormal(1), n {n}", draw, keep, of_tokens, of_tokens_plainly)
    for n in (30, 50, 100, 200):
        yield Setting(
            f"price of a point, n {n}", partial(lengths, n=n), keep, of_price, of_every_price
        )
