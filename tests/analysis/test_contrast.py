"""What a contrast says beside its verdict: cases, tokens, prices, and what was stopped early."""

from __future__ import annotations

from dataclasses import replace

import pytest

from promptlab.analysis.compare import Comparison, compare
from promptlab.analysis.contrast import Change
from promptlab.analysis.measurements import join
from promptlab.core.decision import Rule
from promptlab.core.results import MeasuredRun
from promptlab.core.types import Sequential
from promptlab.stats.paired import paired_t
from promptlab.stats.power import minimum_detectable_effect
from promptlab.stats.sequential import confidence_sequence, e_binary

from .measured_runs import (
    ABSENT,
    Quantities,
    binary_scores,
    measured_run,
    texts,
    versions,
)


def only(run: MeasuredRun, rule: Rule | None = None) -> Comparison:
    [one] = compare(join([run]), rule or Rule())
    return one


# Cases and means.


def test_the_cases_won_and_lost_are_named_and_the_ties_counted() -> None:
    one = only(measured_run([[0.0, 1.0, 1.0, 0.0], [1.0, 0.0, 1.0, 1.0]], cases=list("abcd")))
    assert (one.won, one.lost, one.ties) == (("a", "d"), ("b",), 1)
    assert (one.n, one.mean_a, one.mean_b, one.delta) == (4, 0.5, 0.75, 0.25)


def test_what_only_one_arm_has_does_not_count() -> None:
    one = only(measured_run([[0.0, 1.0, ABSENT], [1.0, 1.0, 0.0]]))
    assert (one.n, one.mean_a, one.mean_b, one.won, one.lost) == (2, 0.5, 1.0, ("c0",), ())


def test_without_a_common_case_nothing_is_known() -> None:
    one = only(measured_run([[1.0, ABSENT], [ABSENT, 1.0]]))
    assert (one.n, one.mean_a, one.mean_b, one.delta, one.ci) == (0, None, None, None, None)
    assert (one.tokens, one.cases_needed, one.detectable, one.p_adjusted) == (None,) * 4
    assert one.verdict == "refused"


def test_rates_are_told_from_numbers() -> None:
    assert only(measured_run(binary_scores(3, 3))).is_rate
    assert not only(measured_run(binary_scores(3, 3), verdicts=False)).is_rate
    assert not only(measured_run([[0.0, 1.0], [0.5, 1.0]])).is_rate


def test_the_detectable_difference_is_that_of_the_cases_at_hand() -> None:
    one = only(measured_run(binary_scores(12, 5, 40)))
    assert one.effect.se is not None
    assert one.detectable == minimum_detectable_effect(one.effect.se, 0.05)


# What it takes.


def priced(per_arm: tuple[Quantities, Quantities], scores: list[list[float]]) -> Comparison:
    return only(measured_run(scores, took=lambda arm, case: per_arm[arm]))


def test_tokens_cost_and_latency_are_compared_on_the_same_cases() -> None:
    takes: list[list[Quantities]] = [
        [(10, 2, 0.01, 0.5), (20, 4, 0.02, 1.5), (30, 6, None, None)],
        [(20, 3, 0.04, 0.5), (40, 9, 0.05, 1.0), (60, None, 0.06, 1.0)],
    ]
    run = measured_run([[1.0] * 3] * 2, took=lambda arm, case: takes[arm][case])
    one = only(run)
    student = paired_t([11, 25])
    assert one.tokens is not None
    assert one.tokens == Change(18.0, 36.0, 18.0, one.tokens.ci)
    assert one.tokens.ci == pytest.approx((student.low, student.high))
    assert one.tokens.ratio == 2.0
    assert one.output_tokens is not None
    assert (one.output_tokens.mean_a, one.output_tokens.mean_b) == (3.0, 6.0)
    assert one.cost_usd is not None
    assert one.cost_usd.delta == pytest.approx(0.03)
    assert one.cost_usd.ci is None  # the same on all cases: no spread
    assert one.latency_s is not None
    assert one.latency_s.delta == -0.25


def test_the_interval_of_tokens_allows_for_groups() -> None:
    took = [(float(at // 5), 0.0, None, None) for at in range(20)]
    run = measured_run(
        [[1.0] * 20] * 2,
        took=lambda arm, case: took[case] if arm else (0.0, 0.0, None, None),
        groups=[f"g{at // 5}" for at in range(20)],
    )
    alone = replace(run, cases=tuple(replace(case, group=None) for case in run.cases))
    widths = []
    for one in (only(run), only(alone)):
        assert one.tokens is not None
        assert one.tokens.ci is not None
        widths.append(one.tokens.ci[1] - one.tokens.ci[0])
    assert widths[0] > 2 * widths[1]


def test_what_is_unknown_is_not_compared() -> None:
    one = priced(((None, 1, None, None), (3, 1, 0.5, 1.0)), binary_scores(10, 10))
    assert (one.tokens, one.cost_usd, one.latency_s) == (None, None, None)
    assert one.output_tokens == Change(1.0, 1.0, 0.0, None)


def test_there_is_no_ratio_to_nothing() -> None:
    assert Change(0.0, 2.0, 2.0, None).ratio is None


def test_the_price_of_a_point_is_told_where_b_is_shown_to_score_more_and_cost_more() -> None:
    better, alike = binary_scores(30, 2, 32), binary_scores(5, 4, 55)
    cheap: Quantities = (1, 1, 0.01, None)
    dear: Quantities = (1, 1, 0.08, None)
    one = priced((cheap, dear), better)
    assert one.usd_per_point == pytest.approx(0.07 / (28 / 64))
    assert priced((cheap, dear), alike).usd_per_point is None
    assert priced((dear, cheap), better).usd_per_point is None
    assert priced((cheap, dear), better[::-1]).usd_per_point is None
    assert only(measured_run(better)).usd_per_point is None


# Runs that may stop early.


def sequential(run: MeasuredRun, *pairs: tuple[int, int]) -> MeasuredRun:
    return replace(run, sequential=Sequential(0.05, pairs))


def test_a_decided_pair_has_the_confidence_sequence_up_to_its_decision() -> None:
    scores = binary_scores(20, 0, 20)
    one = only(sequential(measured_run(scores), (0, 1)))
    assert one.stopped_at == 15  # the smallest number that bears a verdict
    assert one.effect.method == "e-process"
    assert one.effect.p == pytest.approx(2 / e_binary(15, 0))
    assert one.ci == confidence_sequence([1.0] * 15)
    assert one.verdict == "better"
    assert texts(one.warnings) == ("decided after 15 cases: the difference itself is optimistic",)


def test_what_came_in_after_a_decision_does_not_undo_it() -> None:
    scores = [[0.0] * 15 + [1.0] * 30, [1.0] * 15 + [0.0] * 30]
    one = only(sequential(measured_run(scores), (0, 1)))
    assert (one.stopped_at, one.verdict) == (15, "better")


def test_an_undecided_pair_is_tested_at_the_end_at_half_of_the_level() -> None:
    run = measured_run([row[::-1] for row in binary_scores(9, 3, 40)])
    fixed, looked = only(run), only(sequential(run, (0, 1)))
    assert looked.stopped_at is None
    assert fixed.effect.p is not None
    assert looked.effect.p == pytest.approx(2 * fixed.effect.p)
    assert replace(looked.effect, p=None) == replace(fixed.effect, p=None)
    assert texts(looked.warnings) == ()


def test_an_unfinished_pair_has_what_holds_at_any_time() -> None:
    scores = binary_scores(9, 3, 40)
    run = measured_run([scores[0], [*scores[1][:-1], ABSENT]])
    one = only(sequential(run, (0, 1)))
    assert (one.stopped_at, one.effect.method) == (None, "e-process")
    assert one.verdict == "undecided"


def test_groups_that_decide_are_told_as_groups() -> None:
    scores = [[0.0] * 40, [1.0] * 40]
    run = measured_run(scores, groups=[f"g{at // 2}" for at in range(40)])
    one = only(sequential(run, (0, 1)))
    told = f"decided after {one.stopped_at} groups of cases: the difference itself is optimistic"
    assert texts(one.warnings) == (told,)
    assert one.verdict == "better"


def test_a_group_of_cases_is_not_judged_by_what_decided_the_pair() -> None:
    run = measured_run(binary_scores(40, 0), groups=[f"g{at % 2}" for at in range(40)])
    found = compare(join([sequential(run, (0, 1))]), Rule(), by="group")
    assert [(one.stopped_at, one.effect.method) for one in found] == [(None, "mcnemar-midp")] * 2
    assert {one.verdict for one in found} == {"refused"}


def test_the_decision_of_several_pairs_survives_the_correction_for_all() -> None:
    strong, weak = [1.0] * 40, [float(at % 2) for at in range(40)]
    run = measured_run([weak, strong, weak, weak], arms=versions(4))
    found = compare(join([sequential(run, (0, 1), (0, 2), (0, 3))]), Rule(limits=Rule().limits))
    assert found[0].stopped_at is not None
    assert found[0].verdict == "better"
