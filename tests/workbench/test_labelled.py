"""What a judge is held to say of an answer that people have labelled."""

from __future__ import annotations

import pytest

from promptlab.analysis.passports import Counted
from promptlab.core.errors import PromptlabError
from promptlab.core.results import Result
from promptlab.core.types import Outcome
from promptlab.workbench.labelled import LabelledAnswer, LabelledAnswers, score_of


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


def test_copies_of_an_output_are_one_judgement() -> None:
    copies = [LabelledAnswer(result(1.0, True, seq=seq, repeat=seq), 0) for seq in range(5)]
    other = LabelledAnswer(result(0.0, False, seq=5, repeat=5, output="No."), 0)
    elsewhere = LabelledAnswer(result(1.0, True, seq=6, arm="t@v2"), 0)
    for answer in (*copies, other, elsewhere):
        answer.ratings["human"]["ann"] = 1.0
    copies[3].ratings["human"]["bob"] = 0.0
    found = LabelledAnswers((*copies, other, elsewhere), Counted()).judgements()
    assert [(one.arm, one.judged) for one in found] == [("t@v1", 1), ("t@v1", 0), ("t@v2", 1)]
    assert found[0].ratings == {"ann": 1.0, "bob": 0.0}
    assert [*copies[0].ratings["human"]] == ["ann"]  # each keeps its own label


def test_of_pairs_the_number_counts() -> None:
    tie, better = (
        LabelledAnswer(result(0.5, False), 0),
        LabelledAnswer(result(1.0, True, case_id="c2"), 0),
    )
    for answer in (tie, better):
        answer.ratings["human"]["ann"] = 1.0
    found = LabelledAnswers((tie, better), Counted(), pairs=True)
    assert [one.judged for one in found.judgements()] == [0.5, 1.0]
