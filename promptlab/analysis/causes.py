"""Where a difference comes from: what became of the answers, and what the answered ones score.

Values only; `cause_notes` says them in words. A side is any number of arms, weighted as their
scores are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from promptlab.analysis.inference import Floats, Ints, Scale, infer
from promptlab.analysis.measurements import JoinedArm, Measurements
from promptlab.analysis.readings import (
    ConstantAnswer,
    Majority,
    constants_of,
    found_of,
    majority_of,
)
from promptlab.analysis.sides import Side, Where, mean_over
from promptlab.analysis.tipping import Basis, Doubtful, TippingPoint, doubtful
from promptlab.core.decision import Rule
from promptlab.stats.decomposition import GradedSide, decompose
from promptlab.stats.intervals import Interval
from promptlab.stats.paired import Estimate

ENOUGH_GRADED = 20  # on each side: with fewer, the intervals of the parts are too narrow
_TWICE = Scale(largest=2.0)  # of differences of differences


@dataclass(frozen=True, slots=True)
class Shares:
    """What became of a side's trials: shares of them, and the score of those that were graded.

    `ungradable` are answers that hold nothing to grade. `gradable` is None where scores have no
    bounds, and `right` where nothing was gradable. `found` counts the answers that a scorer tells
    apart, the most frequent first, and `majority` is what their right answers are most often.
    """

    trials: int
    errors: float
    refused: float
    filtered: float
    empty: float
    cut_off: float
    ungradable: float
    gradable: float | None
    right: float | None
    found: Mapping[str, int]
    majority: Majority | None


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a difference, with its interval if there is one."""

    delta: float
    se: float | None
    ci: Interval | None


@dataclass(frozen=True, slots=True)
class Otherwise:
    """The difference by another scorer, with the p-value of differing from that by this one."""

    scorer: str
    delta: float
    p: float


@dataclass(frozen=True, slots=True)
class Causes:
    """What a difference consists of, b - a.

    `form` comes from answers that can be graded at all, `content` from better ones; both None where
    every answer can be graded. Of so many other `scorers`, `otherwise` are those by which the
    difference has the other sign. `tipping` says how many answers that were cut off or refused end
    the verdict, had they been right; it is found from `basis` and `doubtful` once there is one.
    """

    a: Shares
    b: Shares
    form: Part | None
    content: Part | None
    constants: tuple[ConstantAnswer, ...]
    otherwise: tuple[Otherwise, ...]
    scorers: int
    basis: Basis
    doubtful: tuple[Doubtful, ...]
    tipping: tuple[TippingPoint, ...] = ()


def causes_of(
    table: Measurements, sides: tuple[Side, Side], shared: Where, basis: Basis, rule: Rule
) -> Causes:
    """Return what the difference of two sides on the shared cases consists of.

    Parts, tipping points, and what other answers or scorers make of it are of means of bounded
    scores: where scores are others, or repeats are reduced to something else, they are not known.
    """
    adds_up = table.bounded and table.reduced is None and bool(shared.any())
    graded = [_graded(side, shared) if adds_up else None for side in sides]
    form, content = _parts(graded[0], graded[1], basis.groups, rule.level)
    a, b = (_shares(table, *both, shared) for both in zip(sides, graded, strict=True))
    return Causes(
        a=a,
        b=b,
        form=form,
        content=content,
        constants=() if table.reduced else tuple(constants_of(table, sides, shared, rule)),
        otherwise=tuple(_otherwise(table, sides, shared, basis.groups)),
        scorers=len(table.arms[0].others),
        basis=basis,
        doubtful=doubtful(table, *sides, shared) if adds_up else (),
    )


def _graded(side: Side, shared: Where) -> GradedSide:
    return GradedSide(
        mean_over(side, shared, lambda arm: arm.cells.became.gradable),
        mean_over(side, shared, lambda arm: arm.cells.became.earned),
    )


def _parts(
    a: GradedSide | None, b: GradedSide | None, groups: Ints, level: float
) -> tuple[Part | None, Part | None]:
    if a is None or b is None or a.share == b.share == 1:
        return None, None
    parts = decompose(a, b, groups, level)
    enough = min(float(side.gradable.sum()) for side in (a, b)) >= ENOUGH_GRADED
    if parts.content is None:  # then the form is all of the difference, which is judged as such
        return _part(parts.form, shown=False), None
    return _part(parts.form, shown=enough), _part(parts.content, shown=enough)


def _part(estimate: Estimate, *, shown: bool) -> Part:
    known = shown and estimate.low is not None and estimate.high is not None
    ci = (estimate.low or 0.0, estimate.high or 0.0) if known else None
    return Part(estimate.mean, estimate.se if shown else None, ci)


def _shares(table: Measurements, side: Side, graded: GradedSide | None, shared: Where) -> Shares:
    trials = sum(int(arm.cells.trials[shared].sum()) for arm in side)
    became = [arm.cells.became for arm in side]

    def share(counts: Sequence[Ints]) -> float:
        return sum(int(each[shared].sum()) for each in counts) / trials if trials else 0.0

    return Shares(
        trials=trials,
        errors=share([each.errors for each in became]),
        refused=share([each.refused for each in became]),
        filtered=share([each.filtered for each in became]),
        empty=share([each.empty for each in became]),
        cut_off=share([arm.cells.truncated for arm in side]),
        ungradable=share([each.ungradable for each in became]),
        gradable=None if graded is None else graded.share,
        right=None if graded is None else graded.right,
        found=found_of(table, side, shared),
        majority=majority_of(table, side, shared),
    )


def _otherwise(
    table: Measurements, sides: tuple[Side, Side], shared: Where, groups: Ints
) -> Iterator[Otherwise]:
    """Yield the scorers by which the difference has the other sign, with how sure that is."""
    if not table.bounded or not shared.any() or table.reduced is not None:
        return  # the scores of other scorers are means: another reducer is another quantity
    a, b = sides
    d = _difference(a, b, shared, lambda arm: arm.cells.score)
    for scorer in table.arms[0].others:
        if not all(_is_share(arm.others.get(scorer)) for arm in (*a, *b)):
            continue
        other = _difference(a, b, shared, partial(_by, scorer))
        known = ~np.isnan(other)
        if known.sum() < 2 or float(d[known].mean()) * float(other[known].mean()) >= 0:
            continue
        p = infer((d - other)[known], groups[known], _TWICE, seed=None).two_sided()
        if p is not None:
            yield Otherwise(scorer, float(other[known].mean()), p)


def _difference(a: Side, b: Side, shared: Where, read: Callable[[JoinedArm], Floats]) -> Floats:
    return mean_over(b, shared, read) - mean_over(a, shared, read)


def _by(scorer: str, arm: JoinedArm) -> Floats:
    return arm.others[scorer]


def _is_share(scores: Floats | None) -> bool:
    """Return whether a scorer's scores are shares: of other numbers, more may be worse."""
    if scores is None:
        return False
    known = scores[~np.isnan(scores)]
    return bool(known.size and np.all((known >= 0) & (known <= 1)))
