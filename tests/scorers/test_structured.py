# ruff: noqa: RUF001  # odd characters are what is tested
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.errors import PromptlabError
from promptlab.core.types import Case, Json, Outcome, Score
from promptlab.scorers.builtin.structured import numeric
from promptlab.scorers.sample import Sample

Grade = Callable[..., Score]


def sample(output: str) -> Sample:
    return Sample(output, Case("c", {}, None, (), None, "b2:0"), Outcome.OK)


def passes(output: str, target: float | str, **params: Any) -> bool:
    score = numeric(sample(output), target=target, **params)
    assert isinstance(score, Score)
    return score.passed is True


@pytest.mark.parametrize(
    ("output", "number"),
    [
        ("42", 42),
        ("The answer is 42.", 42),
        ("**42**", 42),
        ("_42_", 42),
        ("#### 42", 42),
        ("= 42kg", 42),
        ("12 of 42 %", 42),
        ("-42", -42),
        ("\N{MINUS SIGN}42", -42),
        ("+42", 42),
        ("between 3-5", 5),
        ("x-5", 5),
        ("(-5)", -5),
        ("1,234.5", 1234.5),
        ("1,234,567", 1234567),
        ("1, 234", 234),
        ("1 234.5", 1234.5),
        ("1\u00a0234\u00a0567", 1234567),
        ("1\u202f234", 1234),
        ("1_234", 1234),
        ("1'234", 1234),
        ("1,234 567", 567),
        ("in 2024 100 came", 100),
        ("$5", 5),
        ("-$1,200.50", -1200.5),
        ("$-5", -5),
        ("€ 7,000", 7000),
        (".5", 0.5),
        ("0.50", 0.5),
        ("007", 7),
        ("1e3", 1000),
        ("1.5E-3", 0.0015),
        ("2e\N{MINUS SIGN}2", 0.02),
        ("5 euros", 5),
        ("1.5 × 10^3", 1500),
        (r"1.5 \times 10^{3}", 1500),
        ("2*10**-2", 0.02),
        ("3/4", 0.75),
        ("٤٢", 42),
    ],
)
def test_numeric_reads(output: str, number: float) -> None:
    assert passes(output, number)
    assert not passes(output, number + 1)


@pytest.mark.parametrize("output", ["", "none", "v2", "GPT4", "x_y", "$", "- ", "e5"])
def test_numeric_finds_no_number(grade: Grade, output: str) -> None:
    score = grade("numeric", output, 1)
    assert (score.passed, score.reason) == (False, "found no number")


@pytest.mark.parametrize(
    ("output", "number"), [("1.234,5", 1234.5), ("0,5", 0.5), ("1 234,5", 1234.5)]
)
def test_numeric_with_a_decimal_comma(output: str, number: float) -> None:
    assert passes(output, number, decimal=",")


@pytest.mark.parametrize(
    ("output", "target", "params", "passed"),
    [
        ("1.01", 1.0, {"tolerance": 0.01}, True),
        ("1.0100001", 1.0, {"tolerance": 0.01}, False),
        ("0.1", 0.1, {}, True),
        ("0.30000000000000004", 0.3, {}, False),
        ("99", 100, {"relative": 0.01}, True),
        ("98.9", 100, {"relative": 0.01}, False),
        ("-99", -100, {"relative": 0.01}, True),
        ("98", 100, {"relative": 0.01, "tolerance": 2}, True),
        ("3 then 4", 3, {"which": "first"}, True),
        ("3 then 4", 4, {"which": "first"}, False),
        ("3 then 4", 4, {}, True),
        ("4 is 4.0", 4, {"which": "only"}, True),
        ("3 then 4", 4, {"which": "only"}, False),
        ("1200", "$1,200", {}, True),
        ("12345678901234567890123", 12345678901234567890123, {}, True),
        ("12345678901234567890124", 12345678901234567890123, {}, False),
    ],
)
def test_numeric_compares(
    grade: Grade, output: str, target: Json, params: dict[str, Any], passed: bool
) -> None:
    assert grade("numeric", output, target, **params).passed is passed


def test_numeric_says_what_it_found(grade: Grade) -> None:
    assert grade("numeric", "about $1,234.5", 1).reason == "found $1,234.5"
    assert grade("numeric", "3 4 4", 4, which="only").reason == "found 2 different numbers"


@pytest.mark.parametrize(
    ("params", "expect", "message"),
    [
        ({}, "many", "case 'c1': the target 'many' must hold one number, it holds 0"),
        ({}, "3 or 4", "it holds 2"),
        ({}, float("inf"), "the target inf is not finite"),
        ({}, True, "parameter 'target', case 'c1': must be int | float | str, not True"),
        ({"tolerance": -1}, 1, "parameter 'tolerance': input should be greater than or equal to 0"),
        ({"tolerance": "a bit"}, 1, "parameter 'tolerance': input should be a valid number"),
        ({"which": "middle"}, 1, "parameter 'which': input should be 'last', 'first' or 'only'"),
    ],
)
def test_numeric_refuses(grade: Grade, params: dict[str, Any], expect: Json, message: str) -> None:
    with pytest.raises(PromptlabError) as caught:
        grade("numeric", "1", expect, **params)
    assert message in str(caught.value)


@given(st.integers(-(10**30), 10**30))
def test_numeric_reads_back_every_integer(number: int) -> None:
    for text in (f"{number}", f"{number:,}", f"{number:_}", f"{number:,}".replace(",", " ")):
        assert passes(f"It is {text}.", number)
        assert not passes(f"It is {text}.", number + 1)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numeric_reads_back_every_float(number: float) -> None:
    assert passes(f"x = {number!r}", number)


@given(st.decimals(-(10**9), 10**9, places=3))
def test_numeric_reads_back_a_decimal_comma(number: Any) -> None:
    text = f"{number:,}".translate(str.maketrans(",.", ".,"))
    assert passes(f"Es sind {text} Euro", float(number), decimal=",")


@given(st.text(alphabet="0123456789,.-+eE $^*x%_ '"))
def test_numeric_never_raises_on_noise(text: str) -> None:
    for decimal in (".", ","):
        for which in ("last", "first", "only"):
            score = numeric(sample(text), target=1, which=which, decimal=decimal)
            assert isinstance(score, Score)
            assert score.passed is not None


PERSON: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "pattern": "^[A-Z]"},
        "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}},
    },
    "patternProperties": {"^x_": {"type": "integer"}},
    "$defs": {"tag": {"enum": ["a", "b"]}},
}


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ('{"name": "Ada"}', None),
        (' {"name": "Ada", "tags": ["a", "b"], "x_1": 1}\n', None),
        ('```json\n{"name": "Ada"}\n```', None),
        ('```\n{"name": "Ada"}\n```', None),
        ('```JSON {"name": "Ada"}```', None),
        ('Here you are:\n```json\n{"name": "Ada"}\n```\nAnything else?', None),
        ('{"name": "Ada```"}', None),
        ('```json\n{"name": "A```b"}\n```', None),
        ("{}", "$: 'name' is a required property"),
        ('{"name": 1}', "$.name: 1 is not of type 'string'"),
        ('{"name": "ada"}', "$.name: 'ada' does not match '^[A-Z]'"),
        ('{"name": "Ada", "tags": ["a", "c"]}', "$.tags[1]: 'c' is not one of ['a', 'b']"),
        ('{"name": "Ada", "x_1": "1"}', "$.x_1: '1' is not of type 'integer'"),
        ("[]", "$: [] is not of type 'object'"),
        ("", "not JSON: Expecting value: line 1 column 1 (char 0)"),
        ('Sure! {"name": "Ada"}', "not JSON: Expecting value: line 1 column 1 (char 0)"),
        ('{"name": NaN}', "not JSON: NaN is no JSON value"),
        ("[" * 100_000, "not JSON: maximum recursion depth exceeded"),
    ],
)
def test_json_schema(grade: Grade, output: str, reason: str | None) -> None:
    score = grade("json_schema", output, schema=PERSON)
    assert score.passed is (reason is None), score
    assert (score.reason or "").startswith(reason or "")


def test_json_schema_takes_a_fence_only_when_told(grade: Grade) -> None:
    fenced = '```json\n{"name": "Ada"}\n```'
    assert grade("json_schema", fenced, schema=PERSON, extract=False).passed is False


def test_json_schema_can_take_its_values_from_the_case(grade: Grade) -> None:
    schema = {"enum": "{{ allowed }}"}
    assert grade("json_schema", "2", case={"allowed": [1, 2]}, schema=schema).passed
    assert not grade("json_schema", "3", case={"allowed": [1, 2]}, schema=schema).passed


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "objekt"}, "not a JSON Schema: $.type: 'objekt'"),
        ({"pattern": "("}, "not a JSON Schema"),
        (
            {"$ref": "https://example.com/a.json"},
            "is not within the schema, and nothing is fetched",
        ),
        ({"anyOf": [{"$ref": "#/$defs/none"}]}, "the $ref '#/$defs/none' is not within"),
        ("object", "input should be an object, not 'object'"),
    ],
)
def test_json_schema_refuses(grade: Grade, schema: Any, message: str) -> None:
    with pytest.raises(PromptlabError) as caught:
        grade("json_schema", "{}", schema=schema)
    assert str(caught.value).startswith("scorer 'json_schema', parameter 'schema': ")
    assert message in str(caught.value)


@pytest.mark.slow
def test_no_pattern_of_a_schema_hangs_a_run(grade: Grade) -> None:
    start = time.perf_counter()
    score = grade("json_schema", f'"{"a" * 80}!"', schema={"pattern": "(a|aa)+$"})
    assert time.perf_counter() - start < 10
    assert (score.value, score.error) == (None, "TimeoutError: regex timed out")
