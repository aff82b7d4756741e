"""What arms take on average per trial, in tokens, money and time, and by how much they differ.

Such quantities have long tails: their intervals allow for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from promptlab.analysis.inference import Floats, Ints, infer
from promptlab.analysis.measurements import Measurements
from promptlab.analysis.sides import Side, Where, mean_over
from promptlab.core.decision import Rule
from promptlab.stats.intervals import Interval
from promptlab.stats.ratio import fieller


@dataclass(frozen=True, slots=True)
class Change:
    """What a trial uses on average on each side, and the paired difference with its interval."""

    mean_a: float
    mean_b: float
    delta: float
    ci: Interval | None

    @property
    def ratio(self) -> float | None:
        """Return b's share of a."""
        return self.mean_b / self.mean_a if self.mean_a else None


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit of score costs in USD, with its interval."""

    usd: float
    ci: Interval


def means_of(side: Side, where: Where, name: str) -> Floats:
    """Return a quantity of `Cells` per case, as `mean_over` counts it."""
    return mean_over(side, where, lambda arm: getattr(arm.cells, name))


def in_batches(table: Measurements, arms: Side) -> bool:
    """Return whether seconds mean nothing here: they are those of a queue, not of an answer."""
    facts = (
        table.runs[number].info.facts.get(setting.arm.backend)
        for arm in arms
        for number in arm.runs
        for setting in arm.settings
    )
    return any(each is not None and each.in_batches for each in facts)


def change_of(
    a: Side, b: Side, shared: Where, name: str, groups: Ints, rule: Rule
) -> Change | None:
    """Compare what both sides use, on the cases where that is known for both."""
    before, after = (means_of(side, shared, name) for side in (a, b))
    known = ~(np.isnan(before) | np.isnan(after))
    if not known.any():
        return None
    d = (after - before)[known]
    mean_a, mean_b = float(before[known].mean()), float(after[known].mean())
    ci = infer(d, groups[known], seed=None).interval(rule.level)
    return Change(mean_a, mean_b, float(d.mean()), ci)


def changes_of(
    table: Measurements, a: Side, b: Side, shared: Where, groups: Ints, rule: Rule
) -> dict[str, Any]:
    """Compare all that both sides use, by name; seconds are left out where they mean nothing."""
    names = ["tokens", "output_tokens", "cost_usd"]
    names += [] if in_batches(table, (*a, *b)) else ["latency_s"]
    return {
        "latency_s": None,
        **{name: change_of(a, b, shared, name, groups, rule) for name in names},
    }


def price_of(a: Side, b: Side, shared: Where, d: Floats, groups: Ints, rule: Rule) -> Price | None:
    """Return what more score costs, on the cases whose cost is known.

    None where b does not score more, or does not cost more, or its score may not differ at all.
    `d` are the differences of score on the shared cases.
    """
    before, after = (means_of(side, shared, "cost_usd") for side in (a, b))
    known = ~np.isnan(after - before)
    if not known.any():
        return None
    cost, score = (after - before)[known], d[known]
    if cost.mean() <= 0 or score.mean() <= 0:
        return None
    ci = fieller(cost, score, groups[known], rule.level)
    return None if ci is None else Price(float(cost.mean() / score.mean()), ci)
