"""Repeats that are missing, and cases that a scorer did not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from promptlab.analysis.compare import Comparison
from promptlab.core.codes import Code
from promptlab.core.decision import Limits, Rule
from promptlab.core.measured import MeasuredRun
from promptlab.core.types import Sequential

from .measured_runs import ABSENT, Cell, concluded, measured_run, texts

CASES = 50
MORE_THAN_TOLD = (Code.LONE_REPEATS, Code.MISSING_REPEATS, Code.REPEATS_MISSING_UNEVENLY)


def lacking(repeats: Sequence[int], most: int = 5, number: int = 1) -> MeasuredRun:
    """Return a run in which the second arm has so many repeats of each case, the first all."""
    chance = np.random.default_rng(number)  # noqa: TID251 - seeded
    scores: list[list[list[Cell]]] = [
        [[float(value) for value in case] for case in chance.integers(0, 2, (len(repeats), most))]
        for _ in range(2)
    ]
    for case, count in enumerate(repeats):
        scores[1][case][count:] = [ABSENT] * (most - count)
    return measured_run(scores, number=number)


def codes(comparison: Comparison) -> list[Code]:
    return [reason.code for reason in (*comparison.reasons, *comparison.warnings)]


def test_repeats_that_one_arm_lacks_refuse_the_verdict() -> None:
    comparison = concluded(lacking([4] * 24 + [3] * 4 + [2] * 2, most=4))
    [reason] = [one for one in comparison.reasons if one.code is Code.MISSING_REPEATS]
    assert reason.about["shares"] == pytest.approx([0, 8 / 120])
    assert reason.text == "0.0 % and 6.7 % of the repeats are missing"
    assert comparison.verdict == "refused"


def test_a_few_missing_repeats_are_told() -> None:
    comparison = concluded(lacking([5] * 48 + [4] * 2))
    assert comparison.verdict != "refused"
    [note] = [one for one in comparison.warnings if one.code is Code.LONE_REPEATS]
    assert note.text == "t@v2 lacks 2 of 250 repeats"
    assert note.about == {"missing": [0, 2], "planned": [250, 250]}


def test_all_repeats_are_nothing_to_tell() -> None:
    assert not set(codes(concluded(lacking([5] * CASES)))) & set(MORE_THAN_TOLD)


def test_both_arms_may_lack_too_many() -> None:
    run = lacking([4] * CASES)
    rows = [row for row in run.rows if row[2] != 4 or row[1] == 0]  # the last repeat of all but one
    comparison = concluded(replace(run, rows=rows))
    assert Code.MISSING_REPEATS in codes(comparison)


def test_a_gap_between_the_arms_has_a_limit_of_its_own() -> None:
    run = lacking([5] * 47 + [4] * 3)
    rule = Rule(limits=Limits(max_failure_gap=0.01))
    assert Code.LONE_REPEATS in codes(concluded(run))
    assert texts(concluded(run, rule).reasons) == (
        "one arm lacks more repeats: 0.0 % and 1.2 % of the repeats are missing",
    )


def test_repeats_are_planned_run_by_run() -> None:
    """Two full runs, one of 5 repeats and one of 2, lack nothing."""
    runs = [lacking([5] * CASES), lacking([2] * CASES, most=2, number=2)]
    assert not set(codes(concluded(runs))) & set(MORE_THAN_TOLD)


def test_what_one_of_two_runs_lacks_is_seen() -> None:
    """Together each case has more than enough repeats, but a third of one run's are missing."""
    runs = [lacking([5] * CASES), lacking([2] * CASES, most=3, number=2)]
    comparison = concluded(runs)
    [reason] = [one for one in comparison.reasons if one.code is Code.MISSING_REPEATS]
    assert reason.about["shares"] == pytest.approx([0, 50 / (8 * CASES)])


def test_a_run_that_may_stop_early_lacks_no_repeats() -> None:
    run = replace(lacking([5] * 40 + [1] * 10), sequential=Sequential(0.05, ((0, 1),)))
    assert not set(codes(concluded(run))) & set(MORE_THAN_TOLD)


def test_cases_that_no_arm_has_a_score_on_are_told() -> None:
    run = lacking([1] * CASES, most=1)
    seen = replace(run, rows=[row for row in run.rows if (row[1] or 0) >= 10])
    comparison = concluded(seen)
    [note] = [one for one in comparison.warnings if one.code is Code.CASES_WITHOUT_SCORES]
    assert note.text == "10 of 50 cases have no score by exact_match"
    assert comparison.n == 40
    assert Code.CASES_WITHOUT_SCORES not in codes(concluded(run))
