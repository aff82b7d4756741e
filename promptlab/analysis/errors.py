"""How a judge errs: its word held against that of people, answer by answer.

Values in, values out: it knows nothing of runs, and asks nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, hypot, sqrt

import numpy as np

from promptlab.core.lazy import lazy_module
from promptlab.core.passport import ArmErrors, Kind, Measure, Share, Unevenness
from promptlab.stats.agreement import cohen_kappa, honest, krippendorff_alpha
from promptlab.stats.intervals import wilson
from promptlab.stats.paired import paired_t
from promptlab.stats.permuted import permutation_p

scipy = lazy_module("scipy")  # only `scipy.special`: `scipy.stats` takes a second to load

ALIKE = 0.1  # shares of two arms that differ by less, surely, count as equal
_HALF = 0.5
_DRAWS = 9_999  # of a permutation test, at least
_PER_LEVEL = 10  # of them as many beyond the level, if there is nothing to be found


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge says of one answer, and what people say of it, by rater."""

    arm: str
    ratings: Mapping[str, float]
    judged: float

    @property
    def people(self) -> float:
        """Return the mean of what people say."""
        return sum(self.ratings.values()) / len(self.ratings)

    @property
    def verdict(self) -> bool | None:
        """Return what most people say of a pass or a failure, None where they are split."""
        return None if self.people == _HALF else self.people > _HALF


def kind_of(judgements: Sequence[Judgement]) -> Kind:
    """Return whether people and judge pass and fail answers, or give them numbers."""
    values = {value for one in judgements for value in (one.judged, *one.ratings.values())}
    return "verdicts" if values <= {0.0, 1.0} else "numbers"


def agreement_of(judgements: Sequence[Judgement], kind: Kind) -> Measure:
    """Return kappa of judge and people for verdicts, alpha for numbers."""
    if kind == "verdicts":
        counts = np.zeros((2, 2))
        for one in judgements:
            if one.verdict is not None:
                counts[int(one.verdict), int(one.judged)] += 1
        n = int(counts.sum())
        kappa = honest(cohen_kappa(counts), n)
        return Measure("kappa", kappa.value, kappa.ci, n)
    table = np.array([[one.people, one.judged] for one in judgements]).T
    alpha = honest(krippendorff_alpha(table, "interval"), len(judgements))
    return Measure("alpha", alpha.value, alpha.ci, len(judgements))


def ceiling_of(judgements: Sequence[Judgement], kind: Kind) -> Measure | None:
    """Return how far people agree with one another, None where no answer has two of them."""
    raters = sorted({rater for one in judgements for rater in one.ratings})
    shared = [one for one in judgements if len(one.ratings) >= 2]
    if not shared:
        return None
    table = np.array([[one.ratings.get(rater, np.nan) for one in shared] for rater in raters])
    alpha = krippendorff_alpha(table, "nominal" if kind == "verdicts" else "interval")
    alpha = honest(alpha, len(shared))
    return Measure("alpha", alpha.value, alpha.ci, len(shared))


def sensitivity_of(judgements: Sequence[Judgement]) -> Share:
    """Return how often the judge passes what people pass."""
    return _share([one.judged == 1 for one in judgements if one.verdict is True])


def specificity_of(judgements: Sequence[Judgement]) -> Share:
    """Return how often the judge fails what people fail."""
    return _share([one.judged == 0 for one in judgements if one.verdict is False])


def _share(hits: Sequence[bool]) -> Share:
    return Share(sum(hits), len(hits), wilson(sum(hits), len(hits)))


def accuracy_of(judgements: Sequence[Judgement]) -> tuple[float | None, float | None]:
    """Return how often the judge is right, and how often one would be who always says the same."""
    known = [one for one in judgements if one.verdict is not None]
    if not known:
        return None, None
    passes = sum(one.verdict is True for one in known) / len(known)
    right = sum(one.verdict == (one.judged == 1) for one in known) / len(known)
    return right, max(passes, 1 - passes)


def by_arm(judgements: Sequence[Judgement], kind: Kind) -> tuple[ArmErrors, ...]:
    """Return how the judge errs on each arm."""
    arms = _arms(judgements)
    return tuple(_errors(arm, members, kind) for arm, members in arms.items())


def _arms(judgements: Sequence[Judgement]) -> dict[str, list[Judgement]]:
    arms: defaultdict[str, list[Judgement]] = defaultdict(list)
    for one in judgements:
        arms[one.arm].append(one)
    return dict(arms)


def _errors(arm: str, members: Sequence[Judgement], kind: Kind) -> ArmErrors:
    bias = paired_t([one.judged - one.people for one in members])
    ci = None if bias.low is None or bias.high is None else (bias.low, bias.high)
    if kind == "numbers":
        return ArmErrors(arm, len(members), bias.mean, ci)
    shares = sensitivity_of(members), specificity_of(members)
    return ArmErrors(arm, len(members), bias.mean, ci, *shares)


def uneven(judgements: Sequence[Judgement], alpha: float = 0.05) -> tuple[Unevenness, ...]:
    """Return the pairs of arms between which the judge's bias differs for sure.

    At `alpha` for all pairs together (Bonferroni). Where two biases have opposite signs, the judge
    turns differences around.
    """
    arms = {
        name: np.array([one.judged - one.people for one in members])
        for name, members in _arms(judgements).items()
        if len(members) >= 2
    }
    pairs = list(combinations(arms, 2))
    draws = max(_DRAWS, ceil(_PER_LEVEL * len(pairs) / alpha))
    return tuple(
        one
        for a, b in pairs
        if (one := _uneven(a, arms[a], b, arms[b], draws)).p <= alpha / len(pairs)
    )


def _uneven(a: str, first: np.ndarray, b: str, second: np.ndarray, draws: int) -> Unevenness:
    """Return how two biases differ, with the larger of two p-values.

    That of the permutation test holds with few labels, also where an arm shows no spread, but takes
    both arms to err alike; Welch's holds where they spread unlike, with labels enough.
    """
    means = float(first.mean()), float(second.mean())
    difference = means[1] - means[0]
    p = max(permutation_p(first, second, draws), _welch(first, second))
    return Unevenness(a, b, difference, p, means[0] * means[1] < 0)


def _welch(first: np.ndarray, second: np.ndarray) -> float:
    """Return the p-value of B. L. Welch, Biometrika 34 (1947), 28-35; 0 where nothing varies."""
    parts = [float(each.var(ddof=1)) / each.size for each in (first, second)]
    variance, sizes = sum(parts), (first.size, second.size)
    if not variance:
        return 0.0
    df = variance**2 / sum(part**2 / (n - 1) for part, n in zip(parts, sizes, strict=True))
    difference = float(second.mean() - first.mean())
    return 2 * float(scipy.special.stdtr(df, -abs(difference) / sqrt(variance)))


def shown_equal(arms: Sequence[ArmErrors]) -> bool:
    """Return whether sensitivity and specificity of all arms are shown to be equal.

    The 95 % interval of each difference (R. G. Newcombe's method 10, Stat. Med. 17 (1998), 873-890)
    must lie within ±0.1.
    """
    if len(arms) < 2:
        return False
    intervals = [
        interval
        for a, b in combinations(arms, 2)
        for interval in (
            _difference(a.sensitivity, b.sensitivity),
            _difference(a.specificity, b.specificity),
        )
    ]
    return all(each is not None and max(map(abs, each)) < ALIKE for each in intervals)


def _difference(a: Share | None, b: Share | None) -> tuple[float, float] | None:
    if a is None or b is None or a.ci is None or b.ci is None:
        return None
    first, second = a.right / a.n, b.right / b.n
    delta = second - first
    low = delta - hypot(second - b.ci[0], a.ci[1] - first)
    return low, delta + hypot(b.ci[1] - second, first - a.ci[0])


def raters_of(judgements: Sequence[Judgement]) -> Iterator[str]:
    """Yield the people whose labels count, each once."""
    yield from dict.fromkeys(rater for one in judgements for rater in one.ratings)
