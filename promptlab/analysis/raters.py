"""How far people agree who rated the same outputs or pairs, and how each of them leans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from promptlab.core.ratings import OF_OUTPUTS, OF_PAIRS, Kind, Rating, Verdict
from promptlab.stats.agreement import Agreement, cohen_kappa, honest, krippendorff_alpha
from promptlab.stats.intervals import Interval, wilson

_Said = Mapping[frozenset[int], float]


@dataclass(frozen=True, slots=True)
class RaterCount:
    """How often a rater said what. Of pairs, left and right are the sides on which they stood."""

    rater: str
    verdicts: Mapping[Verdict, int]

    @property
    def rated(self) -> int:
        """Return how many verdicts there are."""
        return sum(self.verdicts.values())


@dataclass(frozen=True, slots=True)
class RaterPair:
    """Two raters: on how many they both decided, how often in the same way, and Cohen's kappa."""

    a: str
    b: str
    n: int
    same: int
    kappa: Agreement

    @property
    def share(self) -> Interval | None:
        """Return Wilson's interval of the share on which they say the same."""
        return wilson(self.same, self.n)


@dataclass(frozen=True, slots=True)
class RatersAgreement:
    """How far all raters of one kind agree, by Krippendorff's alpha for names.

    `units` counts the outputs or pairs that two or more decided on: the others say nothing of
    agreement. An interval is None where there are fewer than `FEWEST`, and where it has no width:
    those who always agree may yet differ.
    """

    kind: Kind
    raters: tuple[RaterCount, ...]
    units: int
    alpha: Agreement
    pairs: tuple[RaterPair, ...]


def agreement_among(ratings: Iterable[Rating], kind: Kind) -> RatersAgreement:
    """Compare raters by the verdicts that count. Notes alone are none."""
    decided = _once(each for each in ratings if each.kind == kind and each.opinion.verdict)
    by_rater: dict[str, list[Rating]] = {}
    for rating in decided:
        by_rater.setdefault(rating.rater, []).append(rating)
    said = {rater: _said(own) for rater, own in by_rater.items()}
    times = Counter(item for items in said.values() for item in items)
    units = [item for item, number in times.items() if number > 1]
    return RatersAgreement(
        kind=kind,
        raters=tuple(RaterCount(rater, _counted(own, kind)) for rater, own in by_rater.items()),
        units=len(units),
        alpha=_alpha(list(said.values()), units),
        pairs=tuple(_pair((a, said[a]), (b, said[b]), kind) for a, b in combinations(said, 2)),
    )


def _once(ratings: Iterable[Rating]) -> list[Rating]:
    """Leave out what was said in one step of outputs that are the same: it is one judgement."""
    steps: dict[tuple[str, str], Rating] = {}
    for rating in ratings:
        step = rating.rater, rating.at
        known = steps.get(step)
        if known is None or min(rating.item) < min(known.item):
            steps[step] = rating
    return list(steps.values())


def _counted(ratings: Sequence[Rating], kind: Kind) -> Mapping[Verdict, int]:
    counts = Counter(rating.opinion.verdict for rating in ratings)
    return {verdict: counts[verdict] for verdict in _scores(kind)}


def _said(ratings: Sequence[Rating]) -> _Said:
    """Return what each verdict scores for the first of its trials, on whichever side it stood."""
    scores = {rating.item: rating.score_of(min(rating.item)) for rating in ratings}
    return {item: score for item, score in scores.items() if score is not None}


def _alpha(said: Sequence[_Said], units: Sequence[frozenset[int]]) -> Agreement:
    if not units:
        return Agreement(None, None)
    table = [[own.get(unit, np.nan) for unit in units] for own in said]
    return honest(krippendorff_alpha(table, "nominal"), len(units))


def _pair(a: tuple[str, _Said], b: tuple[str, _Said], kind: Kind) -> RaterPair:
    values = sorted(set(_scores(kind).values()))
    counts = np.zeros((len(values), len(values)))
    for item, score in a[1].items():
        if item in b[1]:
            counts[values.index(score), values.index(b[1][item])] += 1
    n, same = int(counts.sum()), int(np.trace(counts))
    return RaterPair(a[0], b[0], n, same, honest(cohen_kappa(counts), n))


def _scores(kind: Kind) -> Mapping[Verdict, float]:
    return OF_OUTPUTS if kind == "outputs" else OF_PAIRS
