"""What a trial asks of a model for scorers that weigh answers: in place of the answer, or aside."""

from __future__ import annotations

from typing import Any

import pytest

from promptlab.core.types import (
    Case,
    Completion,
    Outcome,
    Sampling,
    Turn,
)
from promptlab.runner.requests import Renderer
from promptlab.runner.samples import graded_turn
from tests.plans import renderer_of

PLAIN = "Is {{ name }} a person?"
DRAFT = """\
{% user %}Think of {{ name }}.{% enduser %}
{% generate draft %}
{% user %}So, a person?{% enduser %}
{% generate final %}
"""
LOOP = """\
{% user %}Is {{ name }} a person?{% enduser %}
{% generate final %}
{% if final == 'no' %}{% user %}Sure?{% enduser %}{% generate final %}{% endif %}
"""
CHOICE = {"loglikelihood": {"options": ["yes", "no"]}}
SURPRISE = "mean_logprob"
CASE = Case("Ada", {"name": "Ada"}, "yes", (), None, "b2:c")


def make_renderer(text: str, *scorers: str | dict[str, Any], grade: str | None = None) -> Renderer:
    warm = Sampling(temperature=0.5)
    return renderer_of([text], [CASE], scorers=scorers, repeats=2, sampling=warm, grade=grade)


def walk(renderer: Renderer, *answers: str, seq: int = 0) -> list[Turn]:
    """Ask everything that a trial asks; generated texts are taken from `answers`."""
    turns: list[Turn] = []
    left = list(answers)
    while (ask := renderer.next(renderer.plan.trial(seq), turns)) is not None:
        weighed = ask.request.continuations
        text = weighed[0] if weighed else left.pop(0)
        turns.append(ask.answered(Completion(Outcome.OK, text), cached=False))
    assert not left
    return turns


def summary(turns: list[Turn]) -> list[tuple[str, tuple[str, ...], bool]]:
    return [(turn.name, turn.request.continuations, turn.aside) for turn in turns]


def test_beside_other_scorers_answers_are_weighed_after_the_conversation() -> None:
    turns = walk(make_renderer(PLAIN, "exact_match", CHOICE, SURPRISE), "Yes.")
    assert summary(turns) == [
        ("answer", (), False),
        ("loglikelihood", ("yes", "no"), True),
        ("mean_logprob", ("yes",), True),
    ]
    assert {turn.request.messages for turn in turns} == {turns[0].request.messages}
    assert graded_turn(turns, None) == 0


def test_alone_they_are_weighed_in_place_of_the_answer() -> None:
    turns = walk(make_renderer(PLAIN, CHOICE, SURPRISE))
    assert summary(turns) == [("answer", ("yes", "no"), False), ("mean_logprob", ("yes",), True)]
    assert turns[0].completion.text == "yes"
    assert graded_turn(turns, None) == 0


def test_what_two_scorers_want_to_know_is_asked_once() -> None:
    twice = {"loglikelihood": {**CHOICE["loglikelihood"], "normalize": "bytes", "name": "second"}}
    assert len(walk(make_renderer(PLAIN, CHOICE, twice))) == 1
    assert len(walk(make_renderer(PLAIN, "exact_match", CHOICE, twice), "Yes.")) == 2


def test_drafts_before_the_graded_answer_are_generated() -> None:
    turns = walk(make_renderer(DRAFT, CHOICE), "A countess.")
    assert summary(turns) == [("draft", (), False), ("final", ("yes", "no"), False)]
    assert [message.role for message in turns[1].request.messages] == ["user", "assistant", "user"]


def test_the_answer_that_a_suite_grades_is_the_one_that_is_weighed() -> None:
    turns = walk(make_renderer(DRAFT, CHOICE, grade="draft"), "Yes.")
    assert summary(turns) == [("draft", ("yes", "no"), False), ("final", (), False)]
    aside = walk(make_renderer(DRAFT, "exact_match", CHOICE, grade="draft"), "A countess.", "Yes.")
    assert summary(aside)[2] == ("loglikelihood", ("yes", "no"), True)
    assert aside[2].request.messages == aside[0].request.messages
    assert graded_turn(aside, "draft") == 0


def test_a_choice_may_lead_to_another_question() -> None:
    no_first = {"loglikelihood": {"options": ["no", "yes"]}}
    turns = walk(make_renderer(LOOP, no_first))
    assert summary(turns) == [("final", ("no", "yes"), False), ("final", ("no", "yes"), False)]
    assert graded_turn(turns, None) == 1
    assert len(walk(make_renderer(LOOP, CHOICE))) == 1


def test_a_template_that_cannot_go_on_from_a_stand_in_is_generated() -> None:
    picky = DRAFT.replace("{% user %}So", "{% user %}{{ {'1': 'one'}[draft] }} So")
    turns = walk(make_renderer(picky, CHOICE), "1")
    assert summary(turns)[0] == ("draft", (), False)


@pytest.mark.parametrize(
    ("text", "scorers", "answers", "followed"),
    [
        (PLAIN, ["exact_match"], ["a"], [False]),
        (PLAIN, ["exact_match", CHOICE], ["a"], [True, False]),
        (PLAIN, [CHOICE], [], [False]),
        (PLAIN, [CHOICE, SURPRISE], [], [True, False]),
        (DRAFT, ["exact_match"], ["a", "b"], [True, False]),
    ],
)
def test_a_request_knows_whether_another_begins_like_it(
    text: str, scorers: list[Any], answers: list[str], followed: list[bool]
) -> None:
    turns = walk(make_renderer(text, *scorers), *answers)
    assert [turn.request.followed for turn in turns] == followed


def test_neither_repeat_nor_sampling_changes_what_is_weighed() -> None:
    renderer = make_renderer(PLAIN, CHOICE)
    keys = {walk(renderer, seq=seq)[0].request.key for seq in range(2)}
    assert len(keys) == 1
    other = {"loglikelihood": {"options": ["no", "yes"]}}
    assert walk(make_renderer(PLAIN, other))[0].request.key not in keys


def test_the_keys_of_a_trial_are_what_they_were() -> None:
    # They are stored in databases: a different key would repeat calls whose answers are stored.
    case = Case("c1", {"a": "ä"}, "yes", (), None, "b2:c")
    warm = Sampling(temperature=0.7, max_tokens=8, stop=("\n",), seed=3)
    scorers = ("exact_match", CHOICE)
    renderer = renderer_of(["Hi {{ a }}"], [case], scorers=scorers, repeats=2, sampling=warm)
    assert [turn.request.key for turn in walk(renderer, "yes", seq=1)] == [
        "b2:f5bd8a281a41a2c52369d7c38fbc4e39",
        "b2:bca361b43a3d372a0c7dff5aa8237605",
    ]
