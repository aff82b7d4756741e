"""How an answer ended, in the words of many servers."""

from __future__ import annotations

import pytest

from promptlab.core.failure import Fault
from promptlab.core.types import Outcome
from promptlab.remote.endings import ending
from promptlab.remote.exchange import CallError

WORDS = {
    Outcome.OK: ["stop", "STOP", "Stop", "end_turn", "eos_token", "FinishReason.STOP", "completed"],
    Outcome.TRUNCATED: [
        "length",
        "LENGTH",
        "MAX_TOKENS",
        "max-tokens",
        "maxTokens",
        "FINISH_REASON_MAX_TOKENS",
        "length: the limit of 16 tokens was reached",
        "Length (max_new_tokens)",
        "model_context_window_exceeded",
    ],
    Outcome.REFUSED: [
        "content_filter",
        "contentFilter",
        "SAFETY",
        "sensitive",
        "refusal",
        "guardrail_intervened",
        "content_filter: violence",
    ],
}


@pytest.mark.parametrize(
    ("outcome", "finish"), [(outcome, word) for outcome in WORDS for word in WORDS[outcome]]
)
def test_known_words_are_known_in_any_spelling(outcome: Outcome, finish: str) -> None:
    assert ending(finish, "yes") == (outcome, ())


@pytest.mark.parametrize(
    "finish", ["abort", "network_error", "insufficient_system_resource", "error", "TIMEOUT"]
)
def test_a_server_that_gave_up_is_asked_again(finish: str) -> None:
    with pytest.raises(CallError, match=f"server: the answer was cut off: {finish}") as caught:
        ending(finish, "yes and")
    assert caught.value.failure.fault is Fault.SERVER


@pytest.mark.parametrize("finish", ["unload", "repetition", "of next year", 7, {"a": 1}, True])
@pytest.mark.parametrize("text", ["yes", ""])
def test_an_unknown_word_is_no_whole_answer_and_is_told(finish: object, text: str) -> None:
    outcome, warnings = ending(finish, text)
    assert outcome is Outcome.TRUNCATED
    assert f"finish reason {str(finish)!r} is not known" in warnings[0]


@pytest.mark.parametrize("finish", [None, "", "null", "FINISH_REASON_UNSPECIFIED"])
def test_a_server_that_says_nothing_is_told(finish: str | None) -> None:
    outcome, warnings = ending(finish, "yes")
    assert outcome is Outcome.OK
    assert "gives no finish reason" in warnings[0]


def test_an_answer_without_a_text_is_empty_unless_it_was_cut_or_refused() -> None:
    assert ending("stop", " \n")[0] is Outcome.EMPTY
    assert ending("length", "")[0] is Outcome.TRUNCATED
    assert ending("SAFETY", "")[0] is Outcome.REFUSED
    assert ending("stop", "", refused=True)[0] is Outcome.REFUSED


def test_a_long_word_is_told_in_short() -> None:
    _, warnings = ending("x" * 5_000, "yes")
    assert len(warnings[0]) < 200
