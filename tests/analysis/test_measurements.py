"""Runs joined: what is one arm, what is one case, what counts once, and what is unknown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.analysis.measurements import JoinedArm, Measurements, join, only_text
from promptlab.core.measured import MeasuredCase
from promptlab.core.types import Sampling, ScorerSpec, TemplateSource

from .measured_runs import ABSENT, measured_arm, measured_run, versions

nan = np.nan


def only_arm(table: Measurements) -> JoinedArm:
    [arm] = table.arms
    return arm


def labels(table: Measurements) -> list[str]:
    return [arm.label for arm in table.arms]


# Cells.


def test_repeats_of_a_case_are_averaged() -> None:
    cells = only_arm(join([measured_run([[[1.0, 0.0], [0.25, 0.75], [1.0, 1.0]]])])).cells
    assert cells.score.tolist() == [0.5, 0.5, 1.0]
    assert cells.trials.tolist() == [2, 2, 2]
    assert not cells.is_verdict


def test_a_failed_trial_counts_as_0_and_is_left_out_of_the_complete_mean() -> None:
    cells = only_arm(join([measured_run([[[1.0, None], [None, None], [1.0, 1.0]]])])).cells
    assert cells.score.tolist() == [0.5, 0.0, 1.0]
    np.testing.assert_array_equal(cells.complete, [1.0, nan, 1.0])
    assert cells.failed.tolist() == [1, 2, 0]
    assert cells.is_verdict


@pytest.mark.parametrize("odd", [1.5, -0.5])
def test_scores_outside_0_to_1_are_never_filled_with_0(odd: float) -> None:
    table = join([measured_run([[odd, None, [0.5, None]]])])
    assert not table.bounded
    np.testing.assert_array_equal(only_arm(table).cells.score, [odd, nan, 0.5])


def test_what_no_trial_measured_is_unknown() -> None:
    cells = only_arm(join([measured_run([[1.0, ABSENT]])])).cells
    np.testing.assert_array_equal(cells.score, [1.0, nan])
    assert cells.measured.tolist() == [True, False]
    assert cells.trials.tolist() == [1, 0]


def test_quantities_are_means_of_the_trials_that_have_them() -> None:
    run = measured_run(
        [[[1.0, 1.0], 1.0, 1.0]],
        took=lambda arm, case: ((10, 2, 0.5, 1.0), (None, 3, None, 2.0), (5, None, 0.25, None))[
            case
        ],
    )
    cells = only_arm(join([run])).cells
    np.testing.assert_array_equal(cells.tokens, [12.0, nan, nan])
    np.testing.assert_array_equal(cells.output_tokens, [2.0, 3.0, nan])
    np.testing.assert_array_equal(cells.cost_usd, [0.5, nan, 0.25])
    np.testing.assert_array_equal(cells.latency_s, [1.0, 2.0, nan])


def test_answers_that_were_cut_off_are_counted() -> None:
    run = measured_run([[[1.0, 1.0], 1.0]], cut_off=lambda arm, case: case == 0)
    assert only_arm(join([run])).cells.truncated.tolist() == [2, 0]


def test_the_set_of_answers_counts_not_their_order() -> None:
    ids = {0: (7, 9), 1: (9, 7), 2: (8, 8), 3: (7, 9)}
    run = measured_run(
        [[[1.0, 1.0], [1.0, None]], [[1.0, 1.0], [1.0, 1.0]], [[1.0, 1.0], 1.0], [[1.0, 1.0], 1.0]],
        arms=versions(4),
        answers=lambda *at: None if at == (0, 1, 1) else ids[at[0]][at[2]],
    )
    answers = [arm.cells.answers for arm in join([run]).arms]
    assert answers[0][0] == answers[1][0] == answers[3][0] != answers[2][0]
    assert answers[0][1] == 0  # an unknown answer makes the whole set unknown


# Groups and cases.


def test_a_case_without_a_group_is_its_own() -> None:
    table = join([measured_run([[1.0] * 5], groups=["g", None, "g", None, "h"])])
    assert table.groups.tolist() == [0, 1, 0, 2, 3]


def test_the_same_case_of_two_runs_is_one_whatever_its_place() -> None:
    first = measured_run([[1.0, 0.0]], cases=["a", "b"])
    second = measured_run([[0.5, 0.25, 0.75]], cases=["c", "b", "a"], number=2)
    table = join([first, second])
    assert [case.id for case in table.cases] == ["a", "b", "c"]
    assert only_arm(table).cells.score.tolist() == [0.875, 0.125, 0.5]
    assert only_arm(table).cells.trials.tolist() == [2, 2, 1]
    assert only_arm(table).runs == {0, 1}


def test_a_case_with_other_content_is_another_case() -> None:
    first = measured_run([[1.0]], cases=["a"])
    second = measured_run([[0.0]], cases=["a"], number=2)
    second = replace(second, cases=(MeasuredCase("a", None, "sha256:changed"),))
    table = join([first, second])
    assert table.names(np.array([True, True])) == ("a", "a")
    assert only_arm(table).cells.score.tolist() == [1.0, 0.0]


# Trials of several runs.


def test_an_answer_that_runs_share_counts_once() -> None:
    runs = [measured_run([[1.0]], answers=lambda *_: 5, number=number) for number in (1, 2)]
    cells = only_arm(join(runs)).cells
    assert cells.trials.tolist() == [1]


def test_a_fresh_measurement_of_a_trial_is_another_repeat() -> None:
    first = measured_run([[1.0]], answers=lambda *_: 5)
    second = measured_run([[0.0]], answers=lambda *_: 6, number=2)
    cells = only_arm(join([first, second])).cells
    assert cells.trials.tolist() == [2]
    assert cells.score.tolist() == [0.5]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_error_of_one_run_is_fixed_by_another(order: tuple[int, int]) -> None:
    runs = [measured_run([[1.0, None, None]]), measured_run([[None, 1.0, None]], number=2)]
    cells = only_arm(join([runs[place] for place in order])).cells
    assert cells.score.tolist() == [1.0, 1.0, 0.0]
    assert cells.trials.tolist() == [1, 1, 1]
    assert cells.failed.tolist() == [0, 0, 1]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_shared_answer_counts_with_the_score_that_one_run_has(order: tuple[int, int]) -> None:
    runs = [measured_run([[score]], answers=lambda *_: 5) for score in (None, 1.0)]
    cells = only_arm(join([runs[place] for place in order])).cells
    assert (cells.score.tolist(), cells.trials.tolist()) == ([1.0], [1])


cell = st.sampled_from([0.0, 1.0, 0.5, None, ABSENT])
run_scores = st.lists(st.lists(cell, min_size=3, max_size=3), min_size=2, max_size=2)


@pytest.mark.slow
@given(run_scores, run_scores)
def test_naming_a_run_twice_or_in_another_order_changes_nothing(
    one: list[list[float | None]], other: list[list[float | None]]
) -> None:
    runs = [measured_run(one), measured_run(other, number=2)]
    for again in ([*runs, runs[0]], runs[::-1]):
        for arm, same in zip(join(runs).arms, join(again).arms, strict=True):
            np.testing.assert_array_equal(arm.cells.score, same.cells.score)
            np.testing.assert_array_equal(arm.cells.trials, same.cells.trials)
            np.testing.assert_array_equal(arm.cells.failed, same.cells.failed)


# Arms.


def test_a_label_with_two_texts_is_distinguished_by_digest() -> None:
    old, new = (measured_arm("v1", digest=f"sha256:{text}0123") for text in ("aaaaaa", "bbbbbb"))
    runs = [measured_run([[1.0]], arms=[arm], number=at) for at, arm in enumerate((old, new), 1)]
    assert labels(join(runs)) == ["t@v1 [aaaaaa]", "t@v1 [bbbbbb]"]


def test_two_texts_of_a_label_are_distinguished_on_different_backends_too() -> None:
    old = measured_arm("v1", digest="sha256:aaaaaa", backend="small")
    new = measured_arm("v1", digest="sha256:bbbbbb", backend="large")
    runs = [measured_run([[1.0]], arms=[arm], number=at) for at, arm in enumerate((old, new), 1)]
    assert labels(join(runs)) == ["t@v1 [aaaaaa]", "t@v1 [bbbbbb]"]


def test_one_text_under_two_settings_is_two_arms_by_number() -> None:
    arms = [measured_arm("v1", sampling=Sampling(temperature=t)) for t in (0.0, 0.7)]
    runs = [measured_run([[1.0]], arms=[arm], number=at) for at, arm in enumerate(arms, 1)]
    assert labels(join(runs)) == ["t@v1 [#1]", "t@v1 [#2]"]


def test_a_backend_that_changed_under_its_name_is_two_backends() -> None:
    one, other, second = (
        replace(measured_arm(version), backend_digest=digest)
        for version, digest in (("v1", "b2:1"), ("v1", "b2:2"), ("v2", "b2:2"))
    )
    before = measured_run([[1.0]], arms=[one], number=1)
    after = measured_run([[1.0], [0.0]], arms=[other, second], number=2)
    joined = join([before, after])
    assert labels(joined) == ["t@v1", "t@v1", "t@v2"]
    backends = [each.arm.backend for each in joined.arms]
    assert backends == ["small [#1]", "small [#2]", "small [#2]"]


def test_one_label_on_two_backends_is_enough() -> None:
    arms = [measured_arm("v1", backend=name) for name in ("small", "large")]
    assert labels(join([measured_run([[1.0], [1.0]], arms=arms)])) == ["t@v1", "t@v1"]


def test_two_labels_of_one_text_in_different_runs_are_one_arm() -> None:
    arms = [measured_arm(version, digest="sha256:same") for version in ("v1", "v2")]
    runs = [measured_run([[1.0]], arms=[arm], number=at) for at, arm in enumerate(arms, 1)]
    table = join(runs)
    assert labels(table) == ["t@v1"]
    assert only_arm(table).cells.trials.tolist() == [2]


def test_two_labels_of_one_text_that_a_run_sets_against_each_other_are_two_arms() -> None:
    arms = [measured_arm(version, digest="sha256:same") for version in ("v1", "v2")]
    again = measured_run([[0.0]], arms=arms[1:], number=2)
    table = join([measured_run([[1.0], [1.0]], arms=arms), again])
    assert labels(table) == ["t@v1", "t@v2"]
    assert [arm.cells.trials.tolist() for arm in table.arms] == [[1], [2]]


def test_an_arm_knows_the_versions_of_its_scorer() -> None:
    first, second = measured_run([[1.0]]), measured_run([[1.0]], number=2)
    second = replace(second, scorer=ScorerSpec("exact_match", "exact_match", "2", {"x": 1}))
    assert len(only_arm(join([first, second])).scorers) == 2


def test_only_one_text_of_a_run_may_be_joined() -> None:
    arms = [
        measured_arm("v1"),
        measured_arm("v2", practices=("role",)),
        measured_arm("v2", practices=("role",), off=("role",)),
        measured_arm("v2", practices=("role",), backend="large"),
    ]
    run = measured_run([[0.0], [0.25], [0.5], [0.75]], arms=arms)
    table = join([only_text(run, TemplateSource("t", "v2", "", {}, "sha256:v2"))])
    assert [(arm.label, arm.arm.backend) for arm in table.arms] == [
        ("t@v2", "small"),
        ("t@v2", "large"),
    ]
    assert [arm.cells.score.tolist() for arm in table.arms] == [[0.25], [0.75]]


def test_labels_stay_with_their_text() -> None:
    run = replace(measured_run([[0.0], [1.0], [0.0]]), labels=[(0, 0, 0.0), (1, 0, 1.0)])
    kept = [
        only_arm(join([only_text(run, TemplateSource("t", name, "", {}, f"sha256:{name}"))]))
        for name in ("v1", "v2", "v3")
    ]
    np.testing.assert_array_equal([arm.people for arm in kept], [[0.0], [1.0], [nan]])
