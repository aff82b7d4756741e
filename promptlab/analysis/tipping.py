"""Answers that may have been right: how many of them, had they been, would end a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isclose
from typing import Literal

import numpy as np

from promptlab.analysis.inference import Floats, Inference, Ints, Scale, infer, without_rounding
from promptlab.analysis.measurements import Measurements
from promptlab.analysis.sides import Named, Side, Where, named
from promptlab.core.decision import Rule, Verdict
from promptlab.stats.decomposition import tipping_point

Kind = Literal["cut off", "refused"]


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A side's answers of one kind that score nothing: places of their cases, one for each answer.

    `worth` is what each would add to its side's score of the case, had it been right.
    """

    kind: Kind
    of_b: bool
    side: Named
    case: Ints
    worth: Floats


@dataclass(frozen=True, slots=True)
class TippingPoint:
    """A verdict ends if `ends_at` of so many answers had been right.

    These are the `answers` of the side that lost, of that kind, on cases that the other side won.
    """

    kind: Kind
    side: Named
    answers: int
    ends_at: int


def doubtful(table: Measurements, a: Side, b: Side, shared: Where) -> tuple[Doubtful, ...]:
    """Return the answers of both sides that may have been right; places are among shared cases."""
    return tuple(
        Doubtful(kind, of_b, named(table, side), *_worth(side, shared, name))
        for of_b, side in ((False, a), (True, b))
        for kind, name in _KINDS
        if any(getattr(arm.cells.became, name)[shared].any() for arm in side)
    )


_KINDS: tuple[tuple[Kind, str], ...] = (("cut off", "cut_wrong"), ("refused", "refused_wrong"))


def _worth(side: Side, shared: Where, name: str) -> tuple[Ints, Floats]:
    backends = Counter(arm.arm.backend for arm in side)
    cases, worths = [], []
    for arm in side:
        counts = getattr(arm.cells.became, name)[shared]
        places = np.repeat(np.arange(counts.size), counts)
        weight = 1 / (len(backends) * backends[arm.arm.backend])
        cases.append(places)
        worths.append(weight / arm.cells.trials[shared][places])
    return np.concatenate(cases), np.concatenate(worths)


@dataclass(frozen=True, slots=True)
class Basis:
    """What a contrast rests on: one difference per case, and how these are judged."""

    d: Floats
    groups: Ints
    scale: Scale
    seed: int

    def judged(self, d: Floats, rule: Rule) -> Inference:
        """Return how these differences would be judged."""
        return infer(d, self.groups, self.scale, strict=rule.strict, seed=self.seed)


@dataclass(frozen=True, slots=True)
class Ruled:
    """How a contrast was decided: its verdict, its inference and the level of its family.

    `size` is that of the family, `corrected` by how much it multiplied the p-value.
    """

    verdict: Verdict
    inference: Inference | None
    alpha: float
    size: int
    corrected: float


def tipping_points(
    basis: Basis, answers: Sequence[Doubtful], ruled: Ruled, rule: Rule
) -> Iterator[TippingPoint]:
    """Yield for each kind of answer how many of them end a verdict, if they can.

    Only those on cases that the other side won are asked for. Nothing is said where the verdict
    does not rest on the differences alone, as where a run stopped early.
    """
    if ruled.verdict not in ("better", "worse") or not _is_same(basis, ruled.inference, rule):
        return
    sign, level = 1 if ruled.verdict == "better" else -1, ruled.alpha / ruled.corrected
    for each in answers:
        if each.of_b == (sign > 0):  # the side that won
            continue
        won = basis.d[each.case] * sign > 0
        order = np.argsort(-each.worth[won], kind="stable")
        case, worth = each.case[won][order], each.worth[won][order]

        def holds(right: int, case: Ints = case, worth: Floats = worth) -> bool:
            less = np.bincount(case[:right], weights=worth[:right], minlength=basis.d.size)
            d = without_rounding(basis.d - sign * less)
            p = _claim(basis.judged(d, rule), sign, rule)
            return float(d.mean()) * sign > 0 and p is not None and p <= level

        ends_at = tipping_point(case.size, holds)
        if ends_at is not None:
            yield TippingPoint(each.kind, each.side, int(case.size), ends_at)


def _claim(judged: Inference, sign: int, rule: Rule) -> float | None:
    """Return the p-value of the claim, as the family has it."""
    if not rule.min_effect:
        return judged.two_sided()
    one = judged.at_least(rule.min_effect) if sign > 0 else judged.at_most(-rule.min_effect)
    return None if one is None else min(1.0, 2 * one)


def _is_same(basis: Basis, before: Inference | None, rule: Rule) -> bool:
    """Return whether a contrast was judged by its differences alone."""
    if before is None:
        return False
    p, known = basis.judged(basis.d, rule).two_sided(), before.two_sided()
    return p is not None and known is not None and isclose(p, known, rel_tol=1e-9)
