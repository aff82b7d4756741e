from __future__ import annotations

import pytest

from promptlab.core.documents import deeper_than, parse_json, parse_toml
from promptlab.core.envfile import parse_env
from promptlab.core.errors import PromptlabError


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 101 + "]" * 101, "c.json:4: bad JSON: nested too deeply (use at most 100 levels)"),
        ('{"a":' * 200_000, "c.json:4: bad JSON: nested too deeply"),
        ("[-Infinity]", "c.json:4: bad JSON: -Infinity is not JSON (use null)"),
        ("\n\n[1 2]", "c.json:6: bad JSON: expecting ',' delimiter (look at column 4)"),
        ("7" * 5000, "c.json:4: bad JSON: a number is too long (put it in quotes)"),
    ],
)
def test_json_that_cannot_be_read_is_reported_with_its_line(text: str, message: str) -> None:
    with pytest.raises(PromptlabError) as caught:
        parse_json(text, "c.json", 4)
    assert str(caught.value).startswith(message)


def test_json_is_read_up_to_the_depth_that_all_readers_bear() -> None:
    assert parse_json("[" * 100 + "]" * 100, "c.json") is not None
    assert parse_json('{"a": [1, {"b": null}]}', "c.json") == {"a": [1, {"b": None}]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = [" + "[" * 100_000, "p.toml: bad TOML: nested too deeply"),
        ("[x]\n" + ".".join("a" * 90_000) + " = 1", "p.toml:2: bad TOML: nested too deeply"),
        ("[" + '."b"' * 50_000 + "]", "p.toml:1: bad TOML: nested too deeply"),
        (".".join("a" * 120) + " = 1", "p.toml: bad TOML: nested too deeply"),
        ("a = " + "1" * 5000, "p.toml: bad TOML: a number is too long"),
        ("a = [{b = 0x" + "f" * 4000 + "}]", "p.toml: bad TOML: a whole number has more than 64"),
        ("a = 9223372036854775808", "p.toml: bad TOML: a whole number has more than 64 bits"),
        ("a = 1\nb 2", "p.toml:2: bad TOML: expected '=' after a key"),
        ("a = 1\na = 2", "p.toml: bad TOML: cannot overwrite a value"),
    ],
)
def test_toml_that_cannot_be_read_is_reported(text: str, message: str) -> None:
    with pytest.raises(PromptlabError) as caught:
        parse_toml(text, "p.toml")
    assert str(caught.value).startswith(message)


def test_many_dots_in_the_texts_of_one_line_are_no_depth() -> None:
    requirements = ", ".join(f'"lib{n}>=1.2.3"' for n in range(200))
    assert len(parse_toml(f"dependencies = [{requirements}]", "p.toml")) == 1


def test_depth_is_counted_in_lists_and_keys() -> None:
    assert not deeper_than("x", 0)
    assert not deeper_than([1, {"a": 2}], 2)
    assert deeper_than([1, {"a": 2}], 1)
    assert deeper_than([], 0)


def test_a_value_of_env_may_name_earlier_ones() -> None:
    text = "A=1\nB=${A}2${HOME_}\n# c\nexport C='${A} x'\nD=${NONE:-d}\nE\n"
    assert parse_env(text, ".env", {"HOME_": "h"}) == {"A": "1", "B": "12h", "C": "1 x", "D": "d"}


@pytest.mark.parametrize(
    "text",
    [
        "A=" + "x" * 40_000,
        "A=xxxxxxxxxx\n"
        + "".join(
            f"{a}=" + f"${{{b}}}" * 10 + "\n" for a, b in zip("BCDEFG", "ABCDEF", strict=True)
        ),
        "A=" + "${" * 60_000,
        "A=" + "x" * 30_000 + "\nB=${A}${A}",
    ],
)
def test_values_of_env_that_multiply_are_refused(text: str) -> None:
    with pytest.raises(PromptlabError, match="is longer than 32,000 characters"):
        parse_env(text, ".env", {})


def test_a_reference_is_filled_in_as_the_library_does() -> None:
    assert parse_env("A=${X:-}${X:-a:-b}${:-c}$X${X", ".env", {}) == {"A": "a:-bc$X${X"}
    assert parse_env("A='${X:-d}'", ".env", {"X": ""}) == {"A": ""}
