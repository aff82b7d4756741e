"""The two sides of a contrast: their names, which cases each has, what share failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from promptlab.analysis import early
from promptlab.analysis.measurements import JoinedArm, Measurements
from promptlab.core.decision import Limits

Side = Sequence[JoinedArm]
Where = NDArray[np.bool_]

_NAMED = 3  # cases listed in one line


@dataclass(frozen=True, slots=True)
class Lone:
    """Cases that only one side has: the side's name, the labels of its arms, the case ids."""

    name: str
    arms: tuple[str, ...]
    cases: tuple[str, ...]

    @property
    def text(self) -> str:
        """Return a line that names the side and the first of its cases."""
        return f"{self.name} alone has {listed(self.cases)}"


def names(a: Side, b: Side) -> tuple[str, str]:
    """Name both sides by their labels, adding the backends if the labels are the same."""
    ours, theirs = labels(a), labels(b)
    if ours == theirs:
        ours, theirs = (
            tuple(f"{arm.label} on {arm.arm.backend}" for arm in side) for side in (a, b)
        )
    return listed(ours, 1), listed(theirs, 1)


def labels(side: Side) -> tuple[str, ...]:
    """Return the labels of a side's arms, each once."""
    return tuple(dict.fromkeys(arm.label for arm in side))


def listed(words: Sequence[str], most: int = _NAMED) -> str:
    """Join words, counting those beyond `most`."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return f"{', '.join(words[:most])}{more}"


def share(side: Side, within: Where, name: str) -> float:
    """Return what share of a side's trials were `failed` or `truncated`."""
    counted = sum(int(getattr(arm.cells, name)[within].sum()) for arm in side)
    trials = sum(int(arm.cells.trials[within].sum()) for arm in side)
    return counted / trials if trials else 0.0


def missing_repeats(table: Measurements, side: Side, within: Where) -> tuple[int, int]:
    """Return how many repeats a side lacks on these cases, and how many were planned.

    A run that may stop early lacks none: it ends within a case.
    """
    if any(table.runs[number].sequential is not None for arm in side for number in arm.runs):
        return 0, 0
    became = [arm.cells.became for arm in side]
    lacking = sum(int(each.lacking[within].sum()) for each in became)
    return lacking, sum(int(each.planned[within].sum()) for each in became)


def has_any(side: Side) -> Where:
    """Return the cases that at least one arm of a side has."""
    measured: Where = np.any([arm.cells.measured for arm in side], axis=0)
    return measured


def lone_cases(table: Measurements, a: Side, b: Side, within: Where) -> tuple[Lone, ...]:
    """Return the cases that only one side has on some backend, for each side that has any.

    Arms that were stopped early by the declared rule have none.
    """
    if early.may_stop_early(table, a, b, within):
        return ()
    return tuple(
        Lone(name, labels(side), table.names(where))
        for name, side, where in zip(names(a, b), (a, b), _alone(a, b, within), strict=True)
        if where.any()
    )


def too_few_shared(table: Measurements, a: Side, b: Side, within: Where, limits: Limits) -> bool:
    """Return whether one side alone ran so many cases that a verdict would be unfair."""
    if early.may_stop_early(table, a, b, within):
        return False
    every = int((has_any(a) | has_any(b))[within].sum())
    missing = sum(int(where.sum()) for where in _alone(a, b, within))
    return not every or missing / every > limits.max_missing


def _alone(a: Side, b: Side, within: Where) -> Iterator[Where]:
    """Yield for each side the cases that it has and the other side lacks on some backend."""
    for side, other in ((a, b), (b, a)):
        has_all: Where = np.all([arm.cells.measured for arm in other], axis=0)
        yield within & has_any(side) & ~has_all
