"""Whatever servers and user-defined code give, it costs its own record alone; keys are not kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from promptlab.core.errors import PromptlabError
from promptlab.core.masking import remember
from promptlab.core.types import Completion, Likelihood, Outcome, Plan, Score, TrialResult, Usage
from promptlab.store import Store

MakePlan = Callable[..., Plan]
MakeResult = Callable[..., TrialResult]

KEY = "sk-test-Zx81kQ02mW93nE74bR65vT"
HALF = "m\ud800"


def stored(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(path) as connection:
        return connection.execute(sql).fetchall()


def answered(result: TrialResult, **values: Any) -> TrialResult:
    """Return a result whose answer has these values, right or wrong."""
    [turn] = result.turns
    return replace(result, turns=(replace(turn, completion=replace(turn.completion, **values)),))


MENDED: dict[str, tuple[dict[str, Any], str, object]] = {
    "half a surrogate pair": ({"model": HALF}, "model", "m\\ud800"),
    "half a pair as a reason": ({"finish_reason": HALF}, "finish_reason", "m\\ud800"),
    "a NUL": ({"model": "a\0b"}, "model", "a\0b"),
    "an integer beyond 64 bits": ({"usage": Usage(2**70, 1)}, "input_tokens", None),
    "not a number": ({"latency_s": float("nan")}, "latency_s", None),
    "a cost without an end": ({"cost_usd": Fraction(1, 2)}, "cost_usd", 0.5),
}


@pytest.mark.parametrize("name", MENDED)
def test_a_value_that_no_table_can_hold_is_mended(
    path: Path, store: Store, make_plan: MakePlan, make_result: MakeResult, name: str
) -> None:
    values, column, expected = MENDED[name]
    plan = make_plan()
    store.begin_run("r1", plan)
    results = [make_result(plan, seq) for seq in range(4)]
    with store.writer("r1") as writer:
        for result in (*results[:2], answered(results[2], **values), results[3]):
            for turn in result.turns:
                writer.put_turn(turn)
            writer.put_result(result)
    assert store.finished("r1") == {0, 1, 2, 3}
    rows = stored(path, f"SELECT {column} FROM generations ORDER BY id")
    assert len(rows) == 4
    assert (expected,) in rows


UNSTORABLE: dict[str, Callable[[TrialResult], TrialResult]] = {
    "no text": lambda result: answered(result, text=5),
    "an outcome of its own": lambda result: answered(result, outcome="great"),
    "a likelihood that is no number": lambda result: answered(
        result, likelihoods=(Likelihood(float("nan"), 1, greedy=True),)
    ),
    "a reason that is no text": lambda result: replace(
        result,
        scores={label: Score(1.0, reason=7) for label in result.scores},  # type: ignore[arg-type]
    ),
    "a scorer that nobody planned": lambda result: replace(result, scores={"other": Score(1.0)}),
    "no usage": lambda result: answered(result, usage=None),
}


@pytest.mark.parametrize("name", UNSTORABLE)
def test_a_record_that_cannot_be_stored_fails_alone(
    path: Path, store: Store, make_plan: MakePlan, make_result: MakeResult, name: str
) -> None:
    plan = make_plan()
    store.begin_run("r1", plan)
    results = [make_result(plan, seq) for seq in range(4)]
    results[1] = UNSTORABLE[name](results[1])
    with store.writer("r1") as writer:
        for result in results:
            for turn in result.turns:
                writer.put_turn(turn)
            writer.put_result(result)
    assert store.finished("r1") == {0, 2, 3}
    [(outcome, error)] = stored(path, "SELECT outcome, error FROM trials WHERE seq = 1")
    assert outcome == "error"
    assert error.startswith("it cannot be stored: ")
    assert stored(path, "SELECT count(*) FROM trials") == [(4,)]
    assert store.verify() == []


def test_keys_are_struck_out_of_all_that_is_stored(
    path: Path, store: Store, make_plan: MakePlan, make_result: MakeResult
) -> None:
    remember(KEY)
    plan = make_plan()
    store.begin_run("r1", plan)
    broken = f"{KEY[:9]}\n{KEY[9:]}"
    result = answered(
        make_result(plan, 0), text=broken, model=KEY.lower(), finish_reason=KEY, warnings=(KEY,)
    )
    said = Score(None, reason=KEY, error=f"http://ada:pw@h {KEY}", traceback=f"{broken} line")
    result = replace(result, scores=dict.fromkeys(result.scores, said))
    failed = replace(make_result(plan, 1), outcome=Outcome.ERROR, error=KEY, turns=(), scores={})
    with store.writer("r1") as writer:
        writer.put_result(result)
        writer.put_result(failed)
    dump = "\n".join(sqlite3.connect(path).iterdump())
    assert "[key]" in dump
    assert KEY[9:].lower() not in dump.lower()
    assert "ada:pw" not in dump
    assert store.verify() == []


def test_an_answer_keeps_what_only_looks_like_a_key(
    path: Path, store: Store, make_plan: MakePlan, make_result: MakeResult
) -> None:
    plan = make_plan()
    store.begin_run("r1", plan)
    text = f"Is {KEY} a key, and http://ada:pw@h an address?"
    with store.writer("r1") as writer:
        writer.put_result(answered(make_result(plan, 0), text=text))
    assert (text,) in stored(path, "SELECT output FROM generations")


@pytest.mark.parametrize("part", ["templates", "cases", "backends"])
def test_a_plan_that_holds_a_key_is_refused(
    path: Path, store: Store, make_plan: MakePlan, part: str
) -> None:
    remember(KEY)
    plan = make_plan()
    changes: dict[str, Any] = {
        "templates": tuple(replace(each, source=f"Use {KEY}.") for each in plan.templates),
        "cases": tuple(replace(each, vars={"token": KEY}) for each in plan.cases),
        "backends": tuple(replace(each, identity={"token": KEY}) for each in plan.backends),
    }
    with pytest.raises(PromptlabError, match="holds a key that is in the environment") as caught:
        store.begin_run("r1", replace(plan, **{part: changes[part]}))
    assert KEY not in str(caught.value)
    assert stored(path, "SELECT count(*) FROM runs") == [(0,)]


def test_a_completion_is_checked_for_numbers_that_cannot_be() -> None:
    from promptlab.backends.foreign.answers import flaw

    right = Completion(Outcome.OK, "x", latency_s=0.5, cost_usd=0.0)
    assert flaw(right) is None
    for wrong in (float("nan"), float("inf"), -1.0, 2**2000):
        assert flaw(replace(right, latency_s=wrong)) is not None
        assert flaw(replace(right, cost_usd=wrong)) is not None
    for logprob in (float("nan"), float("-inf"), "much"):
        likelihood = Likelihood(logprob, 1, greedy=True)  # type: ignore[arg-type]
        assert flaw(replace(right, likelihoods=(likelihood,))) is not None
