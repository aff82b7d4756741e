"""A mean difference that a judge shrinks to J of it, judged as the judge's own difference is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import copysign, sqrt
from statistics import NormalDist

from promptlab.analysis.inference import Inference
from promptlab.stats.intervals import Interval

_BISECTIONS = 50
_LEAST_P = 1e-300  # below it there is no quantile


@dataclass(frozen=True, slots=True)
class Enlarged:
    """A judge's difference `raw`, divided by J, whose variance is `of_j`.

    That the true difference is `null` says that the judge's is J·null, so whatever guards the
    judge's tests guards these. They allow for the error of J, as Fieller does: with the judge's
    difference d, the normal quantile z of its test, and e = d - J·null, the quantile of this one
    is e/√((e/z)² + null²·V(J)). Against 0 no J matters. `delta` is d/J; no difference is larger
    than `largest`.
    """

    raw: Inference
    delta: float
    se: float
    j: float
    of_j: float
    method: str
    largest: float

    @property
    def df(self) -> float | None:
        """Return the degrees of freedom of the judge's own test."""
        return self.raw.df

    @property
    def imagined(self) -> float:
        """Return by how much two imagined units differ for the judge."""
        return self.raw.imagined

    @property
    def lopsided(self) -> float:
        """Return how lopsided the judge's differences are."""
        return self.raw.lopsided

    def two_sided(self) -> float | None:
        """Return the p-value of the judge's own test: both differences are 0, or neither is."""
        return self.raw.two_sided()

    def at_least(self, null: float) -> float | None:
        """Return the one-sided p-value that the true difference exceeds `null`."""
        return self._widened(self.raw.at_least(null * self.j), null)

    def at_most(self, null: float) -> float | None:
        """Return the one-sided p-value that the true difference is below `null`."""
        return self._widened(self.raw.at_most(null * self.j), null)

    def interval(self, level: float) -> Interval | None:
        """Return all differences that neither one-sided test rejects at half of the level."""
        alpha = (1 - level) / 2
        low = self._bound(self.at_least, -self.largest, alpha)
        high = self._bound(self.at_most, self.largest, alpha)
        if low is None or high is None:
            return None
        return min(low, self.largest), max(high, -self.largest)

    def _widened(self, p: float | None, null: float) -> float | None:
        e = (self.delta - null) * self.j
        if p is None or not e or not null:
            return p
        z = NormalDist().inv_cdf(1 - p) if p > 0.5 else -NormalDist().inv_cdf(max(p, _LEAST_P))
        if not z:
            return p
        less = 1 / sqrt(1 / z**2 + null**2 * self.of_j / e**2)
        return NormalDist().cdf(-copysign(less, z))

    def _bound(
        self, test: Callable[[float], float | None], end: float, alpha: float
    ) -> float | None:
        """Return the difference between the end and the estimate whose p-value is `alpha`."""
        outside, inside = end, self.delta
        p = test(outside)
        if p is None:
            return None
        if p >= alpha:
            return end
        for _ in range(_BISECTIONS):
            middle = (outside + inside) / 2
            p = test(middle)
            if p is not None and p < alpha:
                outside = middle
            else:
                inside = middle
        return outside
