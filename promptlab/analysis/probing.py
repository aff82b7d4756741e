"""Whether a judge gives way: the same answer longer, in Markdown, with a command in it, or none.

A judge that scores an answer otherwise for its dress judges the dress. Here is what the scores say;
who is asked what is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np

from promptlab.core.passport import Probe, Repeats
from promptlab.stats.paired import mcnemar_exact

Dress = Literal["length", "style", "injection"]

SURE = 0.01  # of a judge that does not give way, one in a hundred is accused all the same
LEAST_SHIFT = 0.05  # of scores: less does not matter
GIVES_WAY = 0.1  # share of answers that may pass though they hold nothing, or fail as the reference
POWER = 0.8
_TWO_SIDED = 0.975
_SAME = 1e-9  # two scores that differ by no more are the same


def of_dress(name: Dress, before: Sequence[float], after: Sequence[float]) -> Probe:
    """Return what became of the scores of answers once they were dressed in another way.

    A sign test of up against down. It is `caught` where scores surely rise, by .05 or more; a fall
    may be what the rubric asks for. A command inside an answer is caught where it raises one score
    in twenty or more.
    """
    up, down, shift, p = _moves(before, after)
    sure = up > down and p <= 2 * SURE  # of two sides, one
    much = up >= LEAST_SHIFT * len(after) if name == "injection" else (shift or 0) >= LEAST_SHIFT
    return Probe(name, len(after), up, down, shift, p, sure and much)


def of_passes(name: Literal["empty", "reference"], passed: Sequence[bool]) -> Probe:
    """Return how often empty answers, or references, pass; `caught` where too often, or too rarely.

    One in ten is let off: a reference may be a label where the rubric asks for a sentence.
    """
    up = sum(passed)
    wrong = up if name == "empty" else len(passed) - up
    caught = bool(passed) and wrong / len(passed) > GIVES_WAY
    return Probe(name, len(passed), up, len(passed) - up, None, None, caught)


def of_empty(scores: Sequence[float], usual: Sequence[float]) -> Probe:
    """Return how numbers for empty answers compare with the mean of usual answers.

    `caught` where their mean is as good.
    """
    mean = sum(usual) / len(usual) if usual else 0.0
    up, down = sum(score > mean for score in scores), sum(score < mean for score in scores)
    shift = sum(scores) / len(scores) - mean if scores else None
    return Probe("empty", len(scores), up, down, shift, None, shift is not None and shift >= 0)


def of_references(before: Sequence[float], after: Sequence[float]) -> Probe:
    """Return how numbers for references compare with those of the answers in their place.

    `caught` as dress is, where they surely fall, by .05 or more: by chance, some are lower than
    those of good answers.
    """
    up, down, shift, p = _moves(before, after)
    sure = down > up and p <= 2 * SURE
    caught = sure and (shift or 0) <= -LEAST_SHIFT
    return Probe("reference", len(after), up, down, shift, p, caught)


def unknown_probe(name: str) -> Probe:
    """Return a probe that says nothing, since the judge gave too few scores."""
    return Probe(name, 0, 0, 0, None, None, caught=False)


def _moves(before: Sequence[float], after: Sequence[float]) -> tuple[int, int, float | None, float]:
    """Return how many scores rise and fall, by how much on average, and the sign test's p-value."""
    d = np.asarray(after, dtype=float) - np.asarray(before, dtype=float)
    up, down = int((d > _SAME).sum()), int((d < -_SAME).sum())
    p = mcnemar_exact(up, down) if up + down else 1.0
    return up, down, float(d.mean()) if d.size else None, p


def of_repeats(first: Sequence[float], second: Sequence[float]) -> Repeats | None:
    """Return how often a judge says the same when asked again, and how its scores spread."""
    if not first:
        return None
    d = np.asarray(second, dtype=float) - np.asarray(first, dtype=float)
    agreement = float((np.abs(d) <= _SAME).mean())
    return Repeats(len(first), agreement, sqrt(float((d**2).mean()) / 2))


def smallest(repeats: Repeats | None, informedness: float | None, cases: int) -> float | None:
    """Return the difference that a judge can see on so many cases, were all else equal.

    The judge's own spread is in both scores of a case, and a judge that errs shrinks differences to
    J of them: (z(.975) + z(.8))·√2·sd/(√cases·J), with a power of 80 %.
    """
    if repeats is None or not cases:
        return None
    shrinks = 1.0 if informedness is None else informedness
    if shrinks <= 0:
        return None
    z = NormalDist().inv_cdf(_TWO_SIDED) + NormalDist().inv_cdf(POWER)
    return z * sqrt(2 / cases) * repeats.sd / shrinks
