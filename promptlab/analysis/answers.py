"""What became of an arm's trials: said nothing, held nothing to grade, were never there.

One number per case each, beside the scores of `measurements.Cells`; of the answers themselves only
what a scorer found in them, as a code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from promptlab.core.measured import AT, MEASURED, Silence
from promptlab.stats.reducers import mean_by_case

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Found:
    """What a scorer found in answers, and what it expected: codes, one entry for each trial.

    `case` is the place of the trial's case. A code is negative where nothing was found, or where
    there is no one right answer.
    """

    case: Ints
    found: Ints
    expected: Ints


@dataclass(frozen=True, slots=True)
class Answers:
    """How the trials of one arm ended, case by case: arrays of shape (cases,).

    `errors`, `refused`, `filtered`, `empty` and `ungradable` count trials; the last are answers
    that hold nothing to grade. `cut_wrong` and `refused_wrong` are the answers that were cut off,
    and refused or filtered, of those that score nothing. `gradable` is the share of trials that
    could be graded and `earned` the mean over all trials of what these scored; both are NaN where
    there is no trial. Of the `planned` repeats, `lacking` are not there. `tells` is whether the
    scorer says what is gradable.
    """

    errors: Ints
    refused: Ints
    filtered: Ints
    empty: Ints
    ungradable: Ints
    cut_wrong: Ints
    refused_wrong: Ints
    gradable: Floats
    earned: Floats
    planned: Ints
    lacking: Ints
    found: Found
    tells: bool


@dataclass(frozen=True, slots=True)
class Repeats:
    """How many repeats of each case were planned for an arm, and how many are not there."""

    planned: Ints
    lacking: Ints


def repeats(parts: Mapping[str, Floats], arms: int, cases: int) -> list[Repeats]:
    """Count the repeats of each arm, run by run: planned are the most of any cell of that run.

    `parts` are rows by run, before those that runs share are joined. A case that an arm lacks as
    a whole is not counted here.
    """
    planned, lacking = (np.zeros((arms, cases), dtype=np.int64) for _ in range(2))
    for rows in parts.values():
        places = (rows[:, AT["arm"]] * cases + rows[:, AT["case"]]).astype(np.int64)
        there = np.bincount(places, minlength=arms * cases).reshape(arms, cases)
        most = int(there.max(initial=0))
        planned += np.where(there > 0, most, 0)
        lacking += np.where(there > 0, most - there, 0)
    return [Repeats(*both) for both in zip(planned, lacking, strict=True)]


def padded(rows: Floats) -> Floats:
    """Return rows with the last columns of `MEASURED`, which they may lack: nothing is known."""
    lacking = len(MEASURED) - rows.shape[1]
    if not lacking:
        return rows
    return np.concatenate([rows, np.full((len(rows), lacking), np.nan)], axis=1)


def answers_of(rows: Floats, repeats: Repeats) -> Answers:
    """Return what became of the trials of one arm, of which these are the rows."""
    cases = repeats.planned.size
    at = rows[:, AT["case"]].astype(np.int64)
    score = np.nan_to_num(rows[:, AT["score"]])
    error = rows[:, AT["failed"]] == 1
    silent = rows[:, AT["silent"]]
    told = rows[:, AT["gradable"]]
    # A refusal that scores was what the case asked for.
    said = np.where(np.isnan(told), ~(silent > 0), told == 1) & ~np.isnan(rows[:, AT["score"]])
    gradable = said | (score != 0)

    def count(which: NDArray[np.bool_]) -> Ints:
        return np.bincount(at, weights=which, minlength=cases).astype(np.int64)

    return Answers(
        errors=count(error),
        refused=count(silent == Silence.REFUSED),
        filtered=count(silent == Silence.FILTERED),
        empty=count(silent == Silence.EMPTY),
        ungradable=count((told == 0) & (score == 0) & ~(silent > 0) & ~error),
        cut_wrong=count((rows[:, AT["truncated"]] == 1) & (score == 0)),
        refused_wrong=count(
            ((silent == Silence.REFUSED) | (silent == Silence.FILTERED)) & (score == 0)
        ),
        gradable=mean_by_case(at, gradable.astype(np.float64), cases),
        earned=mean_by_case(at, np.where(gradable, score, 0.0), cases),
        planned=repeats.planned,
        lacking=repeats.lacking,
        found=_found(rows, at),
        tells=bool(np.any(~np.isnan(told))),
    )


def _found(rows: Floats, at: Ints) -> Found:
    found, expected = rows[:, AT["found"]], rows[:, AT["expected"]]
    if np.all(np.isnan(found)):
        none = np.zeros(0, dtype=np.int64)
        return Found(none, none, none)
    graded = ~np.isnan(rows[:, AT["score"]])
    at, found, expected = at[graded], found[graded], expected[graded]
    codes = (
        np.where(np.isnan(column), -1, column).astype(np.int64) for column in (found, expected)
    )
    return Found(at, *codes)
