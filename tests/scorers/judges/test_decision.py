"""`decision`: typed answers with probabilities, weighed by a model that can, else said."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from promptlab.core.errors import PromptlabError
from promptlab.core.types import Case, Completion, Likelihood, Message, Outcome, Score, Turn
from promptlab.scorers.asking import Ask, Asker
from promptlab.scorers.binding import BoundScorer, bind
from promptlab.scorers.judges.weighing import likeliest, probabilities
from promptlab.scorers.sample import Sample
from promptlab.templates.judge_prompts import JudgePrompts

PROMPTS = JudgePrompts()
CASE = Case("c1", {}, "refund", (), None, "b2:0")
BACKENDS = {"own": "b2:o", "api": "b2:a", "api2": "b2:b", "local": "b2:l"}
ASKER = Asker((Message("user", "?"),), "own", BACKENDS, 0, "c1", frozenset(["local"]))
CHOICE = {"kind": "choice", "options": ["refund", "reply", "nothing"], "target": "{{ expect }}"}


def bound(**params: Any) -> BoundScorer:
    given = {"question": "Does it promise a refund?", "judge": "api", **params}
    [scorer] = bind([{"decision": given}], prompts=PROMPTS)
    return scorer


def says(*replies: str) -> Callable[[Ask], Completion]:
    """Reply so, one after the other."""
    left = iter(replies)
    return lambda ask: Completion(Outcome.OK, next(left))


def weighs(**probability: float) -> Callable[[Ask], Completion]:
    """Find the options as likely; of all texts, they have a tenth."""

    def reply(ask: Ask) -> Completion:
        given = [probability[option] for option in ask.continuations]
        return Completion(
            Outcome.OK,
            likelihoods=tuple(Likelihood(math.log(p / 10), 1, greedy=False) for p in given),
        )

    return reply


def near(score: Score, value: float) -> bool:
    return score.value is not None and math.isclose(score.value, value)


def graded(scorer: BoundScorer, *judges: Callable[[Ask], Completion]) -> Score:
    """Grade by what judges reply: one for all questions, or one for each."""
    sample = Sample("We will pay it back.", CASE, Outcome.OK, (), ASKER)
    asks = scorer.asks(sample)
    each = judges if len(judges) > 1 else judges * len(asks)
    turns = tuple(
        Turn("decision", ASKER.request(ask), judge(ask), False, True, ask.backend)
        for ask, judge in zip(asks, each, strict=True)
    )
    # As when stored outputs are graded again: then nobody knows which backends can weigh.
    stored = replace(ASKER, weighing=frozenset())
    return asyncio.run(scorer.score(replace(sample, turns=turns, asker=stored)))


@pytest.mark.parametrize(
    ("reply", "target", "expected"),
    [
        ('{"reason": "It does.", "answer": "Yes"}', None, (1.0, True, "Yes", "Yes")),
        ('{"answer": "no"}', None, (0.0, False, "No", "Yes")),
        ('{"answer": "no"}', "no", (1.0, True, "No", "No")),
        ('{"answer": true}', None, (1.0, True, "Yes", "Yes")),
        ("It does.\nAnswer: Yes.", None, (1.0, True, "Yes", "Yes")),
    ],
)
def test_a_predicate_that_is_said(
    reply: str, target: str | None, expected: tuple[float, bool, str, str]
) -> None:
    score = graded(bound(target=target), says(reply))
    assert (score.value, score.passed, score.found, score.expected) == expected
    assert score.gradable is True


def test_a_predicate_that_is_weighed() -> None:
    scorer = bound(judge="local")
    [ask] = scorer.asks(Sample("We will.", CASE, Outcome.OK, (), ASKER))
    assert (list(ask.continuations), ask.schema) == (["Yes", "No"], None)
    assert not isinstance(ask.messages, str)
    assert ask.messages is not None
    assert ask.messages[-1].text.endswith("Reply with one of them and nothing else.")
    score = graded(scorer, weighs(Yes=0.75, No=0.25))
    assert near(score, 0.75)
    assert score.passed is True
    assert score.reason == "Yes 0.75, No 0.25"
    other = graded(scorer, weighs(Yes=0.25, No=0.75))
    assert near(other, 0.25)
    assert (other.passed, other.found) == (False, "No")


def test_a_choice() -> None:
    score = graded(bound(**CHOICE), says('{"reason": "It pays.", "answer": "Refund"}'))
    assert (score.value, score.passed, score.found, score.expected) == (1, True, "refund", "refund")
    assert score.reason == "refund 1.00: It pays."
    weighed = graded(bound(judge="local", **CHOICE), weighs(refund=0.3, reply=0.6, nothing=0.1))
    assert near(weighed, 0.3)
    assert (weighed.passed, weighed.found) == (False, "reply")
    several = bound(judge="local", **{**CHOICE, "target": ["refund", "reply"]})
    both = graded(several, weighs(refund=0.3, reply=0.6, nothing=0.1))
    assert near(both, 0.9)
    assert (both.passed, both.expected) == (True, None)


def test_a_score_is_the_mean_of_the_numbers() -> None:
    scale = {"kind": "score", "low": 0, "high": 2}
    said = graded(bound(**scale, at_least=0.5), says('{"reason": "So so.", "answer": 1}'))
    assert (said.value, said.passed, said.reason) == (0.5, True, "grade 1 (0 to 2): So so.")
    weighed = graded(bound(judge="local", **scale), weighs(**{"0": 0.1, "1": 0.2, "2": 0.7}))
    assert near(weighed, 0.8)
    assert weighed.passed is None


def test_votes_and_panels_are_shares_in_which_judges_count_alike() -> None:
    yes, no = '{"answer": "Yes"}', '{"answer": "No"}'
    votes = graded(bound(votes=3), says(yes, no, yes))
    assert near(votes, 2 / 3)
    assert votes.passed is True
    panel = bound(judge=["api", "local"], votes=2)
    one = says(yes, no)
    mixed = graded(panel, one, one, weighs(Yes=0.9, No=0.1))
    assert near(mixed, (0.5 + 0.9) / 2)
    assert mixed.passed is True


def test_what_is_unknown_decides_nothing() -> None:
    yes, no = '{"answer": "Yes"}', '{"answer": "No"}'
    split = graded(bound(votes=2), says(yes, no))
    assert (split.value, split.gradable) == (None, False)
    assert split.error == "not gradable: the votes are split: Yes 0.50, No 0.50"
    unknown = graded(bound(votes=3), says(yes, yes, "Well."))
    assert unknown.value is None
    assert str(unknown.error).startswith("not gradable: 1 of 3 votes unknown: api: the judge gave")
    failed = graded(bound(), lambda ask: Completion(Outcome.ERROR, error="gone"))
    assert (failed.value, failed.error) == (None, "LookupError: the model was asked, but gone")


@pytest.mark.parametrize("by", ["auto", "likelihood", "text"])
@pytest.mark.parametrize("judge", ["api", "local"])
def test_who_is_asked_to_weigh(by: str, judge: str) -> None:
    asks = bound(judge=judge, by=by).asks(Sample("", CASE, Outcome.OK, (), ASKER))
    weighed = by == "likelihood" or (by == "auto" and judge == "local")
    assert [bool(ask.continuations) for ask in asks] == [weighed]
    assert [bool(ask.schema) for ask in asks] == [not weighed]


def test_probabilities_of_what_is_hardly_likely() -> None:
    tiny = [
        Likelihood(-5000.0, 9, greedy=False),
        Likelihood(-5000.0 - math.log(3), 9, greedy=False),
    ]
    shares = probabilities(["a", "b"], tiny)
    assert shares == {"a": pytest.approx(0.75), "b": pytest.approx(0.25)}
    assert likeliest({"a": 0.4, "b": 0.4 + 1e-17, "c": 0.2}) == ["a", "b"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"question": ""}, "what the judge is asked is empty"),
        ({"kind": "choice"}, "'options' are needed for a choice"),
        ({"options": ["a", "b"]}, "'options' are needed for a choice, and only for it"),
        ({"kind": "choice", "options": ["a"], "target": "a"}, "two options or more"),
        ({"kind": "choice", "options": ["a", "A"], "target": "a"}, "none alike"),
        ({"kind": "choice", "options": ["a", "b"]}, "a choice needs a 'target'"),
        ({"kind": "choice", "options": ["a", "b"], "target": "c"}, "target 'c' is not one of a, b"),
        ({"target": []}, "'target' is empty"),
        ({"target": "maybe"}, "target 'maybe' is not one of Yes, No"),
        ({"kind": "score", "target": "3"}, "a score has no target"),
        ({"kind": "score", "low": 5}, "'low' 5 to 'high' 5"),
        ({"kind": "scale"}, "parameter 'kind'"),
    ],
)
def test_refuses_what_cannot_be_meant(params: dict[str, Any], message: str) -> None:
    with pytest.raises(PromptlabError, match=message):
        bound(**params)
