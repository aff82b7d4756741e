"""Which cases a page shows, where there are too many to show all: those that tell most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from promptlab.analysis.grid import flipping
from promptlab.analysis.measurements import Measurements
from promptlab.core.shown import Tallies, Tally

Flags = NDArray[np.bool_]
_Places = NDArray[np.intp]
_FLIPPED, _FAILED = 0.6, 0.25  # shares of the room, where each kind has more than fits


@dataclass(frozen=True, slots=True)
class Noteworthy:
    """The places of the cases to show: those that tell most come first within each kind.

    Kinds are cases that arms score differently, others with a failure, and the rest.
    """

    flipped: tuple[int, ...]
    failed: tuple[int, ...]
    rest: tuple[int, ...]
    all: tuple[int, int, int]

    @property
    def places(self) -> tuple[int, ...]:
        """Return all of them."""
        return (*self.flipped, *self.failed, *self.rest)

    def tallies(self, kept: frozenset[int]) -> Tallies:
        """Return how many cases of each kind there are and are `kept`."""
        kinds = zip(self.all, (self.flipped, self.failed, self.rest), strict=True)
        counts = [Tally(number, len(kept.intersection(kind))) for number, kind in kinds]
        return Tallies(*counts)


def noteworthy(table: Measurements, most: int) -> Noteworthy:
    """Choose at most so many cases: on which arms differ most, then failed ones, then a sample.

    Failed ones and the sample are evenly spaced over the cases.
    """
    measured = np.any([arm.cells.measured for arm in table.arms], axis=0)
    flips = flipping(table.arms, len(table.cases)) & measured
    failed = _failed(table) & measured & ~flips
    apart = _apart(table)
    widest = np.flatnonzero(flips)
    kinds = (
        widest[np.argsort(-apart[widest], kind="stable")],
        np.flatnonzero(failed),
        np.flatnonzero(measured & ~flips & ~failed),
    )
    rooms = _rooms([kind.size for kind in kinds], most)
    chosen = (kinds[0][: rooms[0]], _spread(kinds[1], rooms[1]), _spread(kinds[2], rooms[2]))
    flipped, others, rest = (tuple(map(int, part)) for part in chosen)
    return Noteworthy(flipped, others, rest, (kinds[0].size, kinds[1].size, kinds[2].size))


def _apart(table: Measurements) -> NDArray[np.float64]:
    """Return by how much scores of a case differ, 0 where fewer than two are known."""
    scores = np.array([arm.cells.score for arm in table.arms])
    known = ~np.isnan(scores)
    high = np.where(known, scores, -np.inf).max(axis=0)
    low = np.where(known, scores, np.inf).min(axis=0)
    return np.where(known.sum(axis=0) > 1, high - low, 0.0)


def _failed(table: Measurements) -> Flags:
    found = np.zeros(len(table.cases), dtype=bool)
    for arm in table.arms:
        found |= (arm.cells.failed > 0) | (arm.cells.score <= 0)
    return found


def _rooms(sizes: list[int], most: int) -> list[int]:
    """Share the room among the kinds; what one does not need goes to the first that does."""
    shares = [int(most * _FLIPPED), int(most * _FAILED)]
    shares.append(most - sum(shares))
    taken = [min(size, share) for size, share in zip(sizes, shares, strict=True)]
    for place, size in enumerate(sizes):
        taken[place] += min(size - taken[place], most - sum(taken))
    return taken


def _spread(places: _Places, most: int) -> _Places:
    if places.size <= most:
        return places
    return places[np.arange(most) * places.size // most]
