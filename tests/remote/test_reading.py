from __future__ import annotations

from typing import Any

import pytest

from promptlab.remote.reading import added, count, thoughts_in, word

USAGE = {"a": 3, "deep": {"b": 0, "c": None}, "list": [1], "n": True, "x": 1.5, "t": "7", "m": -1}


@pytest.mark.parametrize(
    ("usage", "path", "number"),
    [
        (USAGE, ("a",), 3),
        ({"a": 20.0}, ("a",), 20),
        ({"a": float("nan")}, ("a",), None),
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
    ("value", "text"),
    [
        ("Hm.", "Hm."),
        ({"type": "thinking", "thinking": "Hm.", "signature": "x"}, "Hm."),
        ({"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, "Hm."),
        ([{"type": "reasoning.summary", "summary": "Hm."}, {"text": "So."}], "Hm.\n\nSo."),
        ({"type": "reasoning.encrypted", "data": "x"}, ""),
        (None, ""),
        (3, ""),
    ],
)
def test_thoughts_are_found_in_every_form(value: object, text: str) -> None:
    assert thoughts_in(value) == text
