"""Stopping as soon as a pair is decided: what is declared, what decides, what counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from promptlab.analysis.compare import compare
from promptlab.analysis.early import (
    Look,
    declared_pairs,
    evidence,
    first_decided,
    look,
    may_stop_early,
    threshold,
)
from promptlab.analysis.measurements import Measurements, join
from promptlab.core.decision import Limits, Rule
from promptlab.core.measured import MeasuredRun
from promptlab.core.types import Sequential
from promptlab.stats.sequential import e_binary, e_path

from .measured_runs import ABSENT, Cell, measured_arm, measured_run, versions

ONE_PAIR = Sequential(0.05, ((0, 1),))
RULE = Rule()


def sequential(run: MeasuredRun, *pairs: tuple[int, int]) -> MeasuredRun:
    return replace(run, sequential=Sequential(0.05, pairs or ((0, 1),)))


def looked(run: MeasuredRun, rule: Rule = RULE) -> Look:
    table = join([run])
    everywhere = np.ones(len(table.cases), dtype=bool)
    state = look(table, table.arms[:1], table.arms[1:2], everywhere, rule)
    assert state is not None
    return state


def declared(table: Measurements) -> list[tuple[str, str]] | None:
    pairs = declared_pairs(table)
    return None if pairs is None else [(a.label, b.label) for a, b in pairs]


def test_half_of_the_level_is_divided_among_the_pairs() -> None:
    assert threshold(ONE_PAIR) == 40
    assert threshold(Sequential(0.05, ((0, 1), (0, 2), (0, 3)))) == pytest.approx(120)
    assert threshold(Sequential(0.1, ((0, 1),))) == 20


# What is declared.


def test_only_a_run_by_itself_declares_pairs() -> None:
    run = measured_run([[1.0], [1.0], [1.0]], arms=versions(3))
    assert declared(join([run])) is None
    assert declared(join([sequential(run, (1, 0), (1, 2))])) == [
        ("t@v2", "t@v1"),
        ("t@v2", "t@v3"),
    ]
    again = measured_run([[1.0]], number=2)
    assert declared(join([sequential(run, (1, 0)), again])) is None


def test_a_pair_is_one_baseline_and_one_other_on_all_cases() -> None:
    arms = [measured_arm(v, backend=b) for b in ("small", "large") for v in ("v1", "v2")]
    run = sequential(measured_run([[1.0, 0.0]] * 4, arms=arms), (0, 1), (2, 3))
    table = join([run])
    a, b, c, d = table.arms
    everywhere, somewhere = np.array([True, True]), np.array([True, False])
    assert may_stop_early(table, [a], [b], everywhere)
    assert may_stop_early(table, [c], [d], everywhere)
    assert not may_stop_early(table, [b], [a], everywhere)
    assert not may_stop_early(table, [a], [d], everywhere)
    assert not may_stop_early(table, [a, c], [b, d], everywhere)
    assert not may_stop_early(table, [a], [b], somewhere)
    assert look(table, [b], [a], everywhere, RULE) is None
    assert look(table, [a], [b], somewhere, RULE) is None


def test_a_run_that_declared_nothing_is_not_looked_at() -> None:
    table = join([measured_run([[1.0], [0.0]])])
    assert look(table, table.arms[:1], table.arms[1:], np.array([True]), RULE) is None


def test_scores_beyond_1_are_not_looked_at() -> None:
    table = join([sequential(measured_run([[1.0, 2.0], [0.0, 0.5]]))])
    assert look(table, table.arms[:1], table.arms[1:], np.array([True, True]), RULE) is None


# Evidence.


def test_passes_and_failures_have_their_own_evidence() -> None:
    d = np.array([1.0, 0.0, 1.0, -1.0, 1.0])
    np.testing.assert_array_equal(evidence(d, single=True), e_path(d, binary=True))
    np.testing.assert_array_equal(evidence(d, single=False), e_path(d, binary=False))


def test_up_to_the_first_fraction_the_evidence_is_that_of_passes() -> None:
    d = np.array([1.0, 1.0, 0.5, 1.0])
    path = evidence(d, single=True)
    np.testing.assert_array_equal(path[:2], e_path(d[:2], binary=True))
    np.testing.assert_allclose(path[2:], path[1] * e_path(d[2:], binary=False))


def test_a_fraction_that_comes_later_does_not_change_an_earlier_decision() -> None:
    scores: list[list[Cell]] = [[0.0] * 30, [1.0] * 30]
    before = looked(sequential(measured_run(scores)))
    scores[1][-1] = 0.5
    after = looked(sequential(measured_run(scores)))
    assert before.at == after.at == 15
    assert before.e == after.e


# Decisions.


def test_a_pair_is_decided_where_the_evidence_reaches_the_threshold() -> None:
    d = np.array([0.0] * 20 + [1.0] * 20)
    path = evidence(d, single=True)
    at = first_decided(path, d, ONE_PAIR, RULE)
    assert at == 29
    assert path[28] == pytest.approx(e_binary(9, 0))
    assert path[28] >= 40 > path[27]
    more = Sequential(0.05, ((0, 1), (0, 2), (0, 3), (0, 4)))
    assert first_decided(path, d, more, RULE) == 31
    assert e_binary(11, 0) >= 160 > e_binary(10, 0)


def test_too_few_cases_decide_nothing_however_clear() -> None:
    d = np.array([1.0] * 40)
    path = evidence(d, single=True)
    assert first_decided(path, d, ONE_PAIR, RULE) == 15
    assert first_decided(path, d, ONE_PAIR, Rule(limits=Limits(min_cases=1))) == 9
    assert first_decided(path, d, ONE_PAIR, Rule(limits=Limits(min_nonzero=18))) == 18
    assert first_decided(path[:8], d[:8], ONE_PAIR, Rule(limits=Limits(min_cases=1))) is None


def test_groups_count_once_with_their_mean() -> None:
    first: list[Cell] = [0.0] * 60
    second: list[Cell] = [1.0, 0.5, 0.0] * 20  # a mean difference of one half in every group
    run = measured_run([first, second], groups=[f"g{at // 3}" for at in range(60)])
    state = looked(sequential(run))
    path = e_path([0.5] * 20, binary=False)
    assert state.at == int(np.argmax(path >= 40)) + 1
    assert state.e == pytest.approx(path[state.at - 1])


def test_what_counts_is_complete_up_to_the_first_gap() -> None:
    first: list[Cell] = [0.0] * 40
    second: list[Cell] = [1.0] * 40
    second[10] = ABSENT
    state = looked(sequential(measured_run([first, second])))
    assert (state.at, state.complete) == (None, False)
    assert state.e == pytest.approx(e_binary(10, 0))
    assert not looked(sequential(measured_run([[ABSENT, 0.0], [1.0, 1.0]]))).complete
    nothing = looked(sequential(measured_run([[ABSENT, 0.0], [1.0, 1.0]])))
    assert nothing == Look(None, 1.0, complete=False, ci=None)


def test_a_case_counts_when_all_its_repeats_are_there() -> None:
    first: list[list[Cell]] = [[0.0, 0.0]] * 20
    second: list[list[Cell]] = [[1.0, 1.0]] * 20
    second[5] = [1.0, ABSENT]
    state = looked(sequential(measured_run([first, second])))
    assert state.e == pytest.approx(e_path([1.0] * 5, binary=False)[-1])


def test_a_failed_trial_counts_as_0() -> None:
    state = looked(sequential(measured_run([[1.0] * 20, [None] * 20])))
    assert (state.at, state.complete) == (15, True)


# The p-value.


def test_the_p_value_of_both_halves() -> None:
    assert Look(20, 80.0, complete=True, ci=None).p(0.001) == 2 / 80
    assert Look(None, 4.0, complete=True, ci=None).p(0.01) == 0.02
    assert Look(None, 4.0, complete=True, ci=None).p(0.9) == 0.5
    assert Look(None, 0.5, complete=True, ci=None).p(0.9) == 1.0
    assert Look(None, 4.0, complete=False, ci=None).p(0.001) == 0.5
    assert Look(None, 4.0, complete=True, ci=None).p(None) == 0.5


@pytest.mark.parametrize("seed", range(20))
def test_what_was_decided_has_the_verdict_that_it_was_stopped_for(seed: int) -> None:
    rng = np.random.default_rng(seed)  # noqa: TID251 - seeded
    kind = seed % 3
    first, second = (
        rng.binomial(4 if kind == 2 else 1, share, 200) / (4 if kind == 2 else 1)
        for share in (0.3, 0.7)
    )
    groups = [f"g{at // 2}" for at in range(200)] if kind == 1 else None
    run = measured_run([first.tolist(), second.tolist()], groups=groups)
    run = sequential(run)
    [comparison] = compare(join([run]), RULE)
    assert comparison.stopped_at is not None
    assert comparison.verdict == "better"
    assert comparison.stopped_at == looked(run).at


def test_without_a_difference_nothing_is_decided_but_once_in_a_while() -> None:
    rng = np.random.default_rng(1)  # noqa: TID251 - seeded
    decided = 0
    for _ in range(200):
        d = (rng.random(150) < 0.5).astype(float) - (rng.random(150) < 0.5)
        decided += first_decided(evidence(d, single=True), d, ONE_PAIR, RULE) is not None
    assert decided <= 10  # at most 2.5 % in the long run
