"""How many cases a question takes, and what a number of cases can show: before a run and after it.

Both rest on a spread, how much differences vary from one unit to the next: seen in a pilot, or
assumed. A unit is a case or, where cases come in groups, a group. It knows no runs and no arms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, inf, sqrt
from typing import Literal

from promptlab.stats.paired import bonett_price
from promptlab.stats.power import (
    cases_needed_binary,
    discordance_upper,
    mcnemar_power,
    minimum_detectable_effect,
    sd_upper,
    student_power,
    units_needed,
)
from promptlab.stats.variance import VarianceSplit

PLANNED_EFFECT = 0.05  # of scores between 0 and 1, if the user names no smallest effect
ASSUMED_SHARE = 0.3  # of cases that differ, where nothing was measured yet
POWER = 0.8
_EXACT = 1.1  # the exact test takes this many times the cases of the mid-p-value
_ALLOWANCE = 0.9  # share of the interval that `stats.lopsided` adds, times the number of units
_MOST = 10**9  # cases; who needs more cannot have them

Kind = Literal["pass/fail", "numbers", "groups"]


@dataclass(frozen=True, slots=True)
class Aim:
    """What is to be shown: a difference of `effect`, by a test that asks for more than `margin`.

    `alpha` is the level of this one test: that of the family divided by its size, halved where a
    run may stop early. `strict` is for exact tests.
    """

    effect: float
    alpha: float
    margin: float = 0.0
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Spread:
    """How much the difference of two arms varies from unit to unit.

    `units` and `cases` are those of the pilot, 0 where it is assumed. `sd` is that of one unit
    (groups: √G times the standard error of the mean over cases). `differ` counts the cases that
    differ. `upper` is its upper 80 % limit: of the share that differs where cases pass or fail,
    else of `sd`; None where the pilot is too small.
    """

    kind: Kind
    units: int
    cases: int
    differ: int
    sd: float
    upper: float | None

    @property
    def size(self) -> float:
        """Return the mean number of cases in a unit of the pilot."""
        return self.cases / self.units if self.units else 1.0

    @property
    def likely(self) -> float:
        """Return the standard deviation of a unit; where nothing differed, its upper limit."""
        if self.sd or self.upper is None:
            return self.sd
        return sqrt(self.upper) if self.kind == "pass/fail" else self.upper

    def over(self, cases: int, groups: int) -> Spread:
        """Return it for a plan with these cases and groups, where the pilot had none, or had some.

        Of groups that no pilot had nothing is known: their cases are taken to turn together.
        """
        if self.kind == "groups" and groups == cases:
            return replace(self, kind="numbers")
        if self.kind != "groups" and groups < cases:
            upper = self.upper
            if self.kind == "pass/fail" and upper is not None:
                upper = sqrt(upper)
            return replace(self, kind="groups", upper=upper)
        return self


def seen(kind: Kind, units: int, cases: int, differ: int, se: float) -> Spread:
    """Return the spread of a pilot whose mean difference has the standard error `se`."""
    sd = se * sqrt(units)
    if kind == "pass/fail":
        upper: float | None = discordance_upper(differ, cases)
    else:
        upper = sd_upper(sd, units) or None
    return Spread(kind, units, cases, differ, sd, upper)


def assumed(arms: float = 2) -> Spread:
    """Return the spread to plan with before anything was measured: `ASSUMED_SHARE` differ.

    With `arms` in a balanced design half of them are on each side, and their mean varies less.
    """
    if arms > 2:
        sd = sqrt(ASSUMED_SHARE * 2 / arms)
        return Spread("numbers", 0, 0, 0, sd, sd)
    return Spread("pass/fail", 0, 0, 0, sqrt(ASSUMED_SHARE), ASSUMED_SHARE)


def of_units(split: VarianceSplit, spread: Spread, repeats: int) -> VarianceSplit:
    """Return the parts of a case's variance as those of a unit, a group or a case, of a pilot.

    The noise of a unit is that of its mean; what is left of the unit's variance is between units.
    """
    noise = _noise(split)
    if noise is None or split.noise_a is None or split.noise_b is None:
        return split
    between = max(0.0, spread.sd**2 - noise / spread.size / repeats)
    noises = split.noise_a / spread.size, split.noise_b / spread.size
    return VarianceSplit(spread.units, between, *noises)


def of_repeats(spread: Spread, split: VarianceSplit, before: int, repeats: int) -> Spread:
    """Return the spread if each case is repeated otherwise than in the pilot.

    The variance of a unit is omega² + noise/K, see `of_units`. Unchanged where the parts are not
    known.
    """
    noise = _noise(split)
    if noise is None or split.case is None or repeats == before:
        return spread
    was = split.case + noise / before
    if was <= 0:
        return spread
    factor = sqrt((split.case + noise / repeats) / was)
    upper = None if spread.upper is None else spread.upper * factor
    if spread.kind == "pass/fail":  # a share is the mean square of differences
        upper = None if spread.upper is None else min(1.0, spread.upper * factor**2)
    return replace(spread, sd=spread.sd * factor, upper=upper)


def units_to_show(spread: Spread, aim: Aim) -> int | None:
    """Return how many units show the effect with a power of 80 %, None if no number does.

    By the upper limit of the spread: a pilot may have seen less than there is.
    """
    possible = aim.margin < aim.effect < inf and (spread.kind != "pass/fail" or aim.effect <= 1)
    if not possible or not spread.upper:
        return None
    if spread.kind == "pass/fail":
        share = max(spread.upper, aim.effect)
        needed = cases_needed_binary(share, aim.effect, aim.alpha, POWER, aim.margin)
        return ceil(needed * (_EXACT if aim.strict else 1.0))
    if (spread.upper / (aim.effect - aim.margin)) ** 2 > _MOST:
        return None
    return units_needed(spread.upper, aim.effect, aim.alpha, POWER, aim.margin)


def cases_to_show(spread: Spread, aim: Aim) -> int | None:
    """Return how many cases show the effect; those of as many groups as it takes."""
    units = units_to_show(spread, aim)
    return None if units is None else ceil(units * spread.size)


def shown_by(spread: Spread, units: int, aim: Aim) -> float | None:
    """Return the difference that this many units show with a power of 80 %, None if unknown."""
    if units < 2 or not spread.likely:
        return None
    se = spread.likely / sqrt(units)
    return detectable_by(se, units - 1, aim, units if spread.kind == "numbers" else None)


def detectable_by(se: float, df: float, aim: Aim, numbers: int | None = None) -> float:
    """Return the difference that a standard error shows with a power of 80 %.

    Where it is that of so many `numbers`, the allowance for lopsided ones is added: it widens the
    interval of even ones by 6 % at 15, 3 % at 30 and 1 % at 100, which is 0.9 divided by their
    number. By Student's t alone, 15 show in 72 % of simulations what they should in 80.
    """
    allowance = 1 + (_ALLOWANCE / numbers if numbers else 0.0)
    return aim.margin + allowance * minimum_detectable_effect(se, aim.alpha, POWER, df=df)


def power_of(spread: Spread, units: int, aim: Aim) -> float | None:
    """Return the probability that this many units show the effect, None if unknown.

    Passes and failures: enumerated, where there is no margin.
    """
    if units < 2 or not spread.likely or aim.effect <= aim.margin:
        return None
    if spread.kind == "pass/fail" and not aim.margin:
        share = spread.differ / spread.cases if spread.differ else min(1.0, spread.likely**2)
        return mcnemar_power(units, share, aim.effect, aim.alpha, midp=not aim.strict)
    return student_power(spread.likely / sqrt(units), units - 1, aim.effect, aim.alpha, aim.margin)


def half_width(spread: Spread, units: int, alpha: float) -> float | None:
    """Return how far the interval will reach to either side, if arms are equal; None if unknown.

    Passes and failures by Bonett and Price's interval, a closed form near that of a verdict.
    """
    if units < 2 or not spread.likely:
        return None
    if spread.kind == "pass/fail":
        each = round(spread.likely**2 * units / 2)
        low, high = bonett_price(units, min(each, units // 2), min(each, units // 2), 1 - alpha)
        return (high - low) / 2
    # With a power of a half, the interval of a difference that is seen as it is just ends at 0.
    return minimum_detectable_effect(spread.likely / sqrt(units), alpha, 0.5, df=units - 1)


@dataclass(frozen=True, slots=True)
class Source:
    """One source of uncertainty: its share of the variance, and what a call removes of it.

    `gain` is the share of the variance that 1 % more calls remove, spent on this source alone.
    """

    name: Literal["cases", "repeats", "wordings"]
    share: float
    gain: float


def sources(split: VarianceSplit, repeats: int, wordings: float = 0.0) -> Iterator[Source]:
    """Yield where the variance of the mean difference comes from, and what more calls buy.

    More cases divide all of it but what wordings add; more repeats divide the noise alone; more
    wordings divide what they add and, as every text meets every case, the noise too.

    Args:
        split: the parts of one case's difference
        repeats: K, of each case
        wordings: the variance that wordings add, times the number of cases
    """
    noise = _noise(split)
    if noise is None or split.case is None:
        return
    parts = {"cases": split.case, "repeats": noise / repeats, "wordings": wordings}
    whole = sum(parts.values())
    if not whole:
        return
    yield Source("cases", parts["cases"] / whole, (whole - wordings) / whole / 100)
    yield Source("repeats", parts["repeats"] / whole, parts["repeats"] / whole / 100)
    if wordings:
        yield Source("wordings", wordings / whole, (wordings + parts["repeats"]) / whole / 100)


def repeats_to_show(split: VarianceSplit, units: int, aim: Aim) -> int | None:
    """Return how many repeats show the effect on these units, None if no number of them does."""
    noise = _noise(split)
    if noise is None or split.case is None or units < 2 or aim.effect <= aim.margin:
        return None
    per_se = minimum_detectable_effect(1.0, aim.alpha, POWER, df=units - 1)
    left = units * ((aim.effect - aim.margin) / per_se) ** 2 - split.case
    return max(1, ceil(noise / left)) if left > 0 and noise / left < _MOST else None


def _noise(split: VarianceSplit) -> float | None:
    """Return the variance of one repeat of both arms."""
    if split.noise_a is None or split.noise_b is None:
        return None
    return split.noise_a + split.noise_b
