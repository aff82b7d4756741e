"""What an answer means, whichever backend gave it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from promptlab.core.answers import apart, received, settled
from promptlab.core.types import Completion, Likelihood, Message, Outcome, Request, Sampling, Usage

ALL_THOUGHT = "tokens were spent on thinking"


def test_the_answer_stands_without_its_thoughts() -> None:
    answer = settled(Completion(Outcome.OK, "<think>Wet, so no?</think>\n\nyes"))
    assert (answer.text, answer.thoughts) == ("yes", "Wet, so no?")
    assert (answer.outcome, answer.warnings) == (Outcome.OK, ())


def test_thoughts_of_a_field_of_their_own_stay() -> None:
    answer = settled(Completion(Outcome.OK, "yes", thoughts="Wet."))
    assert (answer.text, answer.thoughts) == ("yes", "Wet.")
    both = settled(Completion(Outcome.OK, "<think>More.</think>yes", thoughts="Wet."))
    assert (both.text, both.thoughts) == ("yes", "Wet.\n\nMore.")


def test_an_answer_without_thoughts_is_known_to_have_none() -> None:
    assert settled(Completion(Outcome.OK, " yes ")) == Completion(Outcome.OK, " yes ", thoughts="")


def test_settling_twice_changes_nothing() -> None:
    for text in ("yes", "<think>Wet.</think>yes", "<think>Wet"):
        once = settled(Completion(Outcome.TRUNCATED, text, Usage(0, 0)))
        assert settled(once) == once


@pytest.mark.parametrize(
    "completion",
    [
        Completion(Outcome.TRUNCATED, "<think>Wet or"),
        Completion(Outcome.TRUNCATED, "<think>"),
        Completion(Outcome.TRUNCATED, " ", thoughts="Wet or"),
        Completion(Outcome.TRUNCATED, "", Usage(5, 16, reasoning_tokens=16)),
    ],
)
def test_an_answer_of_nothing_but_thoughts_is_told(completion: Completion) -> None:
    answer = settled(completion)
    assert (answer.outcome, answer.text.strip()) == (Outcome.TRUNCATED, "")
    assert [ALL_THOUGHT in line for line in answer.warnings] == [True]


def test_the_number_of_tokens_is_told_where_it_is_known() -> None:
    cut = Completion(Outcome.TRUNCATED, "", Usage(5, 64, reasoning_tokens=64))
    assert settled(cut).warnings[0].startswith("all 64 tokens were spent on thinking")


def test_a_model_that_ends_within_its_thoughts_has_given_no_answer() -> None:
    answer = settled(Completion(Outcome.OK, "<think>Wet, so yes"))
    assert answer.outcome is Outcome.EMPTY
    assert answer.warnings == ("the model ended within its thoughts, without an answer",)


@pytest.mark.parametrize(
    "completion",
    [
        Completion(Outcome.TRUNCATED, "yes and"),
        Completion(Outcome.TRUNCATED, ""),
        Completion(Outcome.TRUNCATED, "yes", Usage(5, 16, reasoning_tokens=10)),
        Completion(Outcome.REFUSED, "", thoughts="No."),
        Completion(Outcome.EMPTY, ""),
    ],
)
def test_other_answers_get_no_such_warning(completion: Completion) -> None:
    assert settled(completion).warnings == ()


def test_the_prompt_may_have_opened_the_thoughts() -> None:
    answer = settled(Completion(Outcome.TRUNCATED, "Wet, so"), opened=True)
    assert (answer.text, answer.thoughts) == ("", "Wet, so")


def test_an_answer_may_go_on_with_thoughts_that_the_template_opened() -> None:
    begun = (Message("user", "Wet?"), Message("assistant", "Let me see.\n<think>\n"))
    request = Request("k", begun, Sampling())
    assert received(request, Completion(Outcome.OK, "Wet.")).thoughts == "Wet."
    closed = received(request, Completion(Outcome.OK, "Wet.\n</think>\nyes"))
    assert (closed.text, closed.thoughts) == ("yes", "Wet.")
    asked = Request("k", (Message("user", "What is <think>"),), Sampling())
    assert received(asked, Completion(Outcome.OK, "A tag.")).text == "A tag."


def test_zeros_that_cannot_be_are_unknown_and_so_is_their_cost() -> None:
    answer = settled(Completion(Outcome.OK, "yes", Usage(0, 0), cost_usd=0.0))
    assert (answer.usage, answer.cost_usd) == (Usage(None, None), None)
    empty = settled(Completion(Outcome.EMPTY, "", Usage(5, 0), cost_usd=0.1))
    assert (empty.usage, empty.cost_usd) == (Usage(5, 0), 0.1)


@pytest.mark.parametrize(
    "completion",
    [
        Completion(Outcome.ERROR, error="<think>no"),
        Completion(Outcome.OK, "<think>", likelihoods=(Likelihood(-1.0, 1, True),)),
    ],
)
def test_an_error_and_a_given_answer_stay_as_they_are(completion: Completion) -> None:
    assert settled(completion) == completion


def test_an_older_answer_is_taken_apart_and_otherwise_kept() -> None:
    old = Completion(Outcome.OK, "<think>Wet.</think>yes", Usage(0, 0), warnings=("w",))
    assert apart(old) == replace(old, text="yes", thoughts="Wet.")
