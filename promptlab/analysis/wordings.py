"""Wordings as a sample beside the cases: how surely a practice does what its texts did.

With three texts on each side or more, the effect is that of texts like these, and what their choice
adds to its error is counted. With fewer it is the effect of these texts alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import inf, sqrt

import numpy as np

from promptlab.analysis.agreeing import Agreeing, by_t
from promptlab.analysis.claims import WORDINGS
from promptlab.analysis.conclude import Effect
from promptlab.analysis.inference import Floats
from promptlab.analysis.showing import Shown, Stratum, Wording
from promptlab.analysis.sides import Where
from promptlab.core.decision import Rule
from promptlab.stats.wordings import Spread, Uncertainty, spread, with_wordings

_CASES = 2  # below that nothing has a spread


@dataclass(frozen=True, slots=True)
class Wordings:
    """The texts behind an effect: `with_it` and `without` count them; on several backends, those
    that all of them ran.

    They are told apart within strata, side by side, or else `between` them: where each stratum has
    one text with the practice and its twin without, these pairs are the sample.
    """

    shown: tuple[Shown, ...]
    with_it: int
    without: int
    strata: int
    between: bool

    @property
    def drawn(self) -> bool:
        """Return whether they are enough to stand for others."""
        few = min(self.with_it, self.without)
        return min(few, self.strata) >= WORDINGS if self.between else few >= WORDINGS

    @property
    def least_df(self) -> int:
        """Return the degrees of freedom that there are at least."""
        few = min(self.with_it, self.without)
        return max(1, self.strata - 1 if self.between else few - self.strata)


def wordings_of(shown: Sequence[Shown]) -> Wordings:
    """Count the texts that show a practice on these backends."""
    with_it, without = (
        _on_all({(text.key,) for each in one.strata for text in side(each)} for one in shown)
        for side in (_with_it, _without)
    )
    strata = _on_all({stratum.key for stratum in one.strata} for one in shown)
    every = [stratum for one in shown for stratum in one.strata]
    several = all(min(len(each.with_it), len(each.without)) > 1 for each in every)
    alone = strata == 1 and len(every) == len(shown)
    paired = all(stratum.paired for stratum in every)
    between = paired or not (alone or several)
    return Wordings(tuple(shown), with_it, without, strata, between)


def over_wordings(
    observed: Effect, where: Where, *, wordings: Wordings, rule: Rule, bounded: bool
) -> Effect:
    """Judge an effect with its texts drawn as well as its cases, if there are enough of them.

    `where` are the cases that it was estimated on; if `bounded`, no difference is larger than 1.
    """
    judged = observed.inference
    if not wordings.drawn or judged is None or judged.se is None or observed.n < _CASES:
        return observed
    assert observed.delta is not None  # there is a standard error
    df = judged.df or observed.n_groups - 1
    cases, spreads = Uncertainty(judged.se**2, df), [*_spreads(wordings, where)]
    sure = with_wordings(cases, spreads, wordings.least_df, pairs=wordings.between)
    texts = by_t(observed.delta, sqrt(sure.variance), sure.df, "wordings")
    over = Agreeing(
        (judged, texts), f"{judged.method}+wordings", texts.se, texts.df, 1.0 if bounded else inf
    )
    return replace(
        observed,
        se=over.se,
        ci=over.interval(rule.level),
        p=over.two_sided(),
        method=over.method,
        inference=over,
    )


def spreads_of(wordings: Wordings, where: Where) -> tuple[Spread, ...] | None:
    """Return how far the texts of each side lie apart, or pairs of them; None for too few."""
    try:
        return tuple(_spreads(wordings, where))
    except ValueError:  # a side has one text
        return None


def share_of_texts(effect: Effect) -> float:
    """Return the share of the texts in the variance of an effect, 0 where they were not drawn."""
    judged = effect.inference
    if not isinstance(judged, Agreeing) or not judged.se:
        return 0.0
    return 1 - (judged.parts[0].se or 0.0) ** 2 / judged.se**2


def _spreads(wordings: Wordings, where: Where) -> Iterator[Spread]:
    if wordings.between:
        rows = _Rows()
        for stratum, share in _strata(wordings):
            sides = (_mean(texts, where) for texts in (stratum.with_it, stratum.without))
            rows.add(stratum.key, share, np.subtract(*sides))
        yield rows.spread(lost=1)
        return
    for side in (_with_it, _without):
        rows = _Rows()
        for stratum, share in _strata(wordings):
            texts = side(stratum)
            middle = _mean(texts, where)
            for text in texts:
                rows.add((text.key,), share / len(texts), _mean([text], where) - middle)
        yield rows.spread(lost=wordings.strata)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of a table, each put together from what a text did on several backends."""

    sums: dict[tuple[str, ...], Floats] = field(default_factory=dict)
    shares: dict[tuple[str, ...], float] = field(default_factory=dict)

    def add(self, key: tuple[str, ...], share: float, values: Floats) -> None:
        """Add a part that has a share of the effect."""
        self.sums[key] = self.sums.get(key, 0.0) + share * values
        self.shares[key] = self.shares.get(key, 0.0) + share

    def spread(self, lost: int) -> Spread:
        """Return how far the rows lie apart."""
        table = [values / self.shares[key] for key, values in self.sums.items()]
        return spread(table, [*self.shares.values()], lost)


def _strata(wordings: Wordings) -> Iterator[tuple[Stratum, float]]:
    """Yield all strata of all backends, each with its share of the effect."""
    for one in wordings.shown:
        for stratum, share in one.shares():
            yield stratum, share / len(wordings.shown)


def _mean(texts: Sequence[Wording], where: Where) -> Floats:
    """Return the score of each case over some texts, which weigh alike."""
    of_texts = [np.mean([arm.cells.score[where] for arm in text.arms], axis=0) for text in texts]
    values: Floats = np.mean(of_texts, axis=0)
    return values


def _on_all(sets: Iterable[set[tuple[str, ...]]]) -> int:
    """Return how many are in all sets."""
    return len(set.intersection(*sets))


def _with_it(stratum: Stratum) -> tuple[Wording, ...]:
    return stratum.with_it


def _without(stratum: Stratum) -> tuple[Wording, ...]:
    return stratum.without
