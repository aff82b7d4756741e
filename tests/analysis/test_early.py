"""Stopping as soon as a pair is decided: what is declared, what decides, what counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from promptlab.analysis.compare import compare
from promptlab.analysis.early import Look, declared_pairs, look, may_stop_early
from promptlab.analysis.measurements import Measurements, join
from promptlab.core.decision import Rule
from promptlab.core.measured import MeasuredRun
from promptlab.core.types import Sequential
from promptlab.stats.sequential import e_binary, e_path

from .measured_runs import ABSENT, Cell, measured_arm, measured_run, versions

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
    assert may_stop_early(table, [b], [a], everywhere)  # the same with the other sign
    assert not may_stop_early(table, [a], [d], everywhere)
    assert not may_stop_early(table, [a, c], [b, d], everywhere)
    assert not may_stop_early(table, [a], [b], somewhere)
    assert look(table, [a], [d], everywhere, RULE) is None
    assert look(table, [a], [b], somewhere, RULE) is None


def test_a_run_that_declared_nothing_is_not_looked_at() -> None:
    table = join([measured_run([[1.0], [0.0]])])
    assert look(table, table.arms[:1], table.arms[1:], np.array([True]), RULE) is None


def test_scores_beyond_1_are_not_looked_at() -> None:
    table = join([sequential(measured_run([[1.0, 2.0], [0.0, 0.5]]))])
    assert look(table, table.arms[:1], table.arms[1:], np.array([True, True]), RULE) is None


# What is stored.


def test_a_fraction_that_comes_later_does_not_change_an_earlier_decision() -> None:
    scores: list[list[Cell]] = [[0.0] * 30, [1.0] * 30]
    before = looked(sequential(measured_run(scores)))
    scores[1][-1] = 0.5
    after = looked(sequential(measured_run(scores)))
    assert before.at == after.at == 15
    assert before.at_least(0) == after.at_least(0)


def test_swapping_arms_changes_signs_alone() -> None:
    run = sequential(measured_run([[0.0] * 40, [1.0, 0.0, 1.0, 0.0] * 10]))
    table = join([run])
    everywhere = np.ones(40, dtype=bool)
    a, b = table.arms
    one, other = (look(table, [x], [y], everywhere, RULE) for x, y in ((a, b), (b, a)))
    assert one is not None
    assert other is not None
    assert one.at == other.at
    assert one.at is not None
    assert one.at_least(0) == other.at_most(0) < other.at_least(0) == 1
    low, high = one.interval(0.05) or (0, 0)
    assert other.interval(0.05) == pytest.approx((-high, -low))


def test_a_group_counts_with_the_sum_of_its_cases() -> None:
    first: list[Cell] = [0.0] * 60
    second: list[Cell] = [1.0, 0.5, 0.0] * 20  # a mean difference of one half in every group
    run = measured_run([first, second], groups=[f"g{at // 3}" for at in range(60)])
    state = looked(sequential(run))
    path = e_path([0.5] * 20, binary=False)
    assert state.at == int(np.argmax(path >= 40)) + 1
    assert state.p(None) == pytest.approx(2 / path[state.at - 1])


def documents() -> tuple[list[list[Cell]], list[str]]:
    """Return scores of 100 documents: of five, four of one case gain and one of nine loses."""
    scores: list[list[Cell]] = [[], []]
    groups = []
    for document in range(100):
        large = document % 5 == 2
        for case in range(9 if large else 1):
            changed = case < 3 if large else document % 10 < 5
            scores[0].append(float(large))
            scores[1].append(float(changed != large))
            groups.append(f"d{document}")
    return scores, groups


def test_verdict_difference_and_interval_are_of_the_mean_over_cases() -> None:
    """Documents gain 12 points on average, cases lose 8: only the cases were asked about."""
    scores, groups = documents()
    a, b = (np.array(arm, dtype=float) for arm in scores)
    of_cases = float((b - a).mean())
    codes = np.array([int(name[1:]) for name in groups])
    of_documents = float((np.bincount(codes, b - a) / np.bincount(codes)).mean())
    assert of_cases < -0.05 < 0.1 < of_documents
    [comparison] = compare(join([sequential(measured_run(scores, groups=groups))]), RULE)
    assert comparison.verdict in ("worse", "undecided")
    assert comparison.delta == pytest.approx(of_cases)
    low, high = comparison.ci or (1, -1)
    assert low <= of_cases <= high


def test_documents_of_one_size_stop_where_they_stopped_before() -> None:
    """Sums over the largest size are means where all sizes are equal: nothing is lost."""
    rng = np.random.default_rng(3)  # noqa: TID251 - seeded
    first, second = (rng.random(300) * share for share in (0.5, 1.0))
    groups = [f"g{at // 5}" for at in range(300)]
    state = looked(sequential(measured_run([first.tolist(), second.tolist()], groups=groups)))
    path = e_path((second - first).reshape(60, 5).mean(1), binary=False)
    assert state.at == max(15, int(np.argmax(path >= 40)) + 1)


def test_what_counts_is_complete_up_to_the_first_gap() -> None:
    first: list[Cell] = [0.0] * 40
    second: list[Cell] = [1.0] * 40
    second[10] = ABSENT
    state = looked(sequential(measured_run([first, second])))
    assert (state.at, state.complete) == (None, False)
    assert state.p(None) == pytest.approx(2 / e_binary(10, 0))
    assert not looked(sequential(measured_run([[ABSENT, 0.0], [1.0, 1.0]]))).complete
    nothing = looked(sequential(measured_run([[ABSENT, 0.0], [1.0, 1.0]])))
    assert (nothing.at, nothing.sums.size, nothing.interval(0.05)) == (None, 0, None)
    assert nothing.p(None) == 1


def test_a_case_counts_when_all_its_repeats_are_there() -> None:
    first: list[list[Cell]] = [[0.0, 0.0]] * 20
    second: list[list[Cell]] = [[1.0, 1.0]] * 20
    second[5] = [1.0, ABSENT]
    state = looked(sequential(measured_run([first, second])))
    assert state.p(None) == pytest.approx(2 / e_path([1.0] * 5, binary=False)[-1])


def test_a_failed_trial_counts_as_0() -> None:
    state = looked(sequential(measured_run([[1.0] * 20, [None] * 20])))
    assert (state.at, state.complete) == (15, True)


# What both halves say.


def state_of(wins: int, ties: int = 0, *, decided: bool, complete: bool = True) -> Look:
    sums = np.array([1.0] * wins + [0.0] * ties)
    at = sums.size if decided else None
    return Look(at, complete, sums, np.ones(sums.size), single=True)


def test_the_p_value_of_both_halves() -> None:
    e = e_binary(4, 0)  # 3.2
    assert state_of(4, decided=True).p(0.001) == pytest.approx(2 / e)
    assert state_of(4, decided=False).p(0.01) == 0.02
    assert state_of(4, decided=False).p(0.9) == pytest.approx(2 / e)
    assert state_of(0, 3, decided=False).p(0.9) == 1.0
    assert state_of(4, decided=False, complete=False).p(0.001) == pytest.approx(2 / e)
    assert state_of(4, decided=False).p(None) == pytest.approx(2 / e)


def test_the_p_value_is_of_what_was_seen_last_as_the_interval_is() -> None:
    sums = np.array([1.0] * 9 + [-1.0] * 4)
    last = Look(None, True, sums, np.ones(13), single=True)
    assert 2 / e_binary(9, 0) < 0.05  # nothing was decided then: too few cases
    assert last.p(None) == pytest.approx(min(1, 2 / e_binary(9, 4)))
    assert last.at_most(0) == 1
    low, high = last.interval(0.05) or (1, 1)
    assert low < 0 < high


@pytest.mark.parametrize("null", [-0.3, 0.1, 0.45])
def test_one_sided_p_values_go_with_the_interval(null: float) -> None:
    rng = np.random.default_rng(5)  # noqa: TID251 - seeded
    sums, weights = rng.integers(-1, 3, 80) / 4, np.full(80, 0.5)
    state = Look(None, True, sums, weights, single=False)
    for alpha in (0.2, 0.05, 0.01):
        low, high = state.interval(alpha) or (0, 0)
        assert 2 * state.at_least(null) <= alpha or low <= null
        assert 2 * state.at_most(null) <= alpha or high >= null


def test_what_was_decided_says_so_by_its_p_value() -> None:
    """A threshold that is reached on paper is reached: p is then at most the level."""
    run = measured_run([[0.0] * 40, [1.0] * 40, [0.0] * 39 + [1.0]], arms=versions(3))
    state = looked(sequential(run, (0, 1), (0, 2)))
    assert state.at is not None
    assert 2 * state.p(None) <= 0.05


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
