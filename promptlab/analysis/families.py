"""What a family of contrasts shows, all together: each one's claim, its p-value and its interval.

A verdict needs the p-value of that very claim, corrected by Holm's method for the size of the
family. The interval holds for the whole family, and never says otherwise than the verdict. It knows
nothing of runs and arms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from promptlab.analysis.inference import Inference
from promptlab.core.decision import Verdict
from promptlab.stats.intervals import Interval
from promptlab.stats.multiplicity import holm

Null = Literal["different", "better", "worse", "equivalent"]
"""The claim that a p-value is of: without a margin, that there is a difference."""


@dataclass(frozen=True, slots=True)
class Family:
    """The comparisons that one question asks for together, and how many they are."""

    question: str
    size: int


@dataclass(frozen=True, slots=True)
class Member:
    """One contrast of a family: its difference, how it is judged, and at which level.

    One that is `refused` bears no verdict, and still counts. `directed` is False where too few
    cases differ to show a direction: only equivalence can be claimed. One that is left `open` is
    undecided, whatever its p-value.
    """

    delta: float | None
    inference: Inference | None
    alpha: float
    refused: bool = False
    directed: bool = True
    open: bool = False


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a member shows: the claim that is nearest to hold, its p-value, and the verdict.

    `p_family` is corrected for the family; `ci` holds for all members at once.
    """

    verdict: Verdict
    null: Null | None = None
    p: float | None = None
    p_family: float | None = None
    ci: Interval | None = None


def rulings(members: Sequence[Member], margin: float, size: int) -> list[Ruling]:
    """Return what each member of a family of this size shows.

    Better needs a difference above `margin`, worse one below -margin, equivalent one between. The
    intervals have the level 1 - alpha/size: O. J. Dunn, J. Am. Stat. Assoc. 56 (1961), 52-64. Where
    Holm's method decides what they leave open, they end at the margin; where a test is stricter
    than its interval, they are stretched to it.
    """
    claims = [_claim(member, margin) for member in members]
    p_values = [1.0 if p is None else p for _, p in claims]
    p_values += [1.0] * (size - len(members))
    corrected = holm(np.array(p_values)) if size > 1 else p_values
    return [
        _ruling(member, claim, min(1.0, float(p_family)), margin, size)
        for member, claim, p_family in zip(members, claims, corrected, strict=False)
    ]


def _claim(member: Member, margin: float) -> tuple[Null | None, float | None]:
    """Return the claim with the smallest p-value, and that p-value for a two-sided test."""
    judged = member.inference
    if member.refused or judged is None or (not member.directed and not margin):
        return None, None
    if not margin:
        return "different", judged.two_sided()
    one_sided: dict[Null, float | None] = {}
    if member.directed:
        one_sided["better"] = judged.at_least(margin)
        one_sided["worse"] = judged.at_most(-margin)
    above, below = judged.at_least(-margin), judged.at_most(margin)
    one_sided["equivalent"] = None if above is None or below is None else max(above, below)
    known = {claim: p for claim, p in one_sided.items() if p is not None}
    if not known:
        return None, None
    best = min(known, key=lambda claim: known[claim])
    return best, min(1.0, 2 * known[best])


def _ruling(
    member: Member,
    claim: tuple[Null | None, float | None],
    p_family: float,
    margin: float,
    size: int,
) -> Ruling:
    null, p = claim
    if member.refused or member.inference is None:
        return Ruling("refused" if member.refused else "undecided")
    interval = member.inference.interval(1 - member.alpha / size)
    if p is None:
        verdict: Verdict = "undecided" if member.directed else "refused"
        ci = None if interval is None or not member.directed else interval
        return Ruling(verdict, ci=ci if ci is None else agreed(ci, verdict, margin))
    verdict = "undecided"
    if p_family <= member.alpha and interval is not None and not member.open:
        verdict = _shown(null, member.delta)
    if verdict != "equivalent" and not member.directed:
        return Ruling("refused")
    ci = None if interval is None else agreed(interval, verdict, margin)
    return Ruling(verdict, null, p, p_family, ci)


def _shown(null: Null | None, delta: float | None) -> Verdict:
    if null is not None and null != "different":
        return null
    return "undecided" if not delta else "better" if delta > 0 else "worse"


def agreed(interval: Interval, verdict: Verdict, margin: float) -> Interval:
    """Cut an interval at the margin of its verdict, or stretch it to one that is still open."""
    low, high = interval
    if verdict == "better":
        return max(low, margin), high
    if verdict == "worse":
        return low, min(high, -margin)
    if verdict == "equivalent":
        return max(low, -margin), min(high, margin)
    low, high = min(low, margin), max(high, -margin)
    if -margin < low and high < margin:  # the nearer side
        return (-margin, high) if low + margin < margin - high else (low, margin)
    return low, high
