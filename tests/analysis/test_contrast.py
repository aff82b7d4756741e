"""What a contrast reports besides its verdict: cases, tokens, prices, and early stopping."""

from __future__ import annotations

from dataclasses import replace

import pytest

from promptlab.analysis.changes import Change
from promptlab.analysis.compare import Comparison, compare
from promptlab.analysis.measurements import join
from promptlab.core.codes import Code
from promptlab.core.decision import Rule
from promptlab.core.measured import MeasuredRun
from promptlab.core.runs import BackendFacts
from promptlab.core.types import Sequential
from promptlab.stats.paired import paired_t
from promptlab.stats.power import minimum_detectable_effect
from promptlab.stats.sequential import confidence_sequence, e_binary
from promptlab.stats.tango import tango

from .measured_runs import (
    ABSENT,
    Cell,
    Quantities,
    binary_scores,
    measured_run,
    texts,
    versions,
)


def only(run: MeasuredRun, rule: Rule | None = None) -> Comparison:
    [result] = compare(join([run]), rule or Rule())
    return result


# Cases and means.


def test_the_cases_won_and_lost_are_named_and_the_ties_counted() -> None:
    result = only(measured_run([[0.0, 1.0, 1.0, 0.0], [1.0, 0.0, 1.0, 1.0]], cases=list("abcd")))
    assert (result.won, result.lost, result.ties) == (("a", "d"), ("b",), 1)
    assert (result.n, result.mean_a, result.mean_b, result.delta) == (4, 0.5, 0.75, 0.25)


def test_what_only_one_arm_has_does_not_count() -> None:
    result = only(measured_run([[0.0, 1.0, ABSENT], [1.0, 1.0, 0.0]]))
    assert (result.n, result.mean_a, result.mean_b, result.won, result.lost) == (
        2,
        0.5,
        1.0,
        ("c0",),
        (),
    )


def test_without_a_common_case_nothing_is_known() -> None:
    result = only(measured_run([[1.0, ABSENT], [ABSENT, 1.0]]))
    assert (result.n, result.mean_a, result.mean_b, result.delta, result.ci) == (
        0,
        None,
        None,
        None,
        None,
    )
    assert (result.tokens, result.cases_needed, result.detectable, result.p_adjusted) == (None,) * 4
    assert result.verdict == "refused"


def test_rates_are_distinguished_from_numbers() -> None:
    assert only(measured_run(binary_scores(3, 3))).is_rate
    assert not only(measured_run(binary_scores(3, 3), verdicts=False)).is_rate
    assert not only(measured_run([[0.0, 1.0], [0.5, 1.0]])).is_rate


def test_the_detectable_difference_is_that_of_the_cases_at_hand() -> None:
    result = only(measured_run(binary_scores(12, 5, 40)))
    assert result.effect.se is not None
    assert result.detectable == minimum_detectable_effect(result.effect.se, 0.05, df=56)


def test_what_is_planned_is_planned_for_the_family() -> None:
    scores = [*binary_scores(12, 5, 40), binary_scores(12, 5, 40)[1]]
    alone = only(measured_run(scores[:2]))
    assert alone.cases_needed is not None
    assert alone.detectable is not None
    for row in compare(join([measured_run(scores, arms=versions(3))]), Rule(), baseline="t@v1"):
        assert row.cases_needed is not None
        assert row.detectable is not None
        assert row.cases_needed > 1.15 * alone.cases_needed
        assert row.detectable > 1.07 * alone.detectable


# What it takes.


def priced(per_arm: tuple[Quantities, Quantities], scores: list[list[float]]) -> Comparison:
    return only(measured_run(scores, took=lambda arm, case: per_arm[arm]))


def test_tokens_cost_and_latency_are_compared_on_the_same_cases() -> None:
    takes: list[list[Quantities]] = [
        [(10, 2, 0.01, 0.5), (20, 4, 0.02, 1.5), (30, 6, None, None)],
        [(20, 3, 0.04, 0.5), (40, 9, 0.05, 1.0), (60, None, 0.06, 1.0)],
    ]
    run = measured_run([[1.0] * 3] * 2, took=lambda arm, case: takes[arm][case])
    result = only(run)
    student = paired_t([11, 25])
    assert result.tokens is not None
    assert result.tokens == Change(18.0, 36.0, 18.0, result.tokens.ci)
    assert result.tokens.ci == pytest.approx((student.low, student.high))
    assert result.tokens.ratio == 2.0
    assert result.output_tokens is not None
    assert (result.output_tokens.mean_a, result.output_tokens.mean_b) == (3.0, 6.0)
    assert result.cost_usd is not None
    assert result.cost_usd.delta == pytest.approx(0.03)
    assert result.cost_usd.ci is None  # the same on all cases: no spread
    assert result.latency_s is not None
    assert result.latency_s.delta == -0.25


def test_the_interval_of_tokens_allows_for_groups() -> None:
    took = [(float(at // 5), 0.0, None, None) for at in range(20)]
    run = measured_run(
        [[1.0] * 20] * 2,
        took=lambda arm, case: took[case] if arm else (0.0, 0.0, None, None),
        groups=[f"g{at // 5}" for at in range(20)],
    )
    alone = replace(run, cases=tuple(case._replace(group=None) for case in run.cases))
    widths = []
    for result in (only(run), only(alone)):
        assert result.tokens is not None
        assert result.tokens.ci is not None
        widths.append(result.tokens.ci[1] - result.tokens.ci[0])
    assert widths[0] > 2 * widths[1]


def test_what_is_unknown_is_not_compared() -> None:
    result = priced(((None, 1, None, None), (3, 1, 0.5, 1.0)), binary_scores(10, 10))
    assert (result.tokens, result.cost_usd, result.latency_s) == (None, None, None)
    assert result.output_tokens == Change(1.0, 1.0, 0.0, None)


def test_there_is_no_ratio_to_nothing() -> None:
    assert Change(0.0, 2.0, 2.0, None).ratio is None


def test_the_price_of_a_point_is_reported_if_b_is_shown_to_score_more_and_cost_more() -> None:
    better, alike = binary_scores(30, 2, 32), binary_scores(5, 4, 55)
    cheap: Quantities = (1, 1, 0.01, None)
    dear: Quantities = (1, 1, 0.08, None)
    result = priced((cheap, dear), better)
    assert result.usd_per_point == pytest.approx(0.07 / (28 / 64))
    assert priced((cheap, dear), alike).usd_per_point is None
    assert priced((dear, cheap), better).usd_per_point is None
    assert priced((cheap, dear), better[::-1]).usd_per_point is None
    assert only(measured_run(better)).usd_per_point is None


# Runs that may stop early.


def sequential(run: MeasuredRun, *pairs: tuple[int, int]) -> MeasuredRun:
    return replace(run, sequential=Sequential(0.05, pairs))


def test_a_decided_pair_has_the_confidence_sequence_up_to_its_decision() -> None:
    scores = binary_scores(20, 0, 20)
    result = only(sequential(measured_run(scores), (0, 1)))
    assert result.stopped_at == 15  # the smallest number that bears a verdict
    assert result.effect.method == "e-process"
    assert result.effect.p == pytest.approx(2 / e_binary(15, 0))
    sequence = confidence_sequence([1.0] * 15, 0.025)  # the other half is for the end
    assert result.ci == pytest.approx(sequence)
    assert result.verdict == "better"
    assert texts(result.warnings)[-1] == (
        "decided after 15 cases: the difference itself is optimistic"
    )


def test_what_came_in_after_a_decision_does_not_undo_it() -> None:
    scores = [[0.0] * 15 + [1.0] * 30, [1.0] * 15 + [0.0] * 30]
    result = only(sequential(measured_run(scores), (0, 1)))
    assert (result.stopped_at, result.verdict) == (15, "better")


def test_an_undecided_pair_is_tested_at_the_end_at_half_of_the_level() -> None:
    run = measured_run([row[::-1] for row in binary_scores(9, 3, 40)])
    fixed, looked = only(run), only(sequential(run, (0, 1)))
    assert looked.stopped_at is None
    assert fixed.effect.p is not None
    assert looked.effect.p == pytest.approx(2 * fixed.effect.p)
    halved = tango(52, 9, 3, 0.975)
    assert looked.ci == halved
    assert texts(looked.warnings) == ()


def test_a_run_that_stopped_by_a_rule_of_the_past_is_read_by_todays() -> None:
    """Earlier versions bet on the means of documents: 40 small ones that gain, 10 large that lose.

    They stopped, and called b better. Nothing is concluded from that: what is stored is undecided.
    """
    scores: list[list[Cell]] = [[], []]
    groups = []
    for document in range(40):
        size = 9 if document % 4 == 3 else 1
        scores[0] += [1.0, *[0.0] * 8] if size == 9 else [0.0]
        scores[1] += [0.0] * 9 if size == 9 else [1.0]
        groups += [f"d{document}"] * size
    rest = 30
    scores = [[*arm, *[ABSENT] * rest] for arm in scores]
    run = measured_run(scores, groups=[*groups, *[f"e{at}" for at in range(rest)]])
    run = sequential(run, (0, 1))
    stored = len(groups) * 2
    run = replace(run, info=replace(run.info, status="finished", trials=2 * (len(groups) + rest)))
    result = only(run)
    assert result.n * 2 == stored
    assert result.verdict == "undecided"
    assert result.delta == pytest.approx(20 / len(groups))
    [note] = [why for why in result.warnings if why.code is Code.STOPPED_UNDECIDED]
    assert (note.about["after"], note.about["of"]) == (40, 70)


def test_what_lies_within_a_margin_is_not_called_optimistic() -> None:
    scores = [[1.0, 0.0] * 200, [1.0, 0.0] * 199 + [0.0, 1.0]]
    run = replace(measured_run(scores), sequential=Sequential(0.05, ((0, 1),), margin=0.1))
    result = only(run, Rule(min_effect=0.1))
    assert (result.verdict, result.stopped_at == result.n < 400) == ("equivalent", True)
    assert f"decided after {result.n} cases" in texts(result.warnings)


def test_an_order_drawn_again_decides_nothing() -> None:
    run = sequential(measured_run(binary_scores(20, 0, 20)), (0, 1))
    assert only(run).verdict == "better"
    both, one = frozenset({0, 1}), frozenset({0})
    result = only(replace(run, reordered=(("r0", one), ("r1", both))))
    assert result.verdict == "refused"
    assert [why.code for why in result.reasons] == [Code.ORDER_CHANGED]
    assert result.reasons[0].about["first"] == "r1"
    assert only(replace(run, reordered=(("r0", one),))).verdict == "better"


def test_an_unfinished_pair_has_what_holds_at_any_time() -> None:
    scores = binary_scores(6, 3, 43)
    run = measured_run([scores[0], [*scores[1][:-1], ABSENT]])
    result = only(sequential(run, (0, 1)))
    assert (result.stopped_at, result.effect.method) == (None, "e-process")
    assert result.verdict == "undecided"


def test_groups_that_decide_are_reported_as_groups() -> None:
    scores = [[0.0] * 40, [1.0] * 40]
    run = measured_run(scores, groups=[f"g{at // 2}" for at in range(40)])
    result = only(sequential(run, (0, 1)))
    text = f"decided after {result.stopped_at} groups of cases"
    assert texts(result.warnings)[-1] == f"{text}: the difference itself is optimistic"
    assert result.verdict == "better"


def test_a_group_of_cases_is_not_judged_by_what_decided_the_pair() -> None:
    run = measured_run(binary_scores(40, 0), groups=[f"g{at % 2}" for at in range(40)])
    comparisons = compare(join([sequential(run, (0, 1))]), Rule(), by="group")
    assert [(result.stopped_at, result.effect.method) for result in comparisons] == [
        (None, "mcnemar-midp")
    ] * 2
    assert {result.verdict for result in comparisons} == {"refused"}


def test_the_decision_of_several_pairs_survives_the_correction_for_all() -> None:
    strong, weak = [1.0] * 40, [float(at % 2) for at in range(40)]
    run = measured_run([weak, strong, weak, weak], arms=versions(4))
    comparisons = compare(
        join([sequential(run, (0, 1), (0, 2), (0, 3))]), Rule(limits=Rule().limits)
    )
    assert comparisons[0].stopped_at is not None
    assert comparisons[0].verdict == "better"


def test_a_small_p_that_decides_nothing_is_explained() -> None:
    found = only(measured_run([[0.5] * 60, [50.0] * 60]))
    assert (found.verdict, found.ci) == ("undecided", None)
    assert found.p_family is not None
    assert found.p_family < 0.05
    assert Code.NO_INTERVAL in [reason.code for reason in found.warnings]


def test_seconds_of_a_batch_are_not_compared() -> None:
    run = measured_run([[1.0] * 20, [0.0] * 20], took=lambda arm, case: (10, 2, 0.01, 0.5 + arm))
    assert only(run).latency_s is not None
    name = run.arms[0].arm.backend
    facts = {**run.info.facts, name: BackendFacts(in_batches=True)}
    batched = replace(run, info=replace(run.info, facts=facts))
    assert only(batched).latency_s is None
    assert only(batched).tokens == only(run).tokens
