"""Every refusal with its reason, and the limits that change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from promptlab.analysis.compare import compare
from promptlab.analysis.measurements import join
from promptlab.core.decision import Calibration, Limits, Rule
from promptlab.core.measured import MeasuredRun
from promptlab.core.types import ScorerSpec, Sequential

from .measured_runs import (
    ABSENT,
    CLEAR,
    binary_scores,
    concluded,
    measured_arm,
    measured_run,
    run_info,
    texts,
    versions,
    with_groups,
)


def refused(run: MeasuredRun | Sequence[MeasuredRun], rule: Rule | None = None) -> tuple[str, ...]:
    result = concluded(run, rule)
    assert (result.verdict == "refused") == bool(result.reasons)
    return texts(result.reasons)


def judged(calibration: Calibration | None, limits: Limits | None = None) -> tuple[str, ...]:
    run = measured_run(CLEAR)
    run = replace(run, scorer=ScorerSpec("kind", "llm", "1", {}, judge=True))
    judges = {} if calibration is None else {"kind": calibration}
    return refused(run, Rule(limits=limits or Limits(), judges=judges))


def test_clear_results_are_not_refused_and_need_no_warning() -> None:
    result = concluded(measured_run(CLEAR))
    assert (result.verdict, texts(result.reasons), result.reason, texts(result.warnings)) == (
        "better",
        (),
        None,
        (),
    )


# Too little.


def test_too_few_cases() -> None:
    run = measured_run(binary_scores(13, 1))
    assert refused(run) == ("14 cases are too few: at least 15",)
    result = concluded(run, Rule(limits=Limits(min_cases=14)))
    assert (result.verdict, texts(result.warnings)) == ("better", ("exploratory: 14 cases",))


def test_under_30_cases_are_exploratory() -> None:
    assert texts(concluded(measured_run(binary_scores(27, 2))).warnings) == (
        "exploratory: 29 cases",
    )
    assert texts(concluded(measured_run(binary_scores(28, 2))).warnings) == ()


def test_too_few_cases_that_differ() -> None:
    run = measured_run(binary_scores(5, 0, 35))
    assert refused(run) == ("only 5 of 40 cases differ: at least 6 must",)
    assert concluded(run, Rule(limits=Limits(min_nonzero=5))).verdict != "refused"


def test_too_few_cases_that_differ_may_still_be_equivalent() -> None:
    run = measured_run(binary_scores(2, 2, 400))
    assert concluded(run).verdict == "refused"
    assert concluded(run, Rule(min_effect=0.02)).verdict == "equivalent"


def test_too_few_groups() -> None:
    run = with_groups(measured_run(CLEAR), [f"g{at % 4}" for at in range(40)])
    assert refused(run) == ("4 groups of cases are too few: at least 5",)
    assert refused(run, Rule(limits=Limits(min_groups=4))) == ()


def test_one_group_with_most_cases() -> None:
    run = with_groups(measured_run(CLEAR), ["big"] * 24 + [f"g{at}" for at in range(16)])
    assert refused(run) == ("one group holds 60 % of the cases",)
    assert refused(run, Rule(limits=Limits(max_group_share=0.6))) == ()


# Different cases.


def without(scores: list[list[float]], arm: int, cases: Sequence[int]) -> MeasuredRun:
    holes = [
        [ABSENT if place == arm and at in cases else score for at, score in enumerate(row)]
        for place, row in enumerate(scores)
    ]
    return measured_run(holes)


def test_different_cases() -> None:
    run = without(binary_scores(40, 5, 55), 1, [0, 1, 2, 3, 4])
    text = "the arms ran on different cases: t@v1 alone has c0, c1, c2 and 2 more"
    assert refused(run) == (text,)
    result = concluded(run, Rule(limits=Limits(max_missing=0.05)))
    assert result.verdict == "better"
    assert result.n == 95
    assert texts(result.warnings) == ("t@v1 alone has c0, c1, c2 and 2 more",)
    assert "t@v1 alone has" not in str(texts(concluded(run).warnings))  # only once, in the reason


def test_two_in_a_hundred_cases_may_be_missing_and_are_named() -> None:
    result = concluded(without(binary_scores(40, 5, 55), 0, [7, 9]))
    assert (result.verdict, texts(result.warnings)) == ("better", ("t@v2 alone has c7, c9",))


def test_cases_of_several_runs_that_differ() -> None:
    [first, second] = CLEAR
    arms = versions(2)
    names = [f"c{at}" for at in range(40)]
    runs = [
        measured_run([first], arms=arms[:1], cases=names),
        measured_run([second], arms=arms[1:], cases=[*names[:39], "new"], number=2),
    ]
    text = "the arms ran on different cases: t@v1 alone has c39, t@v2 alone has new"
    assert refused(runs) == (text,)


def test_no_case_at_all() -> None:
    run = measured_run([[ABSENT, ABSENT], [ABSENT, ABSENT]])
    assert refused(run) == (
        "the arms ran on different cases: there is none",
        "0 cases are too few: at least 15",
    )


def test_sides_of_one_label_are_named_by_their_backends() -> None:
    arms = [measured_arm("v1", backend=name) for name in ("small", "large")]
    run = replace(without(CLEAR, 0, [0, 1]), arms=tuple(arms))
    [result] = compare(join([run]), Rule(), by="backend")
    assert texts(result.reasons) == (
        "the arms ran on different cases: t@v1 on large alone has c0, c1",
    )


# Failures.


def failing(first: int, second: int) -> MeasuredRun:
    """Return a run of 100 cases with the given numbers of failed trials per arm."""
    scores = binary_scores(40, 5, 55)
    holes = [
        [None if at >= 100 - failed else score for at, score in enumerate(row)]
        for failed, row in zip((first, second), scores, strict=True)
    ]
    return measured_run(holes)


def test_more_than_2_percent_of_failed_trials() -> None:
    assert refused(failing(3, 3)) == ("3.0 % and 3.0 % of the trials have no score",)
    assert refused(failing(0, 3)) == ("0.0 % and 3.0 % of the trials have no score",)
    assert refused(failing(2, 2)) == ()
    assert refused(failing(3, 3), Rule(limits=Limits(max_missing=0.03))) == ()


def test_one_arm_that_failed_more_often() -> None:
    lenient = Limits(max_missing=0.1)
    text = "one arm failed more often: 1.0 % and 4.0 % of the trials have no score"
    assert refused(failing(1, 4), Rule(limits=lenient)) == (text,)
    assert refused(failing(4, 1), Rule(limits=lenient)) != ()
    assert refused(failing(2, 4), Rule(limits=lenient)) == ()
    assert refused(failing(1, 4), Rule(limits=replace(lenient, max_failure_gap=0.04))) == ()


def test_failed_trials_count_as_0_and_the_difference_without_them_is_reported() -> None:
    result = concluded(failing(0, 2))
    assert result.delta == pytest.approx((40 - 5 - 2) / 100)
    text = "2 trials without a score count as 0; without them the difference is +0.3571"
    assert texts(result.warnings) == (text,)  # 35/98


def test_failed_trials_of_scores_beyond_1_are_left_out() -> None:
    scores = [[float(at % 7) for at in range(100)], [at % 5 + 1.0 for at in range(100)]]
    result = concluded(measured_run([[None, *scores[0][1:]], scores[1]]))
    assert result.n == 99
    assert texts(result.warnings) == ("1 trials without a score are left out",)


def test_where_all_trials_of_a_case_failed_nothing_is_known_without_them() -> None:
    run = measured_run([[None] * 20, [1.0] * 20])
    assert "20 trials without a score count as 0; without them the difference is unknown" in texts(
        concluded(run).warnings
    )


# How the run was made.


def test_an_unfinished_run() -> None:
    run = replace(measured_run(CLEAR), info=run_info(80, trials=90))
    assert refused(run) == ("run r1 is not finished (80 of 90 trials)",)


def test_of_several_runs_only_those_of_the_arms_must_be_finished() -> None:
    other = measured_run([CLEAR[0]], arms=[measured_arm("v3")], number=2)
    other = replace(other, info=run_info(40, trials=50, number=2))
    comparisons = compare(join([measured_run(CLEAR), other]), Rule())
    unfinished = ("run r2 is not finished (40 of 50 trials)",)
    assert [texts(result.reasons) for result in comparisons] == [(), unfinished, unfinished]


def test_looking_in_steps() -> None:
    run = replace(measured_run(CLEAR), looks=(10, 20))
    text = "looked at after 10, 20 cases before: run the whole suite, or use --until-decided"
    assert refused(run) == (text,)


def sequential(run: MeasuredRun, *pairs: tuple[int, int]) -> MeasuredRun:
    return replace(run, sequential=Sequential(0.05, pairs))


def test_a_pair_that_a_run_which_may_stop_early_did_not_declare() -> None:
    run = sequential(measured_run([*CLEAR, CLEAR[0]], arms=versions(3)), (0, 1), (0, 2))
    [undeclared] = [
        result
        for result in compare(join([run]), Rule(), baseline="t@v2")
        if (result.a, result.b) == ("t@v2", "t@v3")
    ]
    text = "run r1 stopped its arms early for another comparison"
    assert (undeclared.verdict, texts(undeclared.reasons)) == ("refused", (text,))


def test_a_run_that_stopped_early_joined_with_another_one() -> None:
    again = measured_run(CLEAR, number=2)
    text = "run r1 stopped its arms early for another comparison"
    assert text in refused([sequential(measured_run(CLEAR), (0, 1)), again])


def test_a_run_that_may_stop_early_may_be_looked_at_any_time() -> None:
    run = sequential(measured_run(CLEAR), (0, 1))
    assert refused(replace(run, info=run_info(80, trials=200))) == ()


def test_a_run_that_may_stop_early_with_scores_beyond_1_must_be_finished() -> None:
    scores = [[float(at % 7) for at in range(40)], [at % 5 + 1.0 for at in range(40)]]
    run = sequential(measured_run(scores), (0, 1))
    assert refused(run) == ()
    run = replace(run, info=run_info(80, trials=200))
    assert refused(run) == ("run r1 is not finished (80 of 200 trials)",)


def test_arms_that_were_stopped_early_may_have_different_cases() -> None:
    scores = [[*row, 1.0, 1.0, 1.0] for row in CLEAR]
    run = sequential(without(scores, 1, [40, 41, 42]), (0, 1))
    result = concluded(run)
    assert texts(result.reasons) == ()
    assert not [line for line in texts(result.warnings) if "alone" in line]


# One prompt under two names.


def twins(**setting: object) -> MeasuredRun:
    arms = [measured_arm(version, digest="sha256:same") for version in ("v1", "v2")]
    scores = [[float(at % 2) for at in range(40)]] * 2
    return measured_run(scores, arms=arms, **setting)  # type: ignore[arg-type]


IDENTICAL = "both arms share every answer: they are the same prompt under two names"


@pytest.mark.parametrize("rule", [Rule(), Rule(min_effect=0.1)])
def test_a_version_against_itself_is_identical_not_equivalent(rule: Rule) -> None:
    run = twins(answers=lambda arm, case, repeat: case + 1)
    result = concluded(run, rule)
    assert (result.verdict, result.reason) == ("refused", IDENTICAL)


def test_a_failed_trial_does_not_hide_that_arms_are_identical() -> None:
    scores: list[list[float | None]] = [[None, *(1.0,) * 39], [1.0] * 39 + [None]]
    run = measured_run(
        scores,
        answers=lambda arm, case, repeat: None if (arm, case) in {(0, 0), (1, 39)} else case + 1,
    )
    assert refused(run, Rule(min_effect=0.2)) == (IDENTICAL,)


def test_versions_that_share_only_some_answers_are_not_identical() -> None:
    run = measured_run(CLEAR, answers=lambda arm, case, repeat: case + 1 if case else 100 + arm)
    assert refused(run) == ()


def test_answers_that_are_not_known_are_not_identical() -> None:
    run = measured_run(CLEAR, answers=lambda *_: None)  # imported scores without outputs
    assert concluded(run).verdict == "better"


def test_fresh_answers_of_one_version_are_compared_as_any_others() -> None:
    assert texts(concluded(twins()).reasons) == (
        "no difference was seen: no case differs, and at least 6 must",
    )
    assert concluded(twins(), Rule(min_effect=0.1)).verdict == "equivalent"
    noisy = replace(measured_run(binary_scores(10, 11, 20)), arms=twins().arms)
    assert concluded(noisy).verdict == "undecided"


def test_versions_that_share_all_answers_on_one_backend_alone_are_not_identical() -> None:
    arms = [
        measured_arm(version, backend=backend)
        for backend in ("small", "large")
        for version in ("v1", "v2")
    ]
    run = measured_run(
        [*CLEAR, *CLEAR],
        arms=arms,
        answers=lambda arm, case, repeat: case + 1 if arm < 2 else 100 * arm + case + 1,
    )
    by_backend = {result.backend: texts(result.reasons) for result in compare(join([run]), Rule())}
    assert by_backend == {"small": (IDENTICAL,), "large": (), None: ()}
    same = measured_run(
        [*CLEAR, *CLEAR], arms=arms, answers=lambda arm, case, _: 100 * (arm // 2) + case + 1
    )
    by_backend = {result.backend: texts(result.reasons) for result in compare(join([same]), Rule())}
    assert by_backend == {"small": (IDENTICAL,), "large": (IDENTICAL,), None: (IDENTICAL,)}


# Judges.

GOOD = Calibration(labels=80, kappa=0.7, sensitivity=0.9, specificity=0.8)


def test_a_judge_needs_a_good_calibration() -> None:
    assert judged(None) == ("the judge 'kind' was never compared with people's labels",)
    assert judged(GOOD) == ()
    text = "the judge 'kind' is not good enough: its kappa is 0.2, below 0.4"
    assert judged(replace(GOOD, kappa=0.2)) == (text,)
    assert judged(replace(GOOD, kappa=0.2), Limits(min_kappa=0.1)) == ()


def test_all_reasons_are_reported() -> None:
    run = replace(measured_run(binary_scores(5, 5)), looks=(3,))
    assert concluded(run).reason == (
        "looked at after 3 cases before: run the whole suite, or use --until-decided; "
        "10 cases are too few: at least 15"
    )


CHANGED = (
    "the scorer 'exact_match' changed between the runs: grade both again"
    " (promptlab score r1; promptlab score r2)",
)
ASKED_OTHERS = ("the scorer 'exact_match' asked other models in each run: run the suite again",)
OTHERWISE = ("the scorer 'exact_match' has other parameters in each run: run the suite again",)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({}, {"version": "2"}, CHANGED),
        ({"identity": "{}"}, {"identity": '{"source":{}}'}, CHANGED),
        ({"identity": "{}"}, {"params": {"ignore_case": True}}, OTHERWISE),
        (
            {"identity": '{"backends":{"j":"a"}}'},
            {"identity": '{"backends":{"j":"b"}}'},
            ASKED_OTHERS,
        ),
        ({"identity": "{}"}, {"identity": "{}"}, ()),
        ({"identity": None}, {"identity": "{}"}, ()),  # an old run records nothing more
        ({"identity": None}, {"identity": "{}", "version": "2"}, CHANGED),
    ],
)
def test_scores_by_different_rules_bear_no_verdict(
    first: Any, second: Any, expected: tuple[str, ...]
) -> None:
    arms = versions(2)
    runs = [
        replace(run, scorer=replace(run.scorer, **changes))
        for at, changes in enumerate((first, second))
        for run in [measured_run([CLEAR[at]], arms=arms[at : at + 1], number=at + 1)]
    ]
    assert refused(runs) == expected
