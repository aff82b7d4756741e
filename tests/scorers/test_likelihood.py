from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from promptlab.core.errors import PromptlabError
from promptlab.core.types import (
    Case,
    Completion,
    Json,
    Likelihood,
    Message,
    Outcome,
    Request,
    Sampling,
    Score,
    Turn,
)
from promptlab.scorers.asking import Ask
from promptlab.scorers.binding import BoundScorer, bind
from promptlab.scorers.decorator import Scorer
from promptlab.scorers.sample import Sample

CASE = Case("c1", {"options": ["yes", "no indeed"]}, "yes", (), None, "b2:0")
LIKELIHOODS = (Likelihood(-2.0, 1, greedy=False), Likelihood(-3.0, 3, greedy=True))


def bound(name: str, **params: Any) -> BoundScorer:
    [one] = bind([{name: params}])
    return one


def asked(scorer: BoundScorer, case: Case = CASE) -> list[tuple[str, ...]]:
    """Return the lists of answers that a scorer wants weighed."""
    return [tuple(ask.continuations) for ask in scorer.asks(Sample("", case, Outcome.OK))]


def graded(
    scorer: BoundScorer, likelihoods: Sequence[Likelihood] = LIKELIHOODS, case: Case = CASE
) -> Score:
    [texts] = asked(scorer, case)
    request = Request("k", (Message("user", "?"),), Sampling(), continuations=texts)
    turn = Turn("x", request, Completion(Outcome.OK, likelihoods=tuple(likelihoods)), cached=False)
    return asyncio.run(scorer.score(Sample("whatever", case, Outcome.OK, (turn,))))


def test_the_likeliest_option_is_the_choice() -> None:
    right = graded(bound("loglikelihood"))
    assert (right.value, right.passed, right.reason) == (1.0, True, "chose 'yes' (-2)")
    wrong = graded(bound("loglikelihood", target="no indeed"))
    reason = "chose 'yes' (-2) before 'no indeed' (-3)"
    assert (wrong.value, wrong.passed, wrong.reason) == (0.0, False, reason)
    assert (wrong.gradable, wrong.found, wrong.expected) == (True, "yes", "no indeed")


@pytest.mark.parametrize(
    ("normalize", "choice"),
    [("none", "yes"), ("tokens", "no indeed"), ("chars", "no indeed"), ("bytes", "no indeed")],
)
def test_a_long_option_may_be_compared_by_its_length(normalize: str, choice: str) -> None:
    assert graded(bound("loglikelihood", target=choice, normalize=normalize)).passed


def test_the_first_of_equals_is_the_choice() -> None:
    same = [Likelihood(-1.0, 1, greedy=True)] * 2
    assert graded(bound("loglikelihood", target="yes"), same).passed
    assert not graded(bound("loglikelihood", target="no indeed"), same).passed


def test_any_of_several_targets_will_do() -> None:
    assert graded(bound("loglikelihood", target=["no indeed", "yes"])).passed


def test_what_is_weighed_begins_with_the_delimiter() -> None:
    scorer = bound("loglikelihood", options=["a", "1.50"], target="a", delimiter=" ")
    assert asked(scorer) == [(" a", " 1.50")]
    assert asked(bound("mean_logprob", delimiter="\n")) == [("\nyes",)]
    assert asked(bound("exact_match")) == []


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"target": "maybe"}, "the target 'maybe' is not one of the options: 'yes', 'no indeed'"),
        ({"options": ["yes"]}, "at least two options are needed, none of them empty"),
        ({"options": ["yes", ""]}, "at least two options are needed, none of them empty"),
        ({"options": ["yes", "yes"]}, "the option 'yes' appears twice"),
        ({"target": []}, "the target names no option"),
        ({"options": [1.10, 2.50]}, "parameter 'options'"),
        ({"options": "{{ choices }}"}, "'choices' is undefined"),
    ],
)
def test_options_that_do_not_fit_are_refused(params: dict[str, Json], message: str) -> None:
    with pytest.raises(PromptlabError, match=message):
        bound("loglikelihood", **params).prepare(CASE)


def test_the_score_of_a_text_is_its_mean_and_the_reason_its_perplexity() -> None:
    [short, long] = LIKELIHOODS
    assert graded(bound("mean_logprob"), [long]) == Score(
        -1.0, None, f"perplexity {math.e:.4g} over 3 tokens"
    )
    assert graded(bound("mean_logprob"), [short]).reason == "perplexity 7.389 over 1 token"


@pytest.mark.parametrize(("limit", "passed"), [(2.72, True), (2.71, False)])
def test_perplexity_is_low_enough_or_not(limit: float, passed: bool) -> None:
    score = graded(bound("perplexity", at_most=limit), LIKELIHOODS[1:])
    assert score == Score(float(passed), passed, "perplexity 2.718 over 3 tokens")


def test_a_text_that_is_all_but_impossible_still_has_a_score() -> None:
    impossible = [Likelihood(-5000.0, 1, greedy=False)]
    score = graded(bound("mean_logprob"), impossible)
    assert (score.value, score.reason) == (-5000.0, "perplexity inf over 1 token")
    assert graded(bound("perplexity", at_most=1e300), impossible).passed is False


@pytest.mark.parametrize(
    ("params", "message"),
    [({"at_most": 0.5}, "parameter 'at_most': "), ({}, "needs the parameter 'at_most'")],
)
def test_a_limit_is_needed_and_at_least_one(params: dict[str, Json], message: str) -> None:
    with pytest.raises(PromptlabError, match=message):
        bound("perplexity", **params)


def test_an_empty_text_cannot_be_weighed() -> None:
    with pytest.raises(PromptlabError, match="case 'c1': there is an empty answer to weigh"):
        asked(bound("mean_logprob", text=""))


def test_a_trial_that_was_not_asked_has_no_score() -> None:
    sample = Sample("yes", CASE, Outcome.OK)
    score = asyncio.run(bound("loglikelihood").score(sample))
    assert score.value is None
    assert "was not asked how likely these answers are" in str(score.error)


def test_a_call_that_failed_is_why_there_is_no_score() -> None:
    asked = Request("k", (), Sampling(), continuations=("yes",))
    turn = Turn("x", asked, Completion(Outcome.ERROR, error="out of memory"), False, aside=True)
    sample = Sample("yes", CASE, Outcome.OK, (turn,))
    score = asyncio.run(bound("mean_logprob").score(sample))
    assert (score.value, score.passed) == (None, None)
    assert score.error == "LookupError: the model was asked, but out of memory"


def test_the_newest_of_equal_questions_counts() -> None:
    asked = Request("k", (), Sampling(), continuations=("yes",))
    turns = tuple(
        Turn("x", asked, Completion(Outcome.OK, likelihoods=(each,)), cached=False)
        for each in LIKELIHOODS
    )
    assert Sample("", CASE, Outcome.OK, turns).weighed(["yes"]) == LIKELIHOODS[1:]


def asking(given: object) -> BoundScorer:
    def asks(sample: Sample, **_: object) -> Any:
        if isinstance(given, Exception):
            raise given
        return given

    made = Scorer("mine", "1", lambda sample: True, asks=asks)
    [one] = bind(["mean_logprob"])
    return replace(one, scorer=made, blanks=(), fixed={})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("yes", "it asks 'y': that is not an Ask"),
        (None, "its asks fail: TypeError: 'NoneType' object is not iterable"),
        ([1], "it asks 1: that is not an Ask"),
        ([Ask(continuations=[""])], "there is an empty answer to weigh"),
        ([Ask(backend="other")], "it asks the backend 'other', which none of its parameters names"),
        ([Ask(continuations="yes")], "its continuations are not a list of texts"),
        ([Ask(continuations=[1])], "its continuations are not a list of texts"),  # type: ignore[list-item]
        ([Ask(["Polite?"])], "its messages are neither a text nor a list of Messages"),  # type: ignore[list-item]
        ([Ask([])], "its messages are neither a text nor a list of Messages"),
        ([Ask(5)], "its asks fail: TypeError: 'int' object is not iterable"),  # type: ignore[arg-type]
        ([Ask("?", sampling={})], "its sampling is not a Sampling"),  # type: ignore[arg-type]
        ([Ask("?", schema={"a": {1}})], "its asks fail: TypeError: Object of type set"),  # type: ignore[dict-item]
        (KeyError("x"), "its asks fail: KeyError: 'x'"),
    ],
)
def test_what_a_function_of_the_users_gets_wrong_is_reported(given: object, message: str) -> None:
    with pytest.raises(PromptlabError, match=re.escape(message)) as caught:
        asking(given).asks(Sample("", CASE, Outcome.OK))
    assert "scorer 'mean_logprob', case 'c1'" in str(caught.value)
