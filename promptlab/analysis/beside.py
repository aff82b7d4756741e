"""Scores beside those that a table is of: by other scorers, and of people.

Each is a mean for every cell of arms by cases, NaN where nothing is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from promptlab.core.measured import MeasuredRun
from promptlab.scorers.judges.orders import base_of
from promptlab.stats.reducers import mean_by_case

Floats = NDArray[np.float64]


def others_of(
    runs: Sequence[MeasuredRun],
    arm_at: Sequence[Sequence[int]],
    case_at: Sequence[Sequence[int]],
    shape: tuple[int, int],
) -> dict[str, Floats]:
    """Return the means of arms and cases by each scorer but the one that the table is of."""
    parts: defaultdict[str, list[Floats]] = defaultdict(list)
    for run, arms_in, cases_in in zip(runs, arm_at, case_at, strict=True):
        for label, rows in run.others.items():
            parts[label].append(_placed(rows, arms_in, cases_in, shape))
    return {label: _means(each, shape) for label, each in parts.items()}


def people_of(
    runs: Sequence[MeasuredRun],
    arm_at: Sequence[Sequence[int]],
    case_at: Sequence[Sequence[int]],
    shape: tuple[int, int],
) -> Floats:
    """Return what people say of the answers of arms to cases.

    An answer is as good as itself: nobody needs to say so of the version that a judge of pairs
    compares with.
    """
    parts = [
        _placed([*run.labels, *_of_itself(run)], arms_in, cases_in, shape)
        for run, arms_in, cases_in in zip(runs, arm_at, case_at, strict=True)
    ]
    return _means(parts, shape)


def _of_itself(run: MeasuredRun) -> Iterator[tuple[int, int, float]]:
    against = base_of(run.scorer) if run.labels else None
    for arm, measured in enumerate(run.arms):
        if against is not None and measured.arm.prompt == against:
            yield from ((arm, case, 0.5) for case in range(len(run.cases)))


def _placed(
    rows: Sequence[tuple[int, int, float | None]],
    arms_in: Sequence[int],
    cases_in: Sequence[int],
    shape: tuple[int, int],
) -> Floats:
    """Return the cell of each row, counted through all arms, and its score."""
    part = np.array(rows, dtype=float).reshape(-1, 3)
    places = part[:, :2].astype(int)
    at = np.array(arms_in)[places[:, 0]] * shape[1] + np.array(cases_in)[places[:, 1]]
    return np.column_stack([at, part[:, 2]])


def _means(parts: Sequence[Floats], shape: tuple[int, int]) -> Floats:
    """Return the mean of each cell, NaN where there is none."""
    rows = np.concatenate(parts)
    means = mean_by_case(rows[:, 0].astype(int), rows[:, 1], shape[0] * shape[1])
    return means.reshape(shape)
