"""Which cases belong together, so that they do not count as independent evidence.

A suite declares some groups. Others show in the data: one id with several contents, or copies of a
case under several ids, to which every arm gives the same answers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from promptlab.core.groups import group_of
from promptlab.core.measured import MeasuredCase
from promptlab.stats.distinct import distinct

Ints = NDArray[np.int64]


def declared_groups(cases: Sequence[MeasuredCase]) -> Ints:
    """Number the groups that a suite declares, in the order of their first case."""
    return _numbered([group_of(case) for case in cases])


def same_ids(cases: Sequence[MeasuredCase]) -> Ints:
    """Number cases by their id: other tags, groups or parameters do not make new evidence."""
    return _numbered([case.id for case in cases])


def _numbered(names: Sequence[str]) -> Ints:
    """Return a number for each name, in the order of their first place."""
    if len(set(names)) == len(names):
        return np.arange(len(names))
    codes = {name: code for code, name in enumerate(dict.fromkeys(names))}
    return np.fromiter(map(codes.__getitem__, names), dtype=int, count=len(names))


def same_answers(answers: NDArray[np.uint64]) -> Ints:
    """Number cases by their answers, of shape (arms, cases) and 0 where unknown.

    Cases are the same if every arm has the same answers; a case that some arm lacks stands alone.
    """
    cases = answers.shape[1] if answers.size else 0
    codes = np.arange(cases)
    known = np.flatnonzero((answers != 0).all(axis=0)) if cases else codes
    if known.size:
        order = known[np.lexsort(answers[:, known])]  # of cases that are the same, the first first
        among = answers[:, order]
        new = np.ones(order.size, dtype=bool)
        new[1:] = (among[:, 1:] != among[:, :-1]).any(axis=0)
        codes[order] = order[new][np.cumsum(new) - 1]
    return codes


def merged(groups: Ints, *others: Ints) -> Ints:
    """Join groups that share a case in another numbering; number them by their first case."""
    for other in others:
        if distinct(other).size < other.size:
            groups = _joined(groups, other)
    _, first, codes = np.unique(groups, return_index=True, return_inverse=True)
    ranks: Ints = np.argsort(np.argsort(first))[codes.ravel()]
    return ranks


def _joined(groups: Ints, other: Ints) -> Ints:
    root = list(range(int(groups.max()) + 1))

    def find(group: int) -> int:
        while root[group] != group:
            root[group] = root[root[group]]
            group = root[group]
        return group

    first: dict[int, int] = {}
    for group, code in zip(groups.tolist(), other.tolist(), strict=True):
        a, b = find(group), find(first.setdefault(code, group))
        root[max(a, b)] = min(a, b)
    return np.array([find(group) for group in groups.tolist()], dtype=int)
