"""What a comparison reads of a run: scores as rows of numbers, and how they were measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from math import isnan
from pathlib import Path

import numpy as np
import pytest

from promptlab.analysis.compare import compare
from promptlab.analysis.measurements import join
from promptlab.core.decision import Rule
from promptlab.core.errors import PromptlabError
from promptlab.core.measured import MEASURED, Ending, MeasuredRun
from promptlab.core.runs import RunSettings
from promptlab.core.types import (
    Outcome,
    Plan,
    Sampling,
    Score,
    ScorerSpec,
    Sequential,
    TrialResult,
    Turn,
)
from promptlab.store import Store

PlanMaker = Callable[..., Plan]
TurnMaker = Callable[..., Turn]
ResultMaker = Callable[..., TrialResult]


def keep(
    store: Store,
    run_id: str,
    plan: Plan,
    results: Sequence[TrialResult],
    *,
    limit: int | None = None,
    fresh: bool = False,
) -> MeasuredRun:
    """Store a run with these results and read it back."""
    store.begin_run(run_id, plan, settings=RunSettings(limit=limit), fresh=fresh)
    with store.writer(run_id) as writer:
        for result in results:
            writer.put_result(result)
    return store.measured(run_id)


def listed(run: MeasuredRun) -> list[tuple[float | None, ...]]:
    """Return the rows with None where something is unknown."""
    return [tuple(None if isnan(value or 0) else value for value in row) for row in run.rows]


def column(run: MeasuredRun, name: str) -> list[float | None]:
    return [row[MEASURED.index(name)] for row in listed(run)]


# Rows.


def test_a_row_holds_all_of_a_trial(
    store: Store, make_plan: PlanMaker, make_result: ResultMaker
) -> None:
    plan = make_plan(cases=2, repeats=2)
    run = keep(store, "r1", plan, [make_result(plan, seq) for seq in range(plan.size)])
    assert [row[:3] for row in listed(run)] == [
        (arm, case, repeat) for case in range(2) for repeat in range(2) for arm in range(2)
    ]
    assert [row[3:6] for row in listed(run)] == [(Ending.OK, 1.0, 1)] * 8
    assert len(set(column(run, "generation"))) == 8
    assert listed(run)[0][7:] == (10, 2, 0.25, 0.5)


def test_a_row_holds_what_the_scorer_found(
    store: Store, make_plan: PlanMaker, make_result: ResultMaker
) -> None:
    plan = make_plan(cases=2)
    scores = [
        Score(1.0, True, gradable=True, found="red", expected="red"),
        Score(0.0, False, gradable=True, found="blue", expected="red"),
        Score(0.0, False, gradable=False, expected="red"),
        Score(0.0, False),
    ]
    results = [make_result(plan, seq, score=score) for seq, score in enumerate(scores)]
    run = keep(store, "r1", plan, results)
    assert column(run, "gradable") == [1, 1, 0, None]
    found = [run.readings.get(int(code)) for code in column(run, "found") if code is not None]
    assert found == ["red", "blue"]
    assert [code is None for code in column(run, "expected")] == [False, False, False, True]
    assert column(run, "found")[0] == column(run, "expected")[1]  # one text has one code


@pytest.mark.parametrize(
    ("outcome", "finish", "ending"),
    [
        (Outcome.OK, "stop", Ending.OK),
        (Outcome.TRUNCATED, "length", Ending.TRUNCATED),
        (Outcome.EMPTY, "stop", Ending.EMPTY),
        (Outcome.REFUSED, "stop", Ending.REFUSED),
        (Outcome.REFUSED, "refusal", Ending.REFUSED),
        (Outcome.REFUSED, None, Ending.REFUSED),
        (Outcome.REFUSED, "content_filter", Ending.FILTERED),
        (Outcome.REFUSED, "PROHIBITED_CONTENT", Ending.FILTERED),
        (Outcome.REFUSED, "blocked by our content filter", Ending.FILTERED),
    ],
)
def test_a_row_says_how_an_answer_came_to_say_nothing(
    store: Store,
    make_plan: PlanMaker,
    make_result: ResultMaker,
    make_turn: TurnMaker,
    outcome: Outcome,
    finish: str | None,
    ending: int,
) -> None:
    plan, turn = make_plan(cases=1), make_turn("k")
    turn = replace(turn, completion=replace(turn.completion, outcome=outcome, finish_reason=finish))
    run = keep(store, "r1", plan, [make_result(plan, 0, turn)])
    assert column(run, "ending") == [ending]


def test_the_scores_of_other_scorers_stand_beside(
    store: Store, make_plan: PlanMaker, make_result: ResultMaker
) -> None:
    plan = make_plan(cases=1, scorers=("exact_match", "length"))
    results = [
        replace(
            make_result(plan, seq), scores={"exact_match": Score(1.0), "length": Score(0.25 * seq)}
        )
        for seq in range(plan.size)
    ]
    run = keep(store, "r1", plan, results)
    assert list(run.others) == ["length"]
    assert sorted(run.others["length"]) == [(0, 0, 0.0), (1, 0, 0.25)]


def test_how_trials_ended(
    store: Store, make_plan: PlanMaker, make_result: ResultMaker, make_turn: TurnMaker
) -> None:
    plan = make_plan(cases=3, versions=("v1",))
    truncated = make_turn("cut")
    truncated = replace(
        truncated, completion=replace(truncated.completion, outcome=Outcome.TRUNCATED)
    )
    results = [
        make_result(plan, 0, make_turn("down", error="no answer")),
        make_result(plan, 1, truncated),
        make_result(plan, 2, score=Score(None, error="ValueError: x")),
    ]
    run = keep(store, "r1", plan, results)
    assert column(run, "ending") == [Ending.FAILED, Ending.TRUNCATED, Ending.OK]
    assert column(run, "score") == [None, 1.0, None]
    assert column(run, "generation")[0] is None
    assert None not in column(run, "generation")[1:]
    [arm] = join([run]).arms
    assert arm.cells.score.tolist() == [0.0, 1.0, 0.0]
    assert arm.cells.failed.tolist() == [1, 0, 1]


def test_a_trial_that_was_never_scored_is_left_out(
    store: Store, make_plan: PlanMaker, make_result: ResultMaker
) -> None:
    plan = make_plan(cases=2, versions=("v1",))
    results = [make_result(plan, seq) for seq in range(2)]
    run = keep(store, "r1", plan, [replace(results[0], scores={}), results[1]])
    assert column(run, "case") == [1]


@pytest.mark.parametrize(
    ("score", "verdict"),
    [
        (Score(1.0, passed=True), 1),
        (Score(0.0, passed=False), 1),
        (Score(0.7, passed=True), 0),
        (Score(0.0), None),
    ],
)
def test_a_verdict_is_a_score_that_is_pass_or_fail(
    store: Store, make_plan: PlanMaker, make_result: ResultMaker, score: Score, verdict: int | None
) -> None:
    plan = make_plan(cases=1, versions=("v1",))
    run = keep(store, "r1", plan, [make_result(plan, 0, score=score)])
    assert column(run, "is_verdict") == [verdict]
    assert join([run]).arms[0].cells.is_verdict == (verdict == 1)


def test_the_primary_scorer_speaks_unless_another_is_named(
    store: Store, make_plan: PlanMaker, make_result: ResultMaker
) -> None:
    plan = make_plan(cases=1, versions=("v1",), scorers=("exact_match", "length"))
    plan = replace(plan, primary="length")
    result = replace(make_result(plan, 0), scores={"exact_match": Score(0.0), "length": Score(0.5)})
    run = keep(store, "r1", plan, [result])
    assert (run.scorer.label, column(run, "score")) == ("length", [0.5])
    other = store.measured("r1", "exact_match")
    assert (other.scorer.label, column(other, "score")) == ("exact_match", [0.0])
    with pytest.raises(PromptlabError) as caught:
        store.measured("r1", "lenght")
    assert str(caught.value) == "unknown scorer 'lenght' of run r1 (did you mean 'length'?)"


# The setting.


def test_under_what_it_was_measured(store: Store, make_plan: PlanMaker) -> None:
    plan = replace(make_plan(repeats=3, group="g"), seed=7, split="holdout")
    run = keep(store, "r1", plan, [])
    assert (run.split, run.seed, run.repeats, run.sequential) == ("holdout", 7, 3, None)
    assert run.info.run_id == "r1"
    assert [measured.arm for measured in run.arms] == list(plan.arms)
    assert {measured.arm.sampling for measured in run.arms} == {Sampling(stop=("\n",), seed=7)}
    assert {measured.backend_digest for measured in run.arms} == {plan.backends[0].digest}
    assert [(case.id, case.group, case.digest) for case in run.cases] == [
        (case.id, case.group, case.digest) for case in plan.cases
    ]
    assert len(run.rows) == 0


def test_how_a_run_may_stop_early(store: Store, make_plan: PlanMaker) -> None:
    sequential = Sequential(0.1, ((0, 1),))
    run = keep(store, "r1", replace(make_plan(), sequential=sequential), [])
    assert run.sequential == sequential
    assert store.load_plan("r1").sequential == sequential


def test_a_judge_is_known_as_one(store: Store, make_plan: PlanMaker) -> None:
    judge = ScorerSpec("kind", "my_scorers:kind", "1", {}, judge=True)
    run = keep(store, "r1", replace(make_plan(), scorers=(judge,), primary="kind"), [])
    assert run.scorer == judge


def test_what_servers_reported(
    store: Store, make_plan: PlanMaker, make_result: ResultMaker, make_turn: TurnMaker
) -> None:
    plan = make_plan(cases=3)
    servers = (
        ("tiny-1", "fp1", ("seed",)),
        ("tiny-2", None, ()),
        ("tiny-1", "fp2", ("seed", "stop")),
    )
    results = []
    for case, (model, fingerprint, warnings) in enumerate(servers):
        turn = make_turn(f"case {case}")
        completion = replace(
            turn.completion, model=model, fingerprint=fingerprint, warnings=warnings
        )
        results.append(make_result(plan, 2 * case, replace(turn, completion=completion)))
    first, second = keep(store, "r1", plan, results).arms
    assert first.models == {"tiny-1", "tiny-2"}
    assert first.fingerprints == {"fp1", "fp2"}
    assert first.warnings == {"seed", "stop"}
    assert (second.models, second.fingerprints, second.warnings) == (frozenset(),) * 3


def test_one_server_is_that_of_the_arms_that_it_answered(
    store: Store, make_plan: PlanMaker, make_result: ResultMaker, make_turn: TurnMaker
) -> None:
    plan, up = make_plan(cases=2), make_turn("up")
    up = replace(up, completion=replace(up.completion, model="tiny-1", fingerprint="fp1"))
    down = make_turn("down", error="no answer")
    results = [make_result(plan, seq, down if seq % 2 else up) for seq in range(plan.size)]
    first, second = keep(store, "r1", plan, results).arms
    assert first.models == {"tiny-1"}
    assert first.fingerprints == {"fp1"}
    assert not second.models
    assert not second.fingerprints


def test_a_server_that_reports_nothing(
    store: Store, make_plan: PlanMaker, make_result: ResultMaker, make_turn: TurnMaker
) -> None:
    plan = make_plan(cases=1, versions=("v1",))
    turn = make_turn("x")
    turn = replace(turn, completion=replace(turn.completion, model=None))
    [arm] = keep(store, "r1", plan, [make_result(plan, 0, turn)]).arms
    assert arm.models == frozenset()


# Looking in steps.


def test_looks_are_earlier_runs_of_the_suite_on_fewer_cases(
    store: Store, make_plan: PlanMaker
) -> None:
    plan = make_plan()
    assert keep(store, "r1", plan, [], limit=10).looks == ()
    assert keep(store, "r2", plan, [], limit=30).looks == (10,)
    assert keep(store, "r3", plan, [], limit=20).looks == (10,)
    assert keep(store, "r4", plan, [], limit=40).looks == (10, 20, 30)
    assert keep(store, "r5", plan, [], limit=40).looks == (10, 20, 30)
    assert store.measured("r1").looks == ()  # later ones are none


def test_a_whole_run_is_not_a_step_and_has_none(store: Store, make_plan: PlanMaker) -> None:
    plan = make_plan()
    keep(store, "r1", plan, [], limit=10)
    assert keep(store, "r2", plan, []).looks == ()
    assert keep(store, "r3", plan, [], limit=20).looks == (10,)


def test_runs_of_other_suites_and_other_texts_are_not_steps(
    store: Store, make_plan: PlanMaker
) -> None:
    keep(store, "r1", replace(make_plan(), suite="other"), [], limit=10)
    keep(store, "r2", make_plan(text="{{ review }} Other."), [], limit=11)
    keep(store, "r3", make_plan(versions=("v2", "v3")), [], limit=12)
    assert keep(store, "r4", make_plan(), [], limit=20).looks == (12,)


# Joined.


def test_an_answer_from_the_cache_counts_once_and_a_fresh_one_again(
    store: Store, make_plan: PlanMaker, make_result: ResultMaker, make_turn: TurnMaker
) -> None:
    plan = make_plan(cases=1, versions=("v1",))
    first = keep(store, "r1", plan, [make_result(plan, 0)])
    cached = make_turn("key 0", cached=True)
    again = keep(store, "r2", plan, [make_result(plan, 0, cached)])
    assert column(first, "generation") == column(again, "generation")
    assert join([first, again]).arms[0].cells.trials.tolist() == [1]
    fresh = keep(store, "r3", plan, [make_result(plan, 0)], fresh=True)
    assert join([first, again, fresh]).arms[0].cells.trials.tolist() == [2]


def test_a_stored_run_is_compared(
    path: Path, clock: Callable[[], datetime], make_plan: PlanMaker, make_result: ResultMaker
) -> None:
    plan = make_plan(cases=40)
    won = np.array([[1, 0, 0, 0] * 10, [1, 1, 1, 0] * 10])
    results = []
    for seq in range(plan.size):
        trial = plan.trial(seq)
        value = float(won[trial.arm, trial.case])
        results.append(make_result(plan, seq, score=Score(value, passed=bool(value))))
    with Store.open(path, clock) as store:
        [comparison] = compare(join([keep(store, "r1", plan, results)]), Rule())
    assert (comparison.verdict, comparison.delta, len(comparison.won), comparison.ties) == (
        "better",
        0.5,
        20,
        20,
    )
    assert (comparison.a, comparison.b, comparison.effect.method) == (
        "sentiment@v1 -role",
        "sentiment@v2 -role",
        "mcnemar-midp",
    )
    assert comparison.tokens is not None
    assert (comparison.tokens.mean_a, comparison.tokens.delta) == (12.0, 0.0)
