"""Keys are struck out in every spelling, and ordinary texts are left as they are."""

from __future__ import annotations

import base64
import html
import json
import random
import string
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.errors import PromptlabError
from promptlab.core.masking import mask, remember, strike, userinfo

_CHANCE = random.Random(5)
KEY = "sk-test-" + "".join(_CHANCE.choice(string.ascii_letters + "0123456789") for _ in range(30))
WITH_SIGNS = "a+b/c=d\\\"e'" + KEY[8:24]

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in small letters": str.lower,
    "in capitals": str.upper,
    "over two lines": lambda key: f"{key[:9]}\n    {key[9:]}",
    "over many lines": "\n".join,
    "after a written line break": lambda key: f"{key[:9]}\\n{key[9:]}",
    "in the cells of a table": lambda key: f"{key[:9]} │\n│ {key[9:]}",
    "in two literals": lambda key: f'{key[:9]}" "{key[9:]}',
    "with marks of no width": "\u200b".join,
    "in wide letters": lambda key: "".join(
        chr(ord(letter) + 0xFEE0) if 0x20 < ord(letter) < 0x7F else letter for letter in key
    ),
    "in JSON": lambda key: json.dumps(key)[1:-1],
    "in JSON in JSON": lambda key: json.dumps(json.dumps(key))[3:-3],
    "as Python writes it": lambda key: repr(key)[1:-1],
    "in a URL": lambda key: quote(key, safe=""),
    "in a URL in a URL": lambda key: quote(quote(key, safe=""), safe=""),
    "in HTML": html.escape,
    "in HTML in HTML": lambda key: html.escape(html.escape(key)),
    "in numbers of Unicode": lambda key: "".join(f"\\u{ord(letter):04x}" for letter in key),
    "in hexadecimal escapes": lambda key: "".join(f"\\x{ord(letter):02X}" for letter in key),
    "per cent": lambda key: "".join(f"%{ord(letter):02x}" for letter in key),
    "in entities": lambda key: "".join(f"&#{ord(letter)};" for letter in key),
    "in hexadecimal entities": lambda key: "".join(f"&#x{ord(letter):X};" for letter in key),
    "in hexadecimal": lambda key: key.encode().hex(),
}


@pytest.mark.parametrize("key", [KEY, WITH_SIGNS])
@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_a_key_is_found_in_any_spelling(spelled: Callable[[str], str], key: str) -> None:
    text = f"before {spelled(key)} after"
    assert mask(text) == text
    remember(key)
    assert mask(text) == "before [key] after"
    assert strike(text) == "before [key] after"


@pytest.mark.parametrize("before", ["", "u:", "me:", "ada:", "a long name:"])
@pytest.mark.parametrize("code", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_key_within_base64_is_found(before: str, code: Callable[[bytes], bytes]) -> None:
    remember(KEY)
    coded = code(f"{before}{KEY}:after".encode()).decode()
    assert "[key]" in mask(f"Basic {coded}")
    assert len(mask(coded)) < len(before) * 2 + 30


@pytest.mark.parametrize("key", ["abc12", "ollama", "EMPTY", "x"])
def test_what_stands_in_ordinary_words_is_not_struck_out(key: str) -> None:
    remember(key)
    assert mask(f"It says {key}.") == f"It says {key}."


@pytest.mark.parametrize("key", ["abc-12", "sixsevenx"])
def test_the_shortest_keys_that_are_struck_out(key: str) -> None:
    remember(key)
    assert mask(f"It says {key}.") == mask(f"It says {key.upper()}.") == "It says [key]."
    broken = f"{key[:3]} {key[3:]}"
    assert mask(broken) == broken  # too short to be put together


def test_text_without_a_key_is_returned_as_it_is() -> None:
    remember(KEY)
    text = "100 % of \\u0041 & <b> \u4e2d\u6587, a\\nb"
    assert mask(text) is text


@given(st.text(st.characters(codec="utf-8"), max_size=40), st.text(max_size=40))
def test_only_the_key_goes(before: str, after: str) -> None:
    remember(KEY)
    assert mask(before) == before
    if before[-1:].isspace() and after[:1].isspace():
        assert mask(f"{before}{KEY}{after}") == f"{before}[key]{after}"


@pytest.mark.parametrize(
    ("text", "struck"),
    [
        ("no sk-aB3dE5gH7jK9mN1p here", "no [key] here"),
        ("mistral-sk-7b-instruct-finetuned", "mistral-sk-7b-instruct-finetuned"),
        ("sent Bearer abc.def-123456 to it", "sent Bearer [key] to it"),
        ("bearer of bad news and of good news", "bearer of bad news and of good news"),
        ("at aB3dE5gH7jK9mN1pQ3sTuV5wX7yZ", "at [key]"),
        ("/tmp/aB3dE5gH7jK9mN1pQ3sTuV5wX7yZ/x", "/tmp/aB3dE5gH7jK9mN1pQ3sTuV5wX7yZ/x"),
        ("Qwen2VLForConditionalGeneration", "Qwen2VLForConditionalGeneration"),
        ("sha256:" + "0123456789abcdef" * 4, "sha256:" + "0123456789abcdef" * 4),
        ("http://ada:pw@example.org/v1", "http://[key]@example.org/v1"),
        ("HtTp://ada:pw@example.org", "HtTp://[key]@example.org"),
        ("ftp://token@example.org", "ftp://[key]@example.org"),
        ("http:/ada:pw@example.org", "http:/[key]@example.org"),
        ("http:\\\\ada:pw@example.org", "http:\\\\[key]@example.org"),
        ("//ada:pw@example.org/x", "//[key]@example.org/x"),
        ("https%3A%2F%2Fada:pw%40example.org", "https%3A%2F%2F[key]%40example.org"),
        ("http://ada:p/w#x@example.org:9/v1", "http://[key]@example.org:9/v1"),
        ("openai:m@ada:pw@127.0.0.1:9", "openai:m@[key]@127.0.0.1:9"),
        ("http://h/x?api_key=abcdef&y=1", "http://h/x?api_key=[key]&y=1"),
        ("openai:m@http://127.0.0.1:8000/v1", "openai:m@http://127.0.0.1:8000/v1"),
        ("openai:m@127.0.0.1:8000/v1", "openai:m@127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/v1@x", "http://127.0.0.1:8000/v1@x"),
        ("git+https://example.org/a/b@v1", "git+https://example.org/a/b@v1"),
        ("ada@example.org", "ada@example.org"),
    ],
)
def test_what_looks_like_a_key_or_a_login_goes_from_messages(text: str, struck: str) -> None:
    assert strike(text) == strike(struck) == struck
    assert mask(text) == text  # but stays in content


def test_the_secret_of_an_address_is_read() -> None:
    assert set(userinfo("https://ada:p%20w@example.org")) == {"p w"}
    assert set(userinfo("https://ada-token@example.org")) == {"ada-token"}
    assert userinfo("openai:m@http://127.0.0.1:8000/v1") == []


def test_an_error_holds_no_key_in_any_of_its_parts() -> None:
    remember(KEY)
    error = PromptlabError(f"no {KEY}", hint=KEY.lower(), where=f"file: {KEY}")
    again = error.saying(f"again {KEY}").advising(f"try {KEY}")
    for text in (str(error), repr(error), str(error.args), str(again)):
        assert KEY.lower() not in text.lower()


@pytest.mark.parametrize(
    "bad",
    [
        "\\\\",
        "%25",
        "@",
        "/",
        "sk-",
        "A1",
        "eyJ-",
        "-----BEGIN ",
        "http:/",
        "a:",
        KEY[:9] + "\\\\ ",
    ],
)
def test_no_text_takes_long(bad: str) -> None:
    remember(KEY)
    began = time.process_time()
    strike(bad * (50_000 // len(bad)))
    assert time.process_time() - began < 2


def test_a_long_text_with_a_disguised_key_is_struck_out_whole() -> None:
    remember(KEY)
    assert mask("x" * 1_000_001 + "\n".join(KEY)) == "[key]"
    assert mask("x" * 1_000_001 + KEY) == "x" * 1_000_001 + "[key]"
