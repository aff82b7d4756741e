"""One arm on every case: its trials as one number for each case and quantity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from promptlab.analysis.answers import Answers, Repeats, answers_of
from promptlab.core.measured import AT, Ending
from promptlab.core.reducers import Reducer
from promptlab.stats.reducers import mean_by_case, reduced

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_QUANTITIES = ("input_tokens", "output_tokens", "cost_usd", "latency_s")


@dataclass(frozen=True, slots=True)
class Cells:
    """One arm on every case: arrays of shape (cases,), NaN where nothing is known.

    `trials` counts what was measured, `failed` those of them without a score. `score` is that of
    all repeats of a case, by default their mean; it counts a failed trial as 0 if the scores are
    shares, `complete` leaves it out. `answers` identifies the set of answers behind a cell, 0 if
    one is missing. `tokens` are those of the prompt and the answers together. `became` has what
    became of the trials.
    """

    trials: Ints
    failed: Ints
    truncated: Ints
    score: Floats
    complete: Floats
    answers: NDArray[np.uint64]
    tokens: Floats
    output_tokens: Floats
    cost_usd: Floats
    latency_s: Floats
    is_verdict: bool
    became: Answers

    @property
    def measured(self) -> NDArray[np.bool_]:
        """Return where there is a trial."""
        return self.trials > 0


def cells_of(columns: Floats, repeats: Repeats, reduce: Reducer, *, bounded: bool) -> Cells:
    """Return one arm on every case from the columns of its trials."""
    cases = repeats.planned.size
    at = columns[AT["case"]].astype(int)
    score = columns[AT["score"]]
    unscored = np.isnan(score)
    counted = np.where(unscored, 0.0, score) if bounded else score
    cut_off = columns[AT["ending"]] == Ending.TRUNCATED
    verdict = columns[AT["is_verdict"]]
    quantity = {name: mean_by_case(at, columns[AT[name]], cases) for name in _QUANTITIES}
    return Cells(
        trials=np.bincount(at, minlength=cases),
        failed=np.bincount(at[unscored], minlength=cases),
        truncated=np.bincount(at[cut_off], minlength=cases),
        score=reduced(reduce.how, reduce.k, at, counted, cases),
        complete=reduced(reduce.how, reduce.k, at, score, cases),
        answers=_fingerprints(at, columns[AT["generation"]], cases),
        tokens=quantity["input_tokens"] + quantity["output_tokens"],
        output_tokens=quantity["output_tokens"],
        cost_usd=quantity["cost_usd"],
        latency_s=quantity["latency_s"],
        is_verdict=bool(np.all(verdict[~unscored] == 1)),
        became=answers_of(columns, repeats),
    )


def _fingerprints(at: Ints, generations: Floats, cases: int) -> NDArray[np.uint64]:
    """Return a number that identifies each case's set of answers: the sum of their scrambled ids.

    The scrambling is the finalizer of splitmix64 (Steele, Lea & Flood, OOPSLA 2014).
    """
    known = ~np.isnan(generations)
    mixed = np.where(known, generations, 0).astype(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    sums = np.zeros(cases, dtype=np.uint64)
    np.add.at(sums, at, mixed ^ (mixed >> np.uint64(31)))
    sums[at[~known]] = 0
    return sums
