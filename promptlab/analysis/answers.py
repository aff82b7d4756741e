"""What became of an arm's trials: said nothing, held nothing to grade, were never there.

One number per case each, beside the scores of `measurements.Cells`; of the answers themselves only
what a scorer found in them, as a code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from promptlab.core.measured import AT, MEASURED, SILENT, Ending
from promptlab.stats.reducers import mean_by_case

if TYPE_CHECKING:
    from promptlab.core.measured import Rows

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

    `parts` are columns by run, before the trials that runs share are joined. A case that an arm
    lacks as a whole is not counted here.
    """
    planned, lacking = (np.zeros((arms, cases), dtype=np.int64) for _ in range(2))
    for columns in parts.values():
        places = (columns[AT["arm"]] * cases + columns[AT["case"]]).astype(np.int64)
        there = np.bincount(places, minlength=arms * cases).reshape(arms, cases)
        most = int(there.max(initial=0))
        planned += np.where(there > 0, most, 0)
        lacking += np.where(there > 0, most - there, 0)
    return [Repeats(*both) for both in zip(planned, lacking, strict=True)]


def columns_of(rows: Rows) -> Floats:
    """Return rows as an array of shape (columns, trials), with all columns of `MEASURED`.

    Unknown values are NaN, and so are the last columns, which rows may lack.
    """
    columns = np.full((len(MEASURED), len(rows)), np.nan)
    if len(rows):
        columns[: len(rows[0])] = np.array(rows, dtype=float).T
    return columns


def placed(rows: Rows, what: Literal["arm", "case"], places: Sequence[int]) -> Floats:
    """Return the rows of the arms or of the cases at these places, which are numbered anew."""
    columns = columns_of(rows)
    with np.errstate(invalid="raise"):  # a place that is no number is damage, not place 0
        before = columns[AT[what]].astype(int)
    after = np.full(1 + max([*places, int(before.max(initial=-1))], default=-1), -1)
    after[list(places)] = np.arange(len(places))
    columns[AT[what]] = after[before]
    kept: Floats = columns[:, columns[AT[what]] >= 0].T
    return kept


def answers_of(columns: Floats, repeats: Repeats) -> Answers:
    """Return what became of the trials of one arm, of which these are the columns."""
    cases = repeats.planned.size
    at = columns[AT["case"]].astype(np.int64)
    score = np.nan_to_num(columns[AT["score"]])
    ending = columns[AT["ending"]]
    silent, error = np.isin(ending, SILENT), ending == Ending.FAILED
    told = columns[AT["gradable"]]
    # A refusal that scores was what the case asked for.
    said = np.where(np.isnan(told), ~silent, told == 1) & ~np.isnan(columns[AT["score"]])
    gradable = said | (score != 0)

    def count(which: NDArray[np.bool_]) -> Ints:
        return np.bincount(at, weights=which, minlength=cases).astype(np.int64)

    return Answers(
        errors=count(error),
        refused=count(ending == Ending.REFUSED),
        filtered=count(ending == Ending.FILTERED),
        empty=count(ending == Ending.EMPTY),
        ungradable=count((told == 0) & (score == 0) & ~silent & ~error),
        cut_wrong=count((ending == Ending.TRUNCATED) & (score == 0)),
        refused_wrong=count(np.isin(ending, (Ending.REFUSED, Ending.FILTERED)) & (score == 0)),
        gradable=mean_by_case(at, gradable.astype(np.float64), cases),
        earned=mean_by_case(at, np.where(gradable, score, 0.0), cases),
        planned=repeats.planned,
        lacking=repeats.lacking,
        found=_found(columns, at),
        tells=bool(np.any(~np.isnan(told))),
    )


def _found(columns: Floats, at: Ints) -> Found:
    found, expected = columns[AT["found"]], columns[AT["expected"]]
    if np.all(np.isnan(found)):
        none = np.zeros(0, dtype=np.int64)
        return Found(none, none, none)
    graded = ~np.isnan(columns[AT["score"]])
    at, found, expected = at[graded], found[graded], expected[graded]
    codes = (
        np.where(np.isnan(column), -1, column).astype(np.int64) for column in (found, expected)
    )
    return Found(at, *codes)
