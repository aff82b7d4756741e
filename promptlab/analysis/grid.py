"""A table of cases and arms: which arms, which cases in which order, and their trials.

Scores are those that `compare` counts, so that both say the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from promptlab.analysis.measurements import JoinedArm, Measurements
from promptlab.core.measured import CaseContent, CellTrial

Floats = NDArray[np.float64]
Place = tuple[int, int]
"""An arm and a case of the joined runs."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which arms and cases a table has, by their places in the joined runs, those on top first.

    `flips` says of every case of the joined runs whether it flips. `cases_in_all` and
    `flips_in_all` count what the whole table has of which `cases` may be the beginning.
    """

    arms: tuple[int, ...]
    cases: tuple[int, ...]
    flips: NDArray[np.bool_]
    cases_in_all: int
    flips_in_all: int


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of joined runs with the trials of each cell, and what its cases ask, by digest."""

    run_ids: tuple[str, ...]
    table: Measurements
    layout: Layout
    trials: Mapping[Place, Sequence[CellTrial]]
    contents: Mapping[str, CaseContent]


def lay_out(
    table: Measurements,
    arms: Sequence[int],
    cases: Iterable[int] | None = None,
    most: int | None = None,
) -> Layout:
    """Choose the rows of a table: cases that flip, then those in the order of the suite.

    Cases that none of these arms was measured on are left out. `cases` are the only ones to take,
    `most` is how many.
    """
    shown = [table.arms[arm] for arm in arms]
    flips = flipping(shown, len(table.cases))
    measured = np.zeros(len(table.cases), dtype=bool)
    for arm in shown:
        measured |= arm.cells.measured
    if cases is not None:
        wanted = np.zeros(len(table.cases), dtype=bool)
        wanted[list(cases)] = True
        measured &= wanted
    order = [*np.flatnonzero(measured & flips), *np.flatnonzero(measured & ~flips)]
    return Layout(
        arms=tuple(arms),
        cases=tuple(int(place) for place in order[:most]),
        flips=flips,
        cases_in_all=len(order),
        flips_in_all=int((measured & flips).sum()),
    )


def flipping(arms: Sequence[JoinedArm], cases: int) -> NDArray[np.bool_]:
    """Return which cases flip: versions on the same backend score differently.

    Where no backend has two of these arms, backends are what is compared.
    """
    return flips_between([(arm.arm.backend, arm.cells.score) for arm in arms], cases)


def flips_between(scores_of: Sequence[tuple[str, Floats]], cases: int) -> NDArray[np.bool_]:
    """Return which cases flip, from the backend and the scores of each arm."""
    groups: defaultdict[str, list[Floats]] = defaultdict(list)
    for backend, scored in scores_of:
        groups[backend].append(scored)
    every = [scored for _, scored in scores_of]
    together = [group for group in groups.values() if len(group) > 1] or [every]
    flips = np.zeros(cases, dtype=bool)
    for group in together:
        scores = np.array(group)
        known = ~np.isnan(scores)
        high = np.where(known, scores, -np.inf).max(axis=0, initial=-np.inf)
        low = np.where(known, scores, np.inf).min(axis=0, initial=np.inf)
        flips |= np.isfinite(high) & np.isfinite(low) & ~np.isclose(high, low, rtol=0, atol=1e-12)
    return flips


def by_cell(table: Measurements, trials: Iterable[CellTrial]) -> dict[Place, list[CellTrial]]:
    """Sort trials into cells; one that several runs share by its answer stands there once."""
    arms = _arm_places(table)
    cases = {case.digest: place for place, case in enumerate(table.cases)}
    found: defaultdict[Place, list[CellTrial]] = defaultdict(list)
    seen: set[tuple[Place, int, int]] = set()
    for trial in trials:
        arm = arms.get((trial.run_id, trial.arm))
        if arm is None:  # not one of those that are compared
            continue
        cell = arm, cases[trial.case]
        if trial.generation is not None:
            answer = (cell, trial.repeat, trial.generation)
            if answer in seen:
                continue
            seen.add(answer)
        found[cell].append(trial)
    return dict(found)


def _arm_places(table: Measurements) -> dict[tuple[str, str], int]:
    """Return the place in the table of each arm of each run, by its label in that run."""
    places = {}
    for place, arm in enumerate(table.arms):
        for number in arm.runs:
            run = table.runs[number]
            for measured in run.arms:
                if any(measured is setting for setting in arm.settings):
                    places[run.info.run_id, measured.arm.label] = place
    return places
