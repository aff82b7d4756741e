"""What a difference consists of: form and content, a constant answer, answers that were cut off.

All is based on one number per case and side: the share of its answers that could be graded, and the
score that these earned. The module knows no scorers and no outcomes: arrays in, numbers out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from promptlab.stats.clusters import cluster_mean
from promptlab.stats.paired import Estimate

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GradedSide:
    """One side of a comparison: arrays of shape (cases,).

    `gradable` is the share of a case's answers that could be graded, `earned` the mean over all of
    them of the score, 0 for those that could not.
    """

    gradable: Floats
    earned: Floats

    @property
    def share(self) -> float:
        """Return the share of answers that could be graded."""
        return float(self.gradable.mean())

    @property
    def right(self) -> float | None:
        """Return the mean score of the answers that could be graded, None where there are none."""
        return float(self.earned.mean()) / self.share if self.share > 0 else None


@dataclass(frozen=True, slots=True)
class Decomposition:
    """A difference as the sum of two parts: `form`, and `content` if both sides had answers."""

    form: Estimate
    content: Estimate | None


def decompose(
    a: GradedSide, b: GradedSide, groups: ArrayLike, level: float = 0.95
) -> Decomposition:
    """Split the difference of mean scores, b - a, into the parts of form and content.

    With g the share of answers that can be graded and r the mean score given that they can,
    g_b·r_b - g_a·r_a = (g_b - g_a)(r_a + r_b)/2 + (r_b - r_a)(g_a + g_b)/2: what comes from giving
    more answers that can be graded, and what comes from better ones. E. M. Kitagawa, J. Am. Stat.
    Assoc. 50 (1955), 1168-1194. Errors come from influence values: g_i - g for g, (s_i - r·g_i)/g
    for r, s_i what case i earned, joined by the product rule; then Student's t, or CR2 in groups.

    A side without any answer that can be graded has no r: all of the difference is form.

    Args:
        a: the side that the other is compared with
        b: the other side, on the same cases
        groups: whole numbers of shape (cases,), equal for cases of one group
        level: confidence level
    """
    codes = np.asarray(groups)
    right_a, right_b = a.right, b.right
    if right_a is None or right_b is None:
        return Decomposition(cluster_mean(b.earned - a.earned, codes, level), None)
    share_a, share_b = a.share, b.share
    of_g = [side.gradable - side.share for side in (a, b)]
    of_r = [
        (side.earned - right * side.gradable) / side.share
        for side, right in ((a, right_a), (b, right_b))
    ]
    form = (share_b - share_a) * (right_a + right_b) / 2
    content = (right_b - right_a) * (share_a + share_b) / 2
    of_form = (of_g[1] - of_g[0]) * (right_a + right_b) / 2
    of_form += (share_b - share_a) * (of_r[0] + of_r[1]) / 2
    of_content = (of_r[1] - of_r[0]) * (share_a + share_b) / 2
    of_content += (right_b - right_a) * (of_g[0] + of_g[1]) / 2
    # Influence values have the mean 0: moved to the estimate, they are judged as its differences.
    return Decomposition(
        cluster_mean(form + of_form, codes, level),
        cluster_mean(content + of_content, codes, level),
    )


def tipping_point(most: int, holds: Callable[[int], bool]) -> int | None:
    """Return the fewest of `most` changes after which something no longer holds, None if it does.

    Args:
        most: how many changes there can be
        holds: whether it holds after so many changes; what has ended does not hold again
    """
    if not most or holds(most):
        return None
    low, high = 0, most  # it holds after `low` changes, not after `high`
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return high


@dataclass(frozen=True, slots=True)
class Constant:
    """The most frequent answer of an arm, held against always giving it.

    `code` is the answer, `given` how many of `answers` it is, `score` what always giving it scores:
    the share of cases to which it is the right answer. `d` has, for each case, how much more often
    the arm is right than that.
    """

    code: int
    given: int
    answers: int
    score: float
    d: Floats

    @property
    def share(self) -> float:
        """Return which share of the answers it is."""
        return self.given / self.answers


def constant_answer(found: ArrayLike, expected: ArrayLike, cases: ArrayLike) -> Constant | None:
    """Return an arm's most frequent answer, None if no answer or a right answer is not known.

    Args:
        found: the code of each answer, of shape (answers,), negative where it holds none
        expected: the code of the right answer to each, negative where it is not known
        cases: the number of the case of each
    """
    said, wanted, at = (np.asarray(values).astype(np.int64) for values in (found, expected, cases))
    if not np.any(said >= 0) or np.any(wanted < 0):
        return None
    codes, counts = np.unique(said[said >= 0], return_counts=True)
    code = int(codes[np.argmax(counts)])
    _, case = np.unique(at, return_inverse=True)
    times = np.bincount(case)
    constant = np.bincount(case, weights=wanted == code) / times
    own = np.bincount(case, weights=said == wanted) / times
    return Constant(code, int(counts.max()), said.size, float(constant.mean()), own - constant)
