"""What a judge is held to say of an answer that people have labelled."""

from __future__ import annotations

import pytest

from promptlab.analysis.passports import Counted
from promptlab.core.errors import PromptlabError
from promptlab.core.results import Result
from promptlab.core.types import Outcome
from promptlab.workbench.labelled import Answer, Labelled, score_of


def result(score: float, passed: bool | None, **more: object) -> Result:
    values: dict[str, object] = {
        "seq": 0, "run_id": "r1", "suite": "s", "template": "t", "version": "v1", "arm": "t@v1",
        "practices": "", "backend": "small", "model": None, "case_id": "c1", "case_group": None,
        "repeat": 0, "outcome": Outcome.OK, "output": "Yes.", "scorer": "rubric", "score": score,
        "passed": passed, "reason": None, "input_tokens": None, "output_tokens": None,
        "cost_usd": None, "latency_s": None, "cached": False, "error": None, "created_at": "",
    }  # fmt: skip
    return Result(**{**values, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("score", "passed", "said"),
    [
        (0.5, False, 0.0),  # grade 3 of 5, at_least: 0.8
        (0.75, False, 0.0),
        (1.0, True, 1.0),
        (0.0, True, 1.0),  # at_most: 0.5
        (1.0, False, 0.0),
        (0.5, True, 1.0),  # the judge is split, and leans to a pass
        (1.0, None, 1.0),
    ],
)
def test_where_people_pass_or_fail_the_verdict_counts(
    score: float, passed: bool | None, said: float
) -> None:
    assert score_of(result(score, passed), binary=True) == said
    assert score_of(result(score, passed), binary=False) == score


@pytest.mark.parametrize("score", [0.5, 0.75])
def test_a_number_alone_is_no_verdict(score: float) -> None:
    with pytest.raises(PromptlabError, match="people pass or fail, and 'rubric' gives numbers"):
        score_of(result(score, None), binary=True)


def test_of_pairs_the_number_counts() -> None:
    tie, better = Answer(result(0.5, False), 0), Answer(result(1.0, True), 0)
    for answer in (tie, better):
        answer.ratings["human"]["ann"] = 1.0
    found = Labelled((tie, better), Counted(), pairs=True)
    assert [one.judged for one in found.judgements()] == [0.5, 1.0]
