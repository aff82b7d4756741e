from __future__ import annotations

import json
from typing import Any

import pytest

from promptlab.core.types import (
    Completion,
    Image,
    Message,
    Outcome,
    Request,
    Sampling,
    Trial,
    Turn,
    Usage,
)
from promptlab.report.documents.forecast import forecast_json
from promptlab.report.documents.run import run_json, runs_json
from promptlab.report.documents.trial import (
    messages_json,
    result_json,
    shown_json,
    turns_json,
)
from promptlab.report.views.forecast import forecast_view
from promptlab.report.views.runs import runs_view
from promptlab.runner.forecast import CallForecast, Forecast
from promptlab.stats.intervals import t_interval, wilson

from .conftest import (
    build_info,
    build_outcomes,
    build_plan,
    build_result,
    build_scores,
    build_view,
)


def test_a_pass_rate_has_wilsons_interval() -> None:
    view = build_view([build_outcomes(0, ok=100)], [build_scores(0, "exact_match", 0.8, passes=80)])
    [score] = view.arms[0].scores
    assert score.is_rate
    assert (score.low, score.high) == wilson(80, 100)
    assert (score.n, score.trials) == (100, 100)


def test_a_number_has_students_interval() -> None:
    view = build_view([build_outcomes(0, ok=100)], [build_scores(0, "length", 12.5)])
    [score] = view.arms[0].scores
    assert not score.is_rate
    assert (score.low, score.high) == t_interval(12.5, 0.25, 100)


def test_what_is_not_known_has_no_interval() -> None:
    scores = [build_scores(0, "length", None, n=0), build_scores(0, "exact_match", 3.0, n=1)]
    view = build_view([build_outcomes(0, ok=1)], scores)
    assert [(score.low, score.high) for score in view.arms[0].scores] == [(None, None)] * 2
    document = run_json(view, calls=0)
    arms = document["arms"]
    assert isinstance(arms, list)
    assert [score["ci"] for score in arms[0]["scores"]] == [None, None]
    unknown = {"total": None, "mean": None, "known": 0}
    assert arms[0]["output_tokens"] == arms[0]["cost_usd"] == unknown


def test_the_primary_scorer_comes_first() -> None:
    view = build_view([build_outcomes(0, ok=1)], [])
    assert view.scorers == ("exact_match", "length")


def test_the_run_counts_the_outcomes_of_all_arms() -> None:
    outcomes = [build_outcomes(0, ok=3, error=1), build_outcomes(1, ok=2, truncated=2)]
    document = run_json(build_view(outcomes, []), calls=7)
    assert document["outcomes"] == {
        "ok": 5, "truncated": 2, "refused": 0, "empty": 0, "error": 1,
    }  # fmt: skip
    assert (document["trials"], document["calls"]) == (8, 7)
    assert json.loads(json.dumps(document)) == document


def test_a_run_of_the_list_shows_what_is_stored_of_it() -> None:
    [document] = runs_json(runs_view([build_info([build_outcomes(0, ok=3, error=1)])]))
    assert (document["trials"], document["stored"], document["status"]) == (4, 4, "finished")


@pytest.mark.parametrize(
    ("changes", "gradable"),
    [
        ({}, True),
        ({"score": None, "passed": None, "error": "ValueError: no"}, True),
        ({"score": None, "passed": None, "error": "not gradable: 1 to 8 words"}, False),
        ({"scorer": None, "score": None, "passed": None}, None),
        ({"outcome": Outcome.ERROR, "score": None, "error": "not gradable"}, None),
    ],
)
def test_a_result_says_whether_its_scorer_can_tell(
    changes: dict[str, Any], gradable: bool | None
) -> None:
    assert shown_json(build_result(**changes))["gradable"] is gradable


def test_a_result_is_a_row_of_the_view() -> None:
    document = result_json(build_result(passed=None, score=0.5))
    assert "seq" not in document
    assert (document["outcome"], document["passed"], document["score"]) == ("ok", None, 0.5)
    assert json.loads(json.dumps(document)) == document


def test_turns_show_what_was_asked_and_answered() -> None:
    request = Request("k", (Message("user", "Draft."),), Sampling())
    completion = Completion(Outcome.TRUNCATED, "Dear", Usage(1, 2), finish_reason="length")
    assert turns_json([Turn("draft", request, completion, cached=False)]) == [
        {
            "answer": "draft",
            "messages": [{"role": "user", "content": "Draft."}],
            "output": "Dear",
            "thoughts": None,
            "outcome": "truncated",
            "finish_reason": "length",
            "input_tokens": 1,
            "output_tokens": 2,
            "error": None,
            "likelihoods": None,
            "aside": False,
            "backend": None,
        }
    ]


def test_an_image_is_a_part_of_its_message() -> None:
    photo = Image("a/b.png", "image/png", "b2:0", path="/home/me/a/b.png")
    messages = [Message("system", "Look."), Message("user", ("Is this", photo, "red?"))]
    reported = {"image": "a/b.png", "media_type": "image/png", "digest": "b2:0"}
    assert messages_json(messages) == [
        {"role": "system", "content": "Look."},
        {"role": "user", "content": ["Is this", reported, "red?"]},
    ]


@pytest.mark.parametrize("tokens", [None, 120])
def test_a_forecast_shows_unknown_tokens_as_null(tokens: int | None) -> None:
    arms = [CallForecast(4, 8, 2, tokens, exact=False), CallForecast(4, 4, 4, 0)]
    view = forecast_view(build_plan(), Forecast(arms, Trial(0, 0, 0, 0)), {})
    document = forecast_json(view)
    assert (document["calls"], document["stored"]) == (12, 6)
    rows = document["arms"]
    assert isinstance(rows, list)
    assert (rows[0]["prompt_tokens"], rows[0]["exact"]) == (tokens, False)
