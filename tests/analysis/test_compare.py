"""Arms against arms: which pairs there are, and what must hold for any scores."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.analysis.compare import By, Comparison, compare
from promptlab.analysis.families import Family
from promptlab.analysis.measurements import join
from promptlab.core.decision import Limits, Rule
from promptlab.core.errors import PromptlabError
from promptlab.core.measured import MeasuredRun
from promptlab.core.types import Sampling, Sequential
from promptlab.stats.multiplicity import holm
from promptlab.stats.paired import mcnemar_exact, paired_t, sign_flip
from tests.analysis.measured_runs import (
    ABSENT,
    Cell,
    binary_scores,
    measured_arm,
    measured_run,
    texts,
)

BBH = Path(__file__).resolve().parents[3] / "shared/data/bbh/codex_direct_vs_cot.csv"
LAX = Limits(min_cases=1, min_nonzero=1, min_groups=2, max_group_share=1)
MIRRORED = {"better": "worse", "worse": "better"}

Row = list[Cell | Sequence[Cell]]


def pairs(comparisons: Sequence[Comparison]) -> list[tuple[str, str, str | None]]:
    return [(result.a, result.b, result.backend) for result in comparisons]


def only(run: MeasuredRun, rule: Rule) -> Comparison:
    [result] = compare(join([run]), rule)
    return result


# Which pairs there are.


def several(backends: Sequence[str], number: int = 2) -> MeasuredRun:
    arms = [
        measured_arm(f"v{at}", backend=name) for name in backends for at in range(1, number + 1)
    ]
    scores = [[float((at + place) % 3 > 0) for at in range(30)] for place in range(len(arms))]
    return measured_run(scores, arms=arms, groups=[f"g{at % 2}" for at in range(30)])


def test_all_pairs_of_versions_are_compared() -> None:
    comparisons = compare(join([several(["small"], 3)]), Rule())
    assert pairs(comparisons) == [
        ("t@v1", "t@v2", "small"),
        ("t@v1", "t@v3", "small"),
        ("t@v2", "t@v3", "small"),
    ]
    assert {result.scorer for result in comparisons} == {"exact_match"}


def test_all_others_are_set_against_the_baseline() -> None:
    comparisons = compare(join([several(["small"], 3)]), Rule(), baseline="t@v2")
    assert pairs(comparisons) == [("t@v2", "t@v1", "small"), ("t@v2", "t@v3", "small")]


def test_on_several_backends_each_and_all_are_compared() -> None:
    comparisons = compare(join([several(["small", "large"])]), Rule())
    assert pairs(comparisons) == [
        ("t@v1", "t@v2", "small"),
        ("t@v1", "t@v2", "large"),
        ("t@v1", "t@v2", None),
    ]
    deltas = [result.delta for result in comparisons[:2] if result.delta is not None]
    assert comparisons[2].delta == pytest.approx(np.mean(deltas))
    comparisons = compare(join([several(["small", "large"])]), Rule(), baseline="t@v2")
    assert pairs(comparisons)[-1] == ("t@v2", "t@v1", None)


def test_only_what_several_backends_ran_is_pooled() -> None:
    arms = [
        measured_arm("v1"),
        measured_arm("v2"),
        measured_arm("v1", backend="large"),
        measured_arm("v3", backend="large"),
    ]
    comparisons = compare(join([measured_run([[1.0] * 20] * 4, arms=arms)]), Rule())
    assert pairs(comparisons) == [("t@v1", "t@v2", "small"), ("t@v1", "t@v3", "large")]
    comparisons = compare(
        join([measured_run([[1.0] * 20] * 4, arms=arms)]), Rule(), baseline="t@v2"
    )
    assert pairs(comparisons) == [("t@v2", "t@v1", "small")]


def test_two_texts_of_one_label_are_not_pooled() -> None:
    texts = {"small": "sha256:aaaaaa", "large": "sha256:bbbbbb"}
    runs = []
    for number, (backend, digest) in enumerate(texts.items(), 1):
        arms = [measured_arm("v1", digest=digest, backend=backend)]
        arms.append(measured_arm("v2", backend=backend))
        runs.append(measured_run(binary_scores(10, 2, 18), arms=arms, number=number))
    assert [result.backend for result in compare(join(runs), Rule())] == ["small", "large"]
    with pytest.raises(PromptlabError):
        compare(join([only_first(run) for run in runs]), Rule(), by="backend")


def only_first(run: MeasuredRun) -> MeasuredRun:
    return replace(run, arms=run.arms[:1], rows=[row for row in run.rows if row[0] == 0])


def test_backends_are_compared_for_each_version() -> None:
    table = join([several(["small", "large"])])
    comparisons = compare(table, Rule(), by="backend")
    assert pairs(comparisons) == [
        ("t@v1 on small", "t@v1 on large", None),
        ("t@v2 on small", "t@v2 on large", None),
    ]
    comparisons = compare(table, Rule(), by="backend", baseline="large")
    assert pairs(comparisons)[0] == ("t@v1 on large", "t@v1 on small", None)
    three = join([several(["small", "large", "huge"], 1)])
    assert len(compare(three, Rule(), by="backend")) == 3
    assert [result.a for result in compare(three, Rule(), by="backend", baseline="large")] == [
        "t@v1 on large",
        "t@v1 on large",
    ]


def test_versions_are_compared_within_groups_of_cases() -> None:
    run = replace(several(["small"]))
    run = replace(run, cases=(*run.cases[:29], run.cases[29]._replace(group=None)))
    comparisons = compare(join([run]), Rule(), by="group")
    assert [(result.group, result.n, result.effect.n_groups) for result in comparisons] == [
        ("g0", 15, 15),
        ("g1", 14, 14),
    ]


def test_a_run_that_may_stop_early_is_compared_as_it_declared() -> None:
    run = replace(several(["small", "large"], 3), sequential=Sequential(0.05, ((1, 0), (4, 3))))
    alone = replace(run, cases=tuple(case._replace(group=None) for case in run.cases))
    comparisons = compare(join([alone]), Rule())
    assert pairs(comparisons) == [("t@v2", "t@v1", "small"), ("t@v2", "t@v1", "large")]
    assert not any(result.reasons for result in comparisons)
    text = "run r1 stopped its arms early for another comparison"
    assert all(text in texts(result.reasons) for result in compare(join([run]), Rule(), by="group"))
    assert all(
        text in texts(result.reasons) for result in compare(join([run]), Rule(), by="backend")
    )


@pytest.mark.parametrize(
    ("by", "hint"),
    [
        ("version", "run more than one version or backend, or name several runs"),
        ("backend", "run more than one version or backend, or name several runs"),
        ("group", "give the cases groups"),
    ],
)
def test_nothing_to_compare_is_an_error(by: By, hint: str) -> None:
    with pytest.raises(PromptlabError) as caught:
        compare(join([measured_run([[1.0] * 20])]), Rule(), by=by)
    assert str(caught.value) == f"there is nothing to compare by {by} ({hint})"


def test_one_version_alone_in_groups_is_an_error() -> None:
    with pytest.raises(PromptlabError, match="run more than one version"):
        compare(join([measured_run([[1.0, 0.0]], groups=["a", "b"])]), Rule(), by="group")


def test_two_labels_of_one_text_in_two_runs_leave_nothing_to_compare() -> None:
    arms = [measured_arm(version, digest="sha256:same") for version in ("v1", "v2")]
    runs = [measured_run([[1.0]], arms=[arm], number=at) for at, arm in enumerate(arms, 1)]
    with pytest.raises(PromptlabError, match="nothing to compare"):
        compare(join(runs), Rule())


# Verdicts.


def test_all_p_values_are_corrected_together() -> None:
    base = [0.0, 1.0] * 20
    scores = [base, [1.0] * 24 + base[24:], [*base[:20], *[1.0] * 18, 0.0, 0.0]]
    comparisons = compare(join([measured_run(scores)]), Rule())
    raw = [result.effect.p or 0 for result in comparisons]
    assert [result.p for result in comparisons] == raw
    assert [result.p_family for result in comparisons] == pytest.approx(list(holm(raw)))
    assert {result.family for result in comparisons} == {Family("which version", 3)}
    alone = compare(join([measured_run(scores)]), Rule(correct=False))
    assert [result.p_family for result in alone] == raw
    assert [result.ci_simultaneous for result in alone] == [result.ci for result in alone]


def test_a_refused_pair_still_counts_as_one_of_the_family() -> None:
    first, second = binary_scores(15, 4, 21)
    third: Row = [ABSENT, *second[1:]]
    run = measured_run([first, second, third])
    comparisons = compare(join([run]), Rule(limits=Limits(max_missing=0)))
    assert [result.verdict for result in comparisons] == ["better", "refused", "refused"]
    assert comparisons[0].effect.p is not None
    assert comparisons[0].p_adjusted is not None
    assert comparisons[0].p_adjusted > comparisons[0].effect.p


def test_only_a_difference_that_is_large_enough_is_better() -> None:
    run = measured_run(binary_scores(30, 5, 65))
    assert only(run, Rule()).verdict == "better"
    assert only(run, Rule(min_effect=0.1)).verdict == "better"
    assert only(run, Rule(min_effect=0.15)).verdict == "undecided"
    assert only(run, Rule(min_effect=0.4)).verdict == "equivalent"


def test_strict_is_exact() -> None:
    run = measured_run(binary_scores(10, 2, 28))
    mid, exact = only(run, Rule()), only(run, Rule(strict=True))
    assert (exact.effect.method, exact.effect.p) == ("mcnemar-exact", mcnemar_exact(10, 2))
    assert mid.effect.p is not None
    assert exact.effect.p is not None
    assert mid.effect.p < exact.effect.p


def test_repeats_are_averaged_and_tested_as_numbers() -> None:
    first: Row = [[1.0, 0.0, float(at % 2)] for at in range(40)]
    second: Row = [[1.0, 1.0, float(at % 3 == 0)] for at in range(40)]
    result = only(measured_run([first, second]), Rule())
    d = np.mean(second, axis=1) - np.mean(first, axis=1)  # type: ignore[arg-type]
    student = paired_t(d)
    assert (result.effect.method, result.n) == ("paired-t", 40)
    assert result.effect.p == pytest.approx(student.p)
    assert result.ci == pytest.approx((student.low, student.high))


def test_repeats_that_always_agree_are_tested_as_passes() -> None:
    once = binary_scores(12, 2, 26)
    thrice: list[Row] = [[[score] * 3 for score in row] for row in once]
    assert only(measured_run(thrice), Rule()).effect == only(measured_run(once), Rule()).effect


def test_the_same_scores_in_another_order_are_a_tie() -> None:
    first: Row = [[0.1, 0.2, 0.3]] * 20
    second: Row = [[0.3, 0.2, 0.1]] * 20
    result = only(measured_run([first, second]), Rule(min_effect=0.1))
    assert (result.effect.nonzero, result.ties, result.won, result.lost) == (0, 20, (), ())


def test_groups_allow_for_cases_that_resemble_each_other() -> None:
    d, groups = (1, 0, 1, 1, 0, -1, 0, 1, 0, 0), "aaaabbcddd"
    scores = [[float(x < 0) for x in d], [float(x > 0) for x in d]]
    scores = [[10 * score for score in row] for row in scores]  # numbers without bounds
    result = only(measured_run(scores, groups=list(groups)), Rule())
    assert (result.effect.method, result.effect.n_groups) == ("cr2+cubic", 4)
    assert (result.delta, result.effect.se, result.effect.p) == pytest.approx(
        (3.0, 2.952, 0.40106), 1e-4
    )


# Invariants.

passed = st.sampled_from([0.0, 1.0])
quarters = st.sampled_from([0.0, 0.25, 0.5, 1.0])
wide = st.sampled_from([-1.0, 0.0, 0.3, 2.0, 7.0])
failing = st.sampled_from([0.0, 1.0, 1.0, 1.0, None, ABSENT])
thrice = st.lists(passed, min_size=3, max_size=3)


@st.composite
def runs(draw: st.DrawFn) -> MeasuredRun:
    """Draw a run of two arms: passes, numbers, repeats, failures, holes; in groups or not."""
    kind = draw(st.sampled_from([passed, quarters, wide, failing, thrice]))
    pair = draw(st.lists(st.tuples(kind, kind), min_size=6, max_size=40))
    tilt = draw(st.integers(0, len(pair)))
    best = [1.0] * 3 if kind is thrice else 1.0
    scores = [[first for first, _ in pair], [best] * tilt + [second for _, second in pair[tilt:]]]
    names = st.sampled_from([None, "a", "b", "c", "d"])
    size = len(pair)
    groups = draw(st.none() | st.lists(names, min_size=size, max_size=size))
    return measured_run(scores, groups=groups)


rules = st.builds(
    Rule,
    limits=st.sampled_from([Limits(), LAX]),
    strict=st.booleans(),
    min_effect=st.sampled_from([0.0, 0.1, 0.3]),
)


def swapped(run: MeasuredRun) -> MeasuredRun:
    rows = [(1 - (row[0] or 0), *row[1:]) for row in run.rows]
    return replace(run, arms=run.arms[::-1], rows=rows)


def approximately(value: object) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-12) if value is not None else None


@pytest.mark.slow
@given(runs(), rules)
def test_swapping_the_arms_mirrors_the_comparison(run: MeasuredRun, rule: Rule) -> None:
    result, other = only(run, rule), only(swapped(run), rule)
    assert (result.a, result.b) == (other.b, other.a)
    assert result.delta is None or result.delta == approximately(-(other.delta or 0))
    assert result.ci == approximately(other.ci and (-other.ci[1], -other.ci[0]))
    assert (result.won, result.lost, result.ties) == (other.lost, other.won, other.ties)
    assert result.effect.p == approximately(other.effect.p)
    assert result.effect.se == approximately(other.effect.se)
    assert result.verdict == MIRRORED.get(other.verdict, other.verdict)
    assert len(result.reasons) == len(other.reasons)
    assert result.cases_needed == other.cases_needed


@pytest.mark.slow
@given(runs(), rules, st.randoms(use_true_random=False))
def test_the_order_of_cases_never_matters(run: MeasuredRun, rule: Rule, rng: object) -> None:
    order = list(range(len(run.cases)))
    rng.shuffle(order)  # type: ignore[attr-defined]
    place = {old: new for new, old in enumerate(order)}
    rows = [(row[0], place[int(row[1] or 0)], *row[2:]) for row in run.rows]
    moved = replace(run, cases=tuple(run.cases[old] for old in order), rows=rows)
    result, other = only(run, rule), only(moved, rule)
    assert Counter(result.won) == Counter(other.won)
    assert Counter(result.lost) == Counter(other.lost)
    assert result.delta == approximately(other.delta)
    assert result.ci == approximately(other.ci)
    assert result.effect.p == approximately(other.effect.p)
    assert (result.effect.method, result.cases_needed) == (other.effect.method, other.cases_needed)
    assert (result.verdict, len(result.reasons)) == (other.verdict, len(other.reasons))


@pytest.mark.slow
@given(
    st.integers(0, 40),
    st.integers(0, 40),
    st.integers(0, 40),
    st.integers(1, 60),
    st.booleans(),
    st.sampled_from([0.0, 0.02, 0.1]),
)
def test_adding_ties_never_makes_a_verdict_of_passes_stronger(
    wins: int, losses: int, ties: int, more: int, strict: bool, min_effect: float
) -> None:
    """McNemar's test ignores ties, and so does Tango's interval as to whether it contains 0."""
    rule = Rule(strict=strict, min_effect=min_effect)
    if wins + losses + ties < rule.limits.min_cases:
        ties = rule.limits.min_cases - wins - losses  # below it there is no verdict at all
    before = only(measured_run(binary_scores(wins, losses, max(0, ties))), rule)
    after = only(measured_run(binary_scores(wins, losses, max(0, ties) + more)), rule)
    assert after.effect.p == before.effect.p
    if after.verdict in ("better", "worse"):
        assert before.verdict == after.verdict


tenths = st.lists(st.integers(-10, 10).map(lambda x: x / 10), min_size=15, max_size=50)


@pytest.mark.slow
@given(tenths, st.integers(0, 10), st.integers(1, 60), st.sampled_from([0.0, 0.05]))
def test_adding_ties_never_makes_a_verdict_of_numbers_stronger(
    d: list[float], tilt: int, more: int, min_effect: float
) -> None:
    """With S1 and S2 the sums of d and of d², Student's t²/(t² + n - 1) is S1²/(n·S2).

    Its distribution under no difference, that of one squared coordinate on a sphere, has tails that
    grow with n once n times it is beyond about 3, and a verdict needs about 4. The sign-flip test
    sees no ties. So one rule for all n is asked for here: by default the sign-flip test is dropped
    at 30 cases, and a comparison that it alone had held back may pass there.
    """
    rule = Rule(strict=True, min_effect=min_effect)
    d = [min(1.0, max(-1.0, difference + tilt / 10)) for difference in d]
    before, after = (
        only(
            measured_run(
                [[max(0.0, -x) for x in all_], [max(0.0, x) for x in all_]], verdicts=False
            ),
            rule,
        )
        for all_ in (d, [*d, *[0.0] * more])
    )
    if after.verdict in ("better", "worse"):
        assert before.verdict == after.verdict


# Published results.


@cache
def big_bench_hard() -> MeasuredRun:
    with BBH.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return measured_run(
        [[float(row[name]) for row in rows] for name in ("direct", "cot")],
        arms=[measured_arm("direct"), measured_arm("cot")],
        groups=[row["task"] for row in rows],
        cases=[f"{row['task']}/{row['case']}" for row in rows],
    )


needs_bbh = pytest.mark.skipif(not BBH.is_file(), reason="no ../shared/data")


@pytest.mark.slow
@needs_bbh
@pytest.mark.parametrize(("strict", "unadjusted"), [(False, 23), (True, 22)])
def test_big_bench_hard_task_by_task(strict: bool, unadjusted: int) -> None:
    rule = Rule(strict=strict)
    comparisons = compare(join([big_bench_hard()]), rule, by="group")
    assert Counter(result.verdict for result in comparisons) == {
        "better": 15,
        "worse": 1,
        "undecided": 11,
    }
    assert [result.group for result in comparisons if result.verdict == "worse"] == ["word_sorting"]
    assert sum((result.effect.p or 0) <= 0.05 for result in comparisons) == unadjusted


@needs_bbh
def test_big_bench_hard_as_a_whole_is_clustered_by_task() -> None:
    result = only(big_bench_hard(), Rule())
    assert (result.n, result.effect.n_groups, result.effect.method) == (6511, 27, "cr2")
    assert result.effect.se == pytest.approx(0.0439, abs=5e-5)
    assert result.verdict == "better"


# One piece of evidence counts once.


def other_contents(run: MeasuredRun) -> MeasuredRun:
    """Return the run with other contents of all cases, such as after an edit of their tags."""
    cases = tuple(case._replace(digest=f"{case.digest} edited") for case in run.cases)
    return replace(run, cases=cases)


def test_a_case_with_another_content_in_another_run_is_no_new_evidence() -> None:
    clear = measured_run(binary_scores(5, 1, 14))
    again = other_contents(measured_run(binary_scores(5, 1, 14), number=2))
    [once] = compare(join([clear]), Rule(limits=LAX))
    [twice] = compare(join([clear, again]), Rule(limits=LAX))
    assert (twice.n, twice.effect.n_groups, twice.effect.method) == (40, 20, "cr2")
    assert once.effect.p is not None
    assert twice.effect.p is not None
    assert twice.effect.p > 0.05
    assert any("one piece of evidence" in text for text in texts(twice.warnings))
    assert not any("one piece of evidence" in text for text in texts(once.warnings))


def test_copies_of_a_case_are_no_new_evidence() -> None:
    """Each case appears three times under different ids; every arm gave its copies one answer."""
    scores = [[score for score in row for _ in range(3)] for row in binary_scores(5, 1, 14)]
    copied = measured_run(scores, answers=lambda arm, case, _: 100 * (arm + 1) + case // 3)
    result = only(copied, Rule(limits=LAX))
    assert (result.n, result.effect.n_groups) == (60, 20)
    own = only(measured_run(scores), Rule(limits=LAX))
    assert own.effect.n_groups == 60


def test_a_constant_answer_of_one_arm_groups_nothing() -> None:
    run = measured_run(
        binary_scores(5, 1, 14), answers=lambda arm, case, _: 7 if arm == 0 else 100 + case
    )
    assert only(run, Rule(limits=LAX)).effect.n_groups == 20


def test_imports_without_answers_measure_again() -> None:
    """Unknown answers count as different ones in every run, and as the same within one."""
    runs = [
        measured_run(scores, answers=lambda *_: None, number=number)
        for number, scores in enumerate((binary_scores(6, 0, 14), binary_scores(0, 6, 14)), 1)
    ]
    for order in (runs, runs[::-1]):
        [result] = compare(join(order), Rule(limits=LAX))
        assert result.delta == pytest.approx(0.0)
    [same] = compare(join([runs[0], runs[0]]), Rule(limits=LAX))
    assert same.delta == pytest.approx(0.3)


def test_arms_of_one_name_have_one_number_on_every_backend() -> None:
    warm = Sampling(temperature=1.0)
    parts = [
        measured_run([[1.0] * 20], arms=[measured_arm("v1", backend=backend, sampling=sampling)])
        for backend, sampling in (("e1", None), ("e1", warm), ("e2", warm), ("e2", None))
    ]
    runs = [replace(run, info=replace(run.info, run_id=f"r{at}")) for at, run in enumerate(parts)]
    named = {(arm.arm.backend, arm.arm.sampling.temperature): arm.label for arm in join(runs).arms}
    assert named["e1", 0.0] == named["e2", 0.0] != named["e1", 1.0] == named["e2", 1.0]


def test_where_all_groups_agree_there_is_a_test_and_an_interval() -> None:
    groups = [f"g{place // 3}" for place in range(60)]
    scores: list[Row] = [[0.0] * 60, [float(place % 3 > 0) for place in range(60)]]
    result = only(measured_run(scores, groups=groups), Rule())
    assert result.ci is not None
    assert 0 < result.ci[0] < 2 / 3 < result.ci[1]
    assert result.effect.p == sign_flip([1.0] * 20)
    assert result.verdict == "better"


def test_where_all_cases_agree_on_a_number_there_is_a_test_and_an_interval() -> None:
    result = only(measured_run([[0.1] * 40, [0.9] * 40]), Rule())
    assert result.verdict == "better"
    assert result.ci is not None
    assert result.ci[0] < 0.8 < result.ci[1]
