"""A pair of a run that could stop early: judged by what holds at any time."""

from __future__ import annotations

from dataclasses import dataclass, replace

from promptlab.analysis.conclude import Effect
from promptlab.analysis.early import Look
from promptlab.analysis.inference import Inference
from promptlab.core.decision import Rule
from promptlab.stats.intervals import Interval


@dataclass(frozen=True, slots=True)
class AnyTime:
    """What holds however often one looks, and once all cases are in, `fixed` at half of the level.

    `fixed` is None while it must not be used: before the end, and after an early stop. Where cases
    turn out to be copies of one another, bets on each of them count too much: then `copies`, which
    counts them as one, must agree.
    """

    look: Look
    fixed: Inference | None
    copies: Inference | None = None
    df: None = None
    se: float | None = None
    imagined: float = 0.0
    lopsided: float = 0.0

    @property
    def method(self) -> str:
        """Return the name of the test."""
        return "e-process" if self.fixed is None else self.fixed.method

    def two_sided(self) -> float | None:
        """Return the p-value of both halves: 2/e at any time, twice the fixed one at the end."""
        p = self.look.p(None if self.fixed is None else self.fixed.two_sided())
        return p if self.copies is None else _larger(p, self.copies.two_sided())

    def at_least(self, null: float) -> float | None:
        """Return the one-sided p-value of both halves that the mean exceeds `null`."""
        fixed = None if self.fixed is None else self.fixed.at_least(null)
        p = _either(self.look.at_least(null), fixed)
        return p if self.copies is None else _larger(p, self.copies.at_least(null))

    def at_most(self, null: float) -> float | None:
        """Return the one-sided p-value of both halves that the mean is below `null`."""
        fixed = None if self.fixed is None else self.fixed.at_most(null)
        p = _either(self.look.at_most(null), fixed)
        return p if self.copies is None else _larger(p, self.copies.at_most(null))

    def interval(self, level: float) -> Interval | None:
        """Return the confidence sequence; at the end, what it and the fixed interval share."""
        anytime = self.look.interval(1 - level)
        fixed = None if self.fixed is None else self.fixed.interval((1 + level) / 2)
        if anytime is not None and fixed is not None:
            anytime = max(anytime[0], fixed[0]), min(anytime[1], fixed[1])
        copies = None if self.copies is None else self.copies.interval(level)
        if anytime is None or copies is None:
            return anytime if self.copies is None else None
        return min(anytime[0], copies[0]), max(anytime[1], copies[1])


def at_any_time(observed: Effect, look: Look, rule: Rule, *, repeated: bool = False) -> Effect:
    """Judge an effect by what holds at any time; `repeated` cases are copies of one another."""
    fixed = observed.inference
    if fixed is None:
        return observed
    ended = look.at is None and look.complete
    copies = fixed if repeated else None
    judged = AnyTime(look, fixed if ended else None, copies, se=observed.se)
    return replace(
        observed,
        ci=judged.interval(rule.level),
        p=judged.two_sided(),
        method=judged.method,
        inference=judged,
    )


def _larger(p: float, other: float | None) -> float | None:
    """Return the larger p-value, None if one is not known."""
    return None if other is None else max(p, other)


def _either(anytime: float, fixed: float | None) -> float:
    """Return the one-sided p-value where 1/e is held against half of the two-sided level."""
    return anytime if fixed is None else min(anytime, 2 * fixed)
