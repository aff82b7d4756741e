"""What a judge's reply says, and above all: what it does not say stays unknown."""

from __future__ import annotations

import time

import pytest

from promptlab.core.types import Completion, Outcome
from promptlab.scorers.judges.replies import Unreadable, number_in, option_in, reply_of, told


def score_in(text: str, outcome: Outcome = Outcome.OK) -> float:
    return number_in(reply_of(Completion(outcome, text), "score")["score"], 1, 5)


@pytest.mark.parametrize(
    "text",
    [
        '{"reason": "Fine.", "score": 4}',
        ' \n{"score": 4.0}\n',
        '{"score": "4"}',
        '{"score": "4/5"}',
        '{"score": "4 out of 5"}',
        '```json\n{"reason": "Fine.", "score": 4}\n```',
        'Here is my grade:\n```\n{"score": 4}\n```\nI hope that helps.',
        'I grade it so: {"reason": "{odd}", "score": 4}. Done.',
        '{"score": 4} and once more {"score": 4}',
        "It is fine.\nScore: 4",
        "**Score:** 4/5",
        "- score = 4.",
        "\ufeff{\"score\": 4}",
        '{"reason": "It says: Score: 5", "score": 4}',
    ],
)  # fmt: skip
def test_reads_a_score(text: str) -> None:
    assert score_in(text) == 4


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "said nothing"),
        (" \n", "said nothing"),
        ("Great answer!", "holds no score"),
        ("4", "holds no score"),
        ("I would not give this a 4 or a 5.", "holds no score"),
        ('{"grade": 4}', "holds no score"),
        ('{"score": null}', "no number"),
        ('{"score": true}', "no number"),
        ('{"score": [4]}', "no number"),
        ('{"score": "four"}', "no number"),
        ('{"score": "4/10"}', "no number"),
        ('{"score": 10}', "not from 1 to 5"),
        ('{"score": 0}', "not from 1 to 5"),
        ('{"score": NaN}', "holds no score"),
        ('{"score": 4, "score": 5}', "holds no score"),
        ('{"score": 4} or rather {"score": 5}', "more than one score"),
        ("Score: 4\nScore: 5", "more than one score"),
        ('{"reason": "It was going', "holds no score"),
        ("[" * 100_000, "holds no score"),
        ('{"score":' * 10_000, "holds no score"),
    ],
)
def test_what_holds_no_score_is_unknown(text: str, why: str) -> None:
    start = time.perf_counter()
    with pytest.raises(Unreadable, match=why):
        score_in(text)
    assert time.perf_counter() - start < 5


def test_a_refusal_is_unknown_whatever_it_says() -> None:
    with pytest.raises(Unreadable, match="refused"):
        score_in('{"score": 4}', Outcome.REFUSED)


def test_a_reply_that_was_cut_off_says_so() -> None:
    with pytest.raises(Unreadable, match=r"\(it was cut off\)"):
        score_in('{"reason": "It', Outcome.TRUNCATED)
    assert score_in('{"score": 4}', Outcome.TRUNCATED) == 4


def test_reads_reasons_and_options() -> None:
    assert told({"reason": " It is\n fine. "}) == "It is fine."
    assert told({"reason": 3}) == told({}) == ""
    assert told(reply_of(Completion(Outcome.OK, "Fine.\nScore: 4"), "score")) == "Fine."
    options = ("Yes", "No")
    for yes in ("yes", "YES.", "**Yes**", True):
        assert option_in(yes, options) == "Yes"
    for neither in ("yes and no", "", None, 1, "maybe"):
        with pytest.raises(Unreadable, match="none of Yes, No"):
            option_in(neither, options)
