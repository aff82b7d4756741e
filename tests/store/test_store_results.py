"""Results: every reader gets what a trial stored, and unknown stays unknown."""

from __future__ import annotations

import sqlite3
import statistics
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptlab.core.digest import digest_text
from promptlab.core.errors import StoreError
from promptlab.core.results import Result, Sum
from promptlab.core.types import (
    Completion,
    Image,
    Likelihood,
    Message,
    Outcome,
    Plan,
    Request,
    Sampling,
    Score,
    TrialResult,
    Turn,
    Usage,
)
from promptlab.core.wanted import ResultFilter
from promptlab.store import Store

MakePlan = Callable[..., Plan]
MakeTurn = Callable[..., Turn]
MakeResult = Callable[..., TrialResult]

COLUMNS = [
    "run_id",
    "suite",
    "template",
    "version",
    "arm",
    "practices",
    "backend",
    "model",
    "case_id",
    "case_group",
    "repeat",
    "outcome",
    "output",
    "scorer",
    "score",
    "passed",
    "reason",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "latency_s",
    "cached",
    "error",
    "created_at",
    "thoughts",
    "tags",
    "gradable",
    "found",
    "vars",
    "expect",
    "graded",
]


def fill(store: Store, run_id: str, results: list[TrialResult]) -> None:
    with store.writer(run_id) as writer:
        for result in results:
            writer.put_result(result)


def test_the_view_has_the_promised_columns(store: Store, path: Path) -> None:
    with sqlite3.connect(path) as raw:
        columns = [column[0] for column in raw.execute("SELECT * FROM results").description]
    raw.close()
    assert columns == COLUMNS
    assert [field.name for field in fields(Result)] == ["seq", *COLUMNS]


def test_a_result_row_holds_everything(
    store: Store, make_plan: MakePlan, make_result: MakeResult
) -> None:
    plan = make_plan(cases=1, versions=("v1",), group="doc")
    store.begin_run("r1", plan)
    fill(store, "r1", [make_result(plan, 0, score=Score(0.5, reason="half"))])
    assert list(store.results("r1")) == [
        Result(
            seq=0,
            run_id="r1",
            suite="sentiment",
            template="sentiment",
            version="v1",
            arm="sentiment@v1 -role on small",
            practices="clear",
            backend="small",
            model="tiny-1",
            case_id="c0",
            case_group="doc",
            repeat=0,
            outcome=Outcome.OK,
            output="positive",
            scorer="exact_match",
            score=0.5,
            passed=None,
            reason="half",
            input_tokens=10,
            output_tokens=2,
            cost_usd=0.25,
            latency_s=0.5,
            cached=False,
            error=None,
            created_at="2026-01-01T00:00:02.000+00:00",
            tags=("short",),
            vars=plan.cases[0].vars,
            expect="positive",
            graded="answer",
        )
    ]


def test_a_failed_trial_has_a_row_for_each_scorer_and_no_score(
    store: Store, make_plan: MakePlan, make_turn: MakeTurn, make_result: MakeResult
) -> None:
    plan = make_plan(scorers=("a", "b"))
    store.begin_run("r1", plan)
    fill(store, "r1", [make_result(plan, 0, make_turn("k", error="HTTP 500"))])
    rows = list(store.results("r1"))
    assert [(row.scorer, row.score, row.passed) for row in rows] == [
        ("a", None, None),
        ("b", None, None),
    ]
    for row in rows:
        assert (row.outcome, row.error, row.output) == (Outcome.ERROR, "HTTP 500", None)
        assert (row.model, row.input_tokens, row.cost_usd) == ("tiny", None, None)


def test_a_failed_scorer_is_an_error_of_its_row(
    store: Store, make_plan: MakePlan, make_result: MakeResult
) -> None:
    plan = make_plan()
    store.begin_run("r1", plan)
    fill(store, "r1", [make_result(plan, 0, score=Score(None, error="boom", traceback="..."))])
    (row,) = store.results("r1")
    assert (row.outcome, row.score, row.error) == (Outcome.OK, None, "boom")
    assert [scores.failed for scores in store.arm_scores("r1")] == [1]


def test_a_run_without_scorers_still_has_rows(
    store: Store, make_plan: MakePlan, make_result: MakeResult
) -> None:
    plan = make_plan(scorers=())
    store.begin_run("r1", plan)
    fill(store, "r1", [make_result(plan, 0)])
    assert [(row.output, row.scorer) for row in store.results("r1")] == [("positive", None)]


def test_a_row_shows_the_answer_that_its_scorer_graded(
    store: Store, path: Path, make_plan: MakePlan, make_turn: MakeTurn
) -> None:
    plan = make_plan(scorers=("last", "first", "all"))
    store.begin_run("r1", plan)
    turns = tuple(
        Turn(name, make_turn(name, output).request, make_turn(name, output).completion, False)
        for name, output in (("draft", "rough"), ("final", "smooth"))
    )
    scores = {
        "last": Score(1.0, passed=True),
        "first": Score(0.0, passed=False, graded=(0, "draft")),
        "all": Score(None, error="not gradable: long", graded=(1, "all")),
    }
    fill(store, "r1", [TrialResult(plan.trial(0), turns, 1, Outcome.OK, None, scores)])
    shown = [(row.scorer, row.graded, row.output) for row in store.results("r1")]
    assert shown == [("last", "final", "smooth"), ("first", "draft", "rough"),
                     ("all", "all", "smooth")]  # fmt: skip
    assert store.gradings.scores("r1", "first") == {0: scores["first"]}
    spec = replace(plan.scorers[1], version="9")
    store.end_run("r1", "finished")
    store.gradings.replace("r1", spec, {0: Score(1.0, passed=True)})
    assert store.gradings.scores("r1", "first")[0].graded is None
    with sqlite3.connect(path) as raw:
        former = raw.execute("SELECT turn, answer FROM former_scores").fetchall()
    raw.close()
    assert former == [(0, "draft")]


def test_a_sum_with_an_unknown_part_is_unknown(
    store: Store, make_plan: MakePlan, make_turn: MakeTurn
) -> None:
    plan = make_plan()
    store.begin_run("r1", plan)
    known = make_turn("a")
    partly = replace(known.completion, usage=Usage(output_tokens=5), cost_usd=None)
    turns = (known, Turn("revised", make_turn("b").request, partly, cached=True))
    scores = {"exact_match": Score(0.0, passed=False)}
    fill(store, "r1", [TrialResult(plan.trial(0), turns, 1, Outcome.OK, None, scores)])
    (row,) = store.results("r1")
    assert (row.input_tokens, row.output_tokens) == (None, 7)
    assert (row.cost_usd, row.latency_s, row.cached) == (None, 1.0, False)


@pytest.fixture
def mixed(store: Store, make_plan: MakePlan, make_turn: MakeTurn, make_result: MakeResult) -> Store:
    """Case c0 passes, c1 fails, c2 ends in an error, each on v1 (even) and v2 (odd)."""
    plan = make_plan()
    store.begin_run("r1", plan)
    passed, failed = Score(1.0, passed=True), Score(0.0, passed=False)
    results = [make_result(plan, seq, score=passed if seq < 2 else failed) for seq in range(4)]
    results += [make_result(plan, seq, make_turn("k", error="late")) for seq in (4, 5)]
    fill(store, "r1", results)
    return store


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (ResultFilter(), [0, 1, 2, 3, 4, 5]),
        (ResultFilter(failed=True), [2, 3]),
        (ResultFilter(errors=True), [4, 5]),
        (ResultFilter(failed=True, errors=True), [2, 3, 4, 5]),
        (ResultFilter(cases=("c0", "c2")), [0, 1, 4, 5]),
        (ResultFilter(templates=(("sentiment", "v2"),)), [1, 3, 5]),
        (ResultFilter(templates=(("sentiment", None),), limit=2), [0, 1]),
        (ResultFilter(templates=(("other", None),)), []),
        (ResultFilter(where="score = 0 AND version = 'v1' -- why?"), [2]),
        (ResultFilter(where="case_id = 'c0' OR error = 'late'", failed=True), []),
        (ResultFilter(limit=0), []),
    ],
)
def test_results_are_filtered(mixed: Store, wanted: ResultFilter, expected: list[int]) -> None:
    assert [row.seq for row in mixed.results("r1", wanted)] == expected


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("scor > 1", "no such column: scor"),
        ("score >", "syntax error"),
        ("1) OR (1", "syntax error"),
        ("1 THEN 1 END FROM runs; --", "one statement"),
        ("1; DELETE FROM runs", "syntax error"),
        ("1) /*", "syntax error"),
        ("count(*) > 1", "misuse of aggregate"),
        ("json_extract(output, '$') = 1", "malformed JSON"),
        ("score = ?", "binding"),
    ],
)
def test_a_bad_condition_is_reported_in_the_words_of_sqlite(
    mixed: Store, where: str, text: str
) -> None:
    with pytest.raises(StoreError, match=text) as caught:
        list(mixed.results("r1", ResultFilter(where=where)))
    assert "case_group" in str(caught.value.hint)
    assert mixed.stats().rows["runs"] == 1


def test_outcomes_are_counted_by_arm(mixed: Store) -> None:
    first, second = mixed.arm_outcomes("r1")
    assert (first.arm, second.arm) == (0, 1)
    assert (first.trials, first.cached) == (3, 0)
    assert first.outcomes == {**dict.fromkeys(Outcome, 0), Outcome.OK: 2, Outcome.ERROR: 1}
    assert first.input_tokens == Sum(known=2, total=20, mean=10.0)
    assert first.cost_usd == Sum(known=2, total=0.5, mean=0.25)


def test_scores_are_counted_by_arm(mixed: Store) -> None:
    first, _ = mixed.arm_scores("r1")
    assert (first.scorer, first.n_cases, first.n_groups, first.n_scores) == ("exact_match", 3, 3, 2)
    assert (first.unscored, first.as_zero, first.n_counted) == (
        1,
        True,
        3,
    )  # its third trial failed
    assert (first.mean, first.variance) == pytest.approx((1 / 3, 1 / 3))
    assert (first.passes, first.failed) == (1, 0)


def test_a_partial_score_is_not_a_verdict(
    store: Store, make_plan: MakePlan, make_result: MakeResult
) -> None:
    plan = make_plan(cases=1, group="doc")
    store.begin_run("r1", plan)
    fill(store, "r1", [make_result(plan, 0, score=Score(0.7, passed=True))])
    (only,) = store.arm_scores("r1")
    assert (only.passes, only.variance, only.n_groups) == (None, None, 1)


def test_a_case_called_as_a_group_is_counted_apart_from_it(
    store: Store, make_plan: MakePlan, make_result: MakeResult
) -> None:
    plan = make_plan(cases=3, versions=("v1",), group="g")
    lone = replace(make_plan(cases=1).cases[0], id="g", digest=digest_text("g"))
    plan = replace(plan, cases=(*plan.cases, lone))
    store.begin_run("r1", plan)
    fill(store, "r1", [make_result(plan, seq) for seq in range(plan.size)])
    (scores,) = store.arm_scores("r1")
    assert (scores.n_cases, scores.n_groups) == (4, 2)


@pytest.mark.slow
@settings(max_examples=25)
@given(table=st.lists(st.lists(st.floats(-9, 9), min_size=2, max_size=2), min_size=1, max_size=8))
def test_means_are_over_cases_not_repeats(
    store: Store, make_plan: MakePlan, make_result: MakeResult, table: list[list[float]]
) -> None:
    plan = make_plan(cases=len(table), repeats=2, versions=("v1",), group="all")
    run_id = f"r{len(store.runs())}"
    store.begin_run(run_id, plan)
    trials = [plan.trial(seq) for seq in range(plan.size)]
    fill(
        store,
        run_id,
        [make_result(plan, t.seq, score=Score(table[t.case][t.repeat])) for t in trials],
    )
    (scores,) = store.arm_scores(run_id)
    means = [sum(repeats) / 2 for repeats in table]
    assert (scores.n_cases, scores.n_scores, scores.n_groups) == (len(table), plan.size, 1)
    assert scores.mean == pytest.approx(statistics.fmean(means), abs=1e-9)
    if len(means) > 1:
        assert scores.variance == pytest.approx(statistics.variance(means), abs=1e-9)


def test_a_conversation_comes_back_as_it_was(
    store: Store, make_plan: MakePlan, make_turn: MakeTurn
) -> None:
    plan = make_plan()
    store.begin_run("r1", plan)
    photo = Image("photo.png", "image/png", "b2:00")
    first = make_turn("a")
    pictured = Request(
        "b2:k", (Message("user", ("Look: ", photo)),), first.request.sampling, {"type": "object"}
    )
    completion = Completion(Outcome.TRUNCATED, "{", Usage(9, 1, 2, 3, 4), 0.1, "m", "length", 0.0)
    turns = (first, Turn("answer", pictured, completion, cached=False))
    scores = {"exact_match": Score(0.0, passed=False)}
    result = TrialResult(plan.trial(0), turns, 1, Outcome.TRUNCATED, None, scores)
    fill(store, "r1", [result])
    assert store.conversation("r1", 0) == turns
    assert store.conversation("r1", 1) == ()


def test_what_was_weighed_comes_back_as_it_was(store: Store, make_plan: MakePlan) -> None:
    plan = make_plan()
    store.begin_run("r1", plan)
    request = Request(
        "b2:k", (Message("user", "Which?"),), Sampling(max_tokens=0), None, ("a", "ü")
    )
    likelihoods = (Likelihood(-0.1234567890123, 1, greedy=True), Likelihood(-30.5, 3, greedy=False))
    completion = Completion(Outcome.OK, "a", Usage(9, 0), 0.1, "m", likelihoods=likelihoods)
    turns = (
        Turn("answer", request, completion, cached=False),
        Turn("perplexity", replace(request, key="b2:l", continuations=("ü",)),
             replace(completion, text="ü", likelihoods=likelihoods[1:]), cached=False, aside=True),
        Turn("third", replace(request, key="b2:m"), Completion(Outcome.ERROR, error="down"),
             cached=False, aside=True),
    )  # fmt: skip
    scores = {"exact_match": Score(0.0, passed=False)}
    fill(store, "r1", [TrialResult(plan.trial(0), turns[:2], 0, Outcome.OK, None, scores)])
    assert store.conversation("r1", 0) == turns[:2]
    assert store.completions(["b2:k"], None)["b2:k"] == completion
    [result] = store.results("r1", ResultFilter())
    assert (result.input_tokens, result.latency_s) == (9, 0.1)  # what is aside does not count
    failed = TrialResult(plan.trial(1), turns, None, Outcome.ERROR, "down", {})
    fill(store, "r1", [failed])
    assert [turn.aside for turn in store.conversation("r1", 1)] == [False, True, True]
    assert store.verify() == []


def test_a_failed_call_shows_what_it_asked(
    store: Store, make_plan: MakePlan, make_turn: MakeTurn
) -> None:
    plan = make_plan()
    store.begin_run("r1", plan)
    turns = (make_turn("a"), make_turn("b", error="HTTP 500"))
    fill(store, "r1", [TrialResult(plan.trial(0), turns, None, Outcome.ERROR, "HTTP 500", {})])
    assert store.conversation("r1", 0) == turns
    assert store.verify() == []
