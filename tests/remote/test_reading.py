from __future__ import annotations

from typing import Any

import pytest

from promptlab.core.types import Outcome
from promptlab.remote.reading import added, count, outcome, word

USAGE = {"a": 3, "deep": {"b": 0, "c": None}, "list": [1], "n": True, "x": 1.5, "t": "7", "m": -1}


@pytest.mark.parametrize(
    ("usage", "path", "number"),
    [
        (USAGE, ("a",), 3),
        (USAGE, ("deep", "b"), 0),
        (USAGE, ("deep", "c"), None),
        (USAGE, ("deep", "none"), None),
        (USAGE, ("a", "b"), None),
        (USAGE, ("list", "0"), None),
        (USAGE, ("n",), None),
        (USAGE, ("x",), None),
        (USAGE, ("t",), None),
        (USAGE, ("m",), None),
        ({"a": 10**30}, ("a",), None),
        (None, ("a",), None),
        ([], ("a",), None),
        ("a", ("a",), None),
    ],
)
def test_a_count_is_a_number_of_tokens_or_unknown(
    usage: Any, path: tuple[str, ...], number: int | None
) -> None:
    assert count(usage, *path) == number


def test_counts_are_added_as_far_as_they_are_known() -> None:
    assert added(3, None, 4) == 7
    assert added(0, None) == 0
    assert added(None, 4) is None


def test_a_word_is_a_text() -> None:
    assert (word("stop"), word(""), word(None), word(3), word({})) == ("stop", "", None, None, None)


@pytest.mark.parametrize(
    ("text", "truncated", "refused", "expected"),
    [
        ("yes", False, False, Outcome.OK),
        (" \n", False, False, Outcome.EMPTY),
        ("ye", True, False, Outcome.TRUNCATED),
        ("", True, False, Outcome.TRUNCATED),
        ("", False, True, Outcome.REFUSED),
        ("no", True, True, Outcome.REFUSED),
    ],
)
def test_how_an_answer_ended(text: str, truncated: bool, refused: bool, expected: Outcome) -> None:
    assert outcome(text, truncated=truncated, refused=refused) is expected
