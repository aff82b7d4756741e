"""The two sides of a contrast: their names, which cases each has, what share failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from promptlab.analysis import early
from promptlab.analysis.measurements import Floats, JoinedArm, Measurements, by_backend
from promptlab.core.decision import Limits
from promptlab.core.types import Json

Side = Sequence[JoinedArm]
Where = NDArray[np.bool_]

_NAMED = 3  # cases listed in one line


@dataclass(frozen=True, slots=True)
class Named:
    """A side as a line names it: `name` holds its arms' labels, and on which of several backends.

    `arms` are the labels and `backends` the names, each once.
    """

    name: str
    arms: tuple[str, ...]
    backends: tuple[str, ...]

    @property
    def about(self) -> dict[str, Json]:
        """Return whom a reason is about, as data."""
        return {"arms": [*self.arms], "backends": [*self.backends]}


@dataclass(frozen=True, slots=True)
class Lone:
    """Cases that only one side has, by their ids."""

    side: Named
    cases: tuple[str, ...]

    @property
    def text(self) -> str:
        """Return a line that names the side and the first of its cases."""
        return f"{self.side.name} alone has {listed(self.cases)}"


def named(table: Measurements, side: Side) -> Named:
    """Return a side of a table as a line names it."""
    arms = tuple(dict.fromkeys(arm.label for arm in side))
    backends = tuple(dict.fromkeys(arm.arm.backend for arm in side))
    return Named(listed(arms, 1) + on_backends(table, *backends), arms, backends)


def on_backends(table: Measurements, *backends: str) -> str:
    """Return on which of a table's backends something was seen, "" if it has only one."""
    every = {arm.arm.backend for arm in table.arms}
    if len(every) == 1:
        return ""
    everywhere = len(backends) > 1 and every == {*backends}
    return " on all backends" if everywhere else f" on {listed(backends, 1)}"


def listed(words: Sequence[str], most: int = _NAMED) -> str:
    """Join words, counting those beyond `most`."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return f"{', '.join(words[:most])}{more}"


def mean_over(side: Side, where: Where, read: Callable[[JoinedArm], Floats]) -> Floats:
    """Return a quantity per case: the mean over a backend's arms, then over backends."""
    on_each = [
        np.mean([read(arm)[where] for arm in arms], axis=0) for arms in by_backend(side).values()
    ]
    values: Floats = np.mean(on_each, axis=0)
    return values


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
        Lone(named(table, side), table.names(where))
        for side, where in zip((a, b), _alone(a, b, within), strict=True)
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
