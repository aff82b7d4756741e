"""The methods by which a mean difference is judged, each with the interval of its tests."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from promptlab.stats.intervals import Interval
from promptlab.stats.lopsided import CubicT
from promptlab.stats.paired import mcnemar_exact, mcnemar_midp
from promptlab.stats.tango import tango, tango_above


@dataclass(frozen=True, slots=True)
class PassOrFail:
    """Cases that passed or failed outright: McNemar's test against 0, Tango's for all else."""

    n: int
    wins: int
    losses: int
    strict: bool
    df: None = None
    imagined: float = 0.0
    lopsided: float = 0.0

    @property
    def method(self) -> str:
        """Return the name of the test against 0."""
        return "mcnemar-exact" if self.strict else "mcnemar-midp"

    @property
    def se(self) -> float:
        """Return the standard error that the shares have by themselves."""
        mean = (self.wins - self.losses) / self.n
        return sqrt(max(0.0, (self.wins + self.losses) / self.n - mean**2) / self.n)

    def two_sided(self) -> float:
        """Return McNemar's p-value."""
        test = mcnemar_exact if self.strict else mcnemar_midp
        return test(self.wins, self.losses)

    def at_least(self, null: float) -> float:
        """Return Tango's one-sided p-value."""
        return tango_above(self.n, self.wins, self.losses, null)

    def at_most(self, null: float) -> float:
        """Return Tango's one-sided p-value."""
        return tango_above(self.n, self.losses, self.wins, -null)

    def interval(self, level: float) -> Interval:
        """Return Tango's interval."""
        return tango(self.n, self.wins, self.losses, level)


@dataclass(frozen=True, slots=True)
class MeanByT:
    """A mean judged by t: Student's, or CR2's or CR3's for groups.

    Where there is a `cubic`, both must agree: the larger p counts, and the interval holds those of
    both. `flips` is the p-value of the sign-flip test where that must agree too; with `signs_alone`
    it is the only test against 0. `largest` cuts the interval to the differences there can be.
    """

    student: CubicT
    cubic: CubicT | None
    flips: float | None
    largest: float
    method: str
    imagined: float
    lopsided: float
    signs_alone: bool = False

    @property
    def se(self) -> float:
        """Return the standard error."""
        return self.student.se

    @property
    def df(self) -> float:
        """Return the degrees of freedom."""
        return self.student.df

    def two_sided(self) -> float:
        """Return the largest p-value of all tests that must agree."""
        if self.signs_alone and self.flips is not None:
            return self.flips
        return max(self.flips or 0.0, *(each.two_sided() for each in self._both()))

    def at_least(self, null: float) -> float:
        """Return the larger one-sided p-value of Student's t and its cubic."""
        return max(each.above(null) for each in self._both())

    def at_most(self, null: float) -> float:
        """Return the larger one-sided p-value of Student's t and its cubic."""
        return max(each.below(null) for each in self._both())

    def interval(self, level: float) -> Interval:
        """Return the hull of both intervals, cut to what can be."""
        lows, highs = zip(*(each.interval(level) for each in self._both()), strict=True)
        return within(self.largest, (min(lows), max(highs)))

    def _both(self) -> tuple[CubicT, ...]:
        return (self.student,) if self.cubic is None else (self.student, self.cubic)


@dataclass(frozen=True, slots=True)
class NoSpread:
    """Units that all differ by the same amount: nothing to judge by but their signs."""

    p: float | None
    method: str
    se: None = None
    df: None = None
    imagined: float = 0.0
    lopsided: float = 0.0

    def two_sided(self) -> float | None:
        """Return the p-value of the sign-flip test."""
        return self.p

    def at_least(self, null: float) -> None:
        """Return None: a margin takes a spread."""

    def at_most(self, null: float) -> None:
        """Return None: a margin takes a spread."""

    def interval(self, level: float) -> None:
        """Return None: an interval takes a spread."""


def within(largest: float, interval: Interval) -> Interval:
    """Return the part of an interval between the largest differences there can be.

    Cutting off what cannot be takes no truth away: the coverage stays the same.
    """
    return max(interval[0], -largest), min(interval[1], largest)
