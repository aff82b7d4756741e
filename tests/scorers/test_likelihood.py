from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import pytest

from promptlab.errors import PromptlabError
from promptlab.scorers import Sample
from promptlab.scorers.binding import BoundScorer, bind
from promptlab.types import (
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

CASE = Case("c1", {"options": ["yes", "no indeed"]}, "yes", (), None, "b2:0")
LIKELIHOODS = (Likelihood(-2.0, 1, greedy=False), Likelihood(-3.0, 3, greedy=True))


def bound(name: str, **params: Any) -> BoundScorer:
    [one] = bind([{name: params}])
    return one


def graded(
    scorer: BoundScorer, likelihoods: Sequence[Likelihood] = LIKELIHOODS, case: Case = CASE
) -> Score:
    asked = Request(
        "k", (Message("user", "?"),), Sampling(), continuations=scorer.continuations(case)
    )
    turn = Turn("x", asked, Completion(Outcome.OK, likelihoods=tuple(likelihoods)), cached=False)
    return asyncio.run(scorer.score(Sample("whatever", case, Outcome.OK, (turn,))))


def test_the_likeliest_option_is_the_choice() -> None:
    assert graded(bound("loglikelihood")) == Score(1.0, True)
    wrong = graded(bound("loglikelihood", target="no indeed"))
    assert wrong == Score(0.0, False, "'yes' is likelier (-2) than 'no indeed' (-3)")


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
    scorer = bound("loglikelihood", options=["a", 1.50], target="a", delimiter=" ")
    assert scorer.continuations(CASE) == (" a", " 1.5")
    assert bound("perplexity", delimiter="\n").continuations(CASE) == ("\nyes",)
    assert bound("exact_match").continuations(CASE) == ()


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"target": "maybe"}, "the target 'maybe' is none of the options: 'yes', 'no indeed'"),
        ({"options": ["yes"]}, "two options or more are needed, none of them empty"),
        ({"options": ["yes", ""]}, "two options or more are needed, none of them empty"),
        ({"options": ["yes", "yes"]}, "an option is there twice"),
        ({"options": "{{ choices }}"}, "'choices' is undefined"),
    ],
)
def test_options_that_do_not_fit_are_refused(params: dict[str, Json], told: str) -> None:
    with pytest.raises(PromptlabError, match=told):
        bound("loglikelihood", **params).prepare(CASE)


def test_the_score_of_a_text_is_its_mean_and_the_reason_its_perplexity() -> None:
    [_, long] = LIKELIHOODS
    assert graded(bound("perplexity"), [long]) == Score(
        -1.0, None, f"perplexity {math.e:.4g} over 3 tokens"
    )
    [short] = LIKELIHOODS[:1]
    assert graded(bound("perplexity"), [short]).reason == "perplexity 7.389 over 1 token"


@pytest.mark.parametrize(("limit", "passed"), [(2.72, True), (2.71, False)])
def test_a_limit_makes_perplexity_a_verdict(limit: float, passed: bool) -> None:
    assert graded(bound("perplexity", at_most=limit), LIKELIHOODS[1:]).passed is passed


def test_a_text_that_is_all_but_impossible_still_has_a_score() -> None:
    score = graded(bound("perplexity"), [Likelihood(-5000.0, 1, greedy=False)])
    assert (score.value, score.reason) == (-5000.0, "perplexity inf over 1 token")


def test_no_perplexity_is_below_one() -> None:
    with pytest.raises(PromptlabError, match="parameter 'at_most': "):
        bound("perplexity", at_most=0.5)


def test_an_empty_text_cannot_be_weighed() -> None:
    with pytest.raises(PromptlabError, match="case 'c1': there is an empty answer to weigh"):
        bound("perplexity", text="").continuations(CASE)


def test_a_trial_that_was_not_asked_has_no_score() -> None:
    sample = Sample("yes", CASE, Outcome.OK)
    score = asyncio.run(bound("loglikelihood").score(sample))
    assert score.value is None
    assert "was not asked how likely these answers are" in str(score.error)
