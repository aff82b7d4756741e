"""How many wordings a practice takes, from how far those of a pilot lie apart.

With k wordings a side over n cases, the effect of a practice has the variance

    V = (case + sum of rest/k)/n + sum of unit/k

where `case` is what its effect varies over cases, and of each side's table of wordings by cases
`rest` is the mean square within and `unit` the variance between wordings; see `stats.wordings`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

from promptlab.analysis.claims import WORDINGS
from promptlab.analysis.planning import POWER, Aim, Source, sources
from promptlab.stats.power import minimum_detectable_effect, sd_upper
from promptlab.stats.variance import VarianceSplit
from promptlab.stats.wordings import Spread, Uncertainty, with_wordings

_MOST = 1000  # wordings a side: who needs more cannot have them


@dataclass(frozen=True, slots=True)
class Texts:
    """The wordings of a practice in a pilot: a spread for each side, or one for `paired` texts.

    `number` counts them on the side that has fewer. `case` is the variance of the effect between
    cases, for means over all wordings and `repeats`; `noise` is the part of it that one repeat has
    more than infinitely many, None where every trial was run once.
    """

    spreads: tuple[Spread, ...]
    number: int
    case: float
    paired: bool
    repeats: int = 1
    noise: float | None = None

    @property
    def units(self) -> float:
        """Return the variance between wordings of one, added up over both sides."""
        return sum(_unit(each) for each in self.spreads)

    @property
    def variance(self) -> float:
        """Return what the choice of these wordings adds to the variance of the effect."""
        return sum(each.variance for each in self.spreads)

    @property
    def share(self) -> float:
        """Return the share of the wordings in the variance of the effect, as it was measured."""
        cases = self.case / self.spreads[0].cases
        whole = cases + self.variance
        return self.variance / whole if whole else 0.0

    @property
    def likely(self) -> float:
        """Return the standard deviation of wordings, of one side."""
        return sqrt(self.units / len(self.spreads))

    @property
    def upper(self) -> float:
        """Return its upper 80 % limit."""
        return sqrt(sum(_unit(each) for each in self._widened) / len(self.spreads))

    @property
    def _widened(self) -> tuple[Spread, ...]:
        """Return the spreads with their mean squares of wordings at their upper 80 % limit.

        The sum over both sides is what counts: it has Satterthwaite's degrees of freedom.
        """
        terms = [(each.share * each.between / each.cases, each.df) for each in self.spreads]
        squares = sum(term**2 / df for term, df in terms)
        if not squares:
            return self.spreads
        df = max(1.0, sum(term for term, _ in terms) ** 2 / squares)
        factor = (sd_upper(1.0, round(df) + 1) or 1.0) ** 2
        return tuple(_with(each, between=each.between * factor) for each in self.spreads)

    def shown_by(self, number: int, cases: int, aim: Aim, *, upper: bool = False) -> float:
        """Return the difference that so many wordings on so many cases show with a power of 80 %.

        By the upper limit of how far wordings lie apart, or by what is likely.
        """
        spreads = self._widened if upper else self.spreads
        within = sum(each.rest * each.share for each in self.spreads)
        alone = max(0.0, self.case - within) + sum(each.rest / number for each in self.spreads)
        planned = [
            Spread(
                between=each.rest + cases * _unit(each),
                rest=each.rest,
                df=number - 1,
                share=1 / number,
                cases=cases,
            )
            for each in spreads
        ]
        sure = with_wordings(Uncertainty(alone / cases, cases - 1), planned, number - 1)
        return minimum_detectable_effect(
            sqrt(sure.variance), aim.alpha, POWER, df=sure.df, margin=aim.margin
        )


def wordings_to_show(texts: Texts, cases: int, aim: Aim) -> int | None:
    """Return how many wordings a side show the effect on so many cases with a power of 80 %.

    At least three: with fewer there is no verdict on the practice. None if no number of them does.
    """
    if cases < 2 or aim.effect <= aim.margin:
        return None
    return _least(lambda number: texts.shown_by(number, cases, aim, upper=True) <= aim.effect)


def sources_of(texts: Texts) -> tuple[Source, ...]:
    """Return where the variance comes from; repeats are left out where nothing is known of them."""
    wordings = texts.variance * texts.spreads[0].cases
    noise = texts.noise or 0.0
    split = VarianceSplit(
        texts.spreads[0].cases, max(0.0, texts.case - noise / texts.repeats), noise, 0.0
    )
    every = sources(split, texts.repeats, wordings)
    return tuple(one for one in every if one.name != "repeats" or texts.noise is not None)


def _least(enough: Callable[[int], bool]) -> int | None:
    if not enough(_MOST):
        return None
    low, high = WORDINGS - 1, _MOST  # the first is too few, or one less than the least
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _unit(spread: Spread) -> float:
    return max(0.0, spread.between - spread.rest) / spread.cases


def _with(spread: Spread, between: float) -> Spread:
    return Spread(between, spread.rest, spread.df, spread.share, spread.cases)
