from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.visible import escaped_in_json, is_visible, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, é, 正面, 🙂, a\tb\n", "plain, é, 正面, 🙂, a\tb\n"),
        ("\x1b[2J", "^[[2J"),
        ("\x1b]52;c;cHduZWQ=\x07", "^[]52;c;cHduZWQ=^G"),
        ("FAIL\b\b\b\bpass", "FAIL^H^H^H^Hpass"),
        ("one\rtwo", "one^Mtwo"),
        ("\x9b31m", "<U+009B>31m"),
        ("a\x7fb\x85", "a^?b<U+0085>"),
        ("\u202eevil\u2066", "<U+202E>evil<U+2066>"),
        ("one\u2028two", "one<U+2028>two"),
        ("half \ud800", "half <U+D800>"),
    ],
)
def test_what_a_terminal_would_obey_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert is_visible(text) is (text == shown)


@pytest.mark.slow
def test_every_control_character_of_unicode_is_known() -> None:
    for code in range(0x110000):
        sign = chr(code)
        obeyed = (
            (unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") and sign not in "\t\n")
            or unicodedata.bidirectional(sign) in ("LRE", "RLE", "LRO", "RLO", "PDF")
            or unicodedata.bidirectional(sign) in ("LRI", "RLI", "FSI", "PDI")
        )
        assert is_visible(sign) is not (obeyed or sign in "\u061c\u200e\u200f"), hex(code)


@given(st.text(st.characters()))
def test_nothing_is_left_to_obey_and_twice_is_once(text: str) -> None:
    once = visible(text)
    assert is_visible(once)
    assert visible(once) == once
    once.encode()


@given(st.text(st.characters()))
def test_json_keeps_its_data(text: str) -> None:
    escaped = escaped_in_json(json.dumps([text], ensure_ascii=False))
    assert is_visible(escaped)
    assert json.loads(escaped) == [text]
