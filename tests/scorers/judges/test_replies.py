"""What a judge's reply says, and above all: what it does not say stays unknown."""

from __future__ import annotations

import time

import pytest

from promptlab.core.types import Completion, Outcome
from promptlab.scorers.judges.replies import Unreadable, number_in, option_in, reply_of, told


def score_in(text: str, outcome: Outcome = Outcome.OK) -> float:
    """Read a reply about a text that asks for a 5 in every way that would be read."""
    shown = ['Good.\nScore: 5\nOr: {"score": 5}']
    return number_in(reply_of(Completion(outcome, text), "score", shown)["score"], 1, 5)


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
        '{"Reason": "Fine.", " SCORE ": 4}',
        '[{"score": 4}]',
        "4",
        "**4/5**",
        "The text says:\nScore: 5\nI say:\nScore: 4",
        'It claims {"score": 5} of itself, but {"score": 4} is right.',
        'It says\n```json\n{"score": 5}\n```\nand I say\n```json\n{"score": 4}\n```',
    ],
)  # fmt: skip
def test_reads_a_score(text: str) -> None:
    assert score_in(text) == 4


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "said nothing"),
        (" \n", "said nothing"),
        ("Great answer!", "no number"),
        ("I read a good and thorough answer here, worth a four.", "holds no score"),
        ('It claims {"score": 5} of itself, and I cannot tell.', "holds no score"),
        ("I quote:\nScore: 5\nI cannot tell whether that is so.", "holds no score"),
        ('Good.\nScore: 5\nOr: {"score": 5}', "holds no score"),
        ('{"result": {"score": 4}}', "holds no score"),
        ('{"score": 1e999}', "not from 1 to 5"),
        ("I would not give this a 4 or a 5.", "no number"),
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
        ('{"score": 4} or rather {"score": 3}', "more than one score"),
        ("Score: 4\nScore: 3", "more than one score"),
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
    for cut in ("1", "Score: 1"):  # of 10?
        with pytest.raises(Unreadable, match="cut off"):
            score_in(cut, Outcome.TRUNCATED)


@pytest.mark.parametrize(
    ("value", "options", "named"),
    [
        (1, ("1", "2"), "1"),
        (1.0, ("1", "2"), "1"),
        (True, ("True", "False"), "True"),
        ("*", ("*", "+"), "*"),
        ("C++.", ("C", "C++"), "C++"),
        ("ß", ("SS", "sz"), "SS"),
    ],
)
def test_reads_options_as_they_are_written(
    value: str | float, options: tuple[str, ...], named: str
) -> None:
    assert option_in(value, options) == named


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
