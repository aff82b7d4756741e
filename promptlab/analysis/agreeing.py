"""A mean that is judged in more than one way, all of which must agree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from promptlab.analysis.inference import Inference
from promptlab.analysis.methods import MeanByT, within
from promptlab.stats.intervals import Interval
from promptlab.stats.lopsided import CubicT


@dataclass(frozen=True, slots=True)
class Agreeing:
    """Several ways to judge one mean: the largest p-value counts, the interval holds all of theirs.

    `se` and `df` are those of the widest. No difference is larger than `largest`.
    """

    parts: tuple[Inference, ...]
    method: str
    se: float
    df: float
    largest: float

    @property
    def imagined(self) -> float:
        """Return by how much two imagined units differ, 0 where none were added."""
        return max(part.imagined for part in self.parts)

    @property
    def lopsided(self) -> float:
        """Return |g1|/√n where one of them allows for it, otherwise 0."""
        return max(part.lopsided for part in self.parts)

    def two_sided(self) -> float | None:
        """Return the largest p-value against 0, None where none is known."""
        return _largest(part.two_sided() for part in self.parts)

    def at_least(self, null: float) -> float | None:
        """Return the largest one-sided p-value that the mean exceeds `null`."""
        return _largest(part.at_least(null) for part in self.parts)

    def at_most(self, null: float) -> float | None:
        """Return the largest one-sided p-value that the mean is below `null`."""
        return _largest(part.at_most(null) for part in self.parts)

    def interval(self, level: float) -> Interval | None:
        """Return the hull of all intervals."""
        known = [ci for part in self.parts if (ci := part.interval(level)) is not None]
        if not known:
            return None
        lows, highs = zip(*known, strict=True)
        return within(self.largest, (min(lows), max(highs)))


def by_t(mean: float, se: float, df: float, method: str) -> MeanByT:
    """Judge a mean by Student's t, from its standard error and degrees of freedom."""
    sure = CubicT(mean, se, df)
    return MeanByT(sure, None, None, inf, method, imagined=0.0, lopsided=0.0)


def _largest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
