from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from promptlab.core.errors import PromptlabError
from promptlab.core.types import Score

Grade = Callable[..., Score]
DRAFT = "http://json-schema.org/draft-0{}/schema#"


@pytest.mark.parametrize(
    ("schema", "document", "passed"),
    [
        ({"multipleOf": 0.01}, "1.13", True),
        ({"multipleOf": 0.01}, "1.135", False),
        ({"multipleOf": 0.1}, "0.7", True),
        ({"multipleOf": 0.3}, "0.9", True),
        ({"multipleOf": 1e-7}, "98765432109876543210.1234567", True),
        ({"multipleOf": 7}, "1e99999999", False),
        ({"multipleOf": 5}, "1e99999999", True),
        ({"multipleOf": 2}, "0e5", True),
        ({"maximum": 0.3}, "0.3", True),
        ({"maximum": 0.3}, "0.3000000000000000000001", False),
        ({"exclusiveMinimum": 0.1}, "0.10", False),
        ({"enum": [0.1, 0.2]}, "2e-1", True),
        ({"const": 0.1}, "0.1000000000000000055511151231257827", False),
        ({"uniqueItems": True}, "[1, 1.0]", False),
        ({"uniqueItems": True}, "[1, true, 1.5]", True),
        ({"type": "integer"}, "3.0", True),
        ({"type": "integer"}, "3.5", False),
        ({"type": "integer"}, "7" * 5000, True),
        ({"type": "boolean"}, "1", False),
    ],
)
def test_numbers_are_compared_as_they_are_written(
    grade: Grade, schema: dict[str, Any], document: str, passed: bool
) -> None:
    assert grade("json_schema", document, schema=schema).passed is passed


def test_a_problem_shows_numbers_as_they_are_written(grade: Grade) -> None:
    score = grade(
        "json_schema", '{"price": 1.135}', schema={"properties": {"price": {"multipleOf": 0.01}}}
    )
    assert score.reason == "$.price: 1.135 is not a multiple of 0.01"


@pytest.mark.parametrize(
    ("draft", "schema", "document", "passed"),
    [
        (4, {"type": "integer"}, "3.0", False),
        (4, {"maximum": 3, "exclusiveMaximum": True}, "3", False),
        (6, {"exclusiveMaximum": 3}, "3", False),
        (7, {"items": [{"type": "string"}, {"type": "number"}]}, '["a", "b"]', False),
        (7, {"$ref": "#/definitions/a", "definitions": {"a": {"type": "null"}}}, "1", False),
        (3, {"divisibleBy": 0.1}, "0.35", False),
    ],
)
def test_the_draft_is_the_one_that_the_schema_names(
    grade: Grade, draft: int, schema: dict[str, Any], document: str, passed: bool
) -> None:
    score = grade("json_schema", document, schema={"$schema": DRAFT.format(draft), **schema})
    assert score.passed is passed


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date", "2024-02-29", "2023-02-29"),
        ("date-time", "2024-02-29T23:59:60Z", "2023-02-29T10:00:00Z"),
        ("date-time", "2024-01-01t00:00:00.5+05:30", "2024-01-01T00:00:00"),
        ("time", "12:00:00Z", "12:00"),
        ("duration", "P1Y2M3DT4H5M6S", "P"),
        ("duration", "P4W", "PT"),
        ("email", "a@example.org", "example.org"),
        ("hostname", "www.example.org", "www..example.org"),
        ("ipv4", "192.0.2.1", "192.0.2.256"),
        ("ipv6", "2001:db8::1", "2001:db8::g"),
        ("uri", "mailto:a@example.org", "/path"),
        ("uri-reference", "../path?x=1", "a b"),
        ("iri", "https://例え.jp/ü", "a b:c"),
        ("uri-template", "/users/{id}", "/users/{id"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567"),
        ("json-pointer", "/a/b~1c", "a/b"),
        ("relative-json-pointer", "1/a", "/a"),
        ("regex", "a+", "a("),
    ],
)
def test_formats_are_checked(grade: Grade, name: str, good: str, bad: str) -> None:
    assert grade("json_schema", f'"{good}"', schema={"format": name}).passed
    assert grade("json_schema", f'"{bad}"', schema={"format": name}).passed is False
    assert grade("json_schema", "5", schema={"format": name}).passed


def test_a_format_that_no_draft_defines_is_a_remark(grade: Grade) -> None:
    assert grade("json_schema", "5", schema={"format": "int32"}).passed


@pytest.mark.parametrize(
    ("schema", "passed"),
    [
        ({"additionalProperties": False, "properties": {"a": {}}}, False),
        ({"additionalProperties": False, "patternProperties": {"^b": {}}}, True),
        ({"additionalProperties": {"type": "string"}}, False),
        ({"additionalProperties": {"type": "integer"}}, True),
        ({"additionalProperties": True}, True),
    ],
)
def test_other_properties(grade: Grade, schema: dict[str, Any], passed: bool) -> None:
    assert grade("json_schema", '{"b": 1}', schema=schema).passed is passed


@pytest.mark.parametrize("named", ["https://example.org/mine", "draft-07", 7])
def test_an_unknown_draft_is_refused(grade: Grade, named: object) -> None:
    with pytest.raises(PromptlabError, match="is no draft of JSON Schema that is known here"):
        grade("json_schema", "1", schema={"$schema": named})


def test_a_reference_is_resolved_within_a_part_that_has_an_id(grade: Grade) -> None:
    part = {"$id": "part", "$defs": {"n": {"type": "integer"}}, "$ref": "#/$defs/n"}
    schema = {"$id": "https://example.org/whole", "$ref": "part", "$defs": {"p": part}}
    assert grade("json_schema", "1", schema=schema).passed
    assert grade("json_schema", '"1"', schema=schema).passed is False


def test_an_exponent_that_no_number_has_is_no_json(grade: Grade) -> None:
    score = grade("json_schema", "1e99999999999999999999", schema={})
    assert score.reason == "not JSON: the exponent of 1e99999999999999999999 is too large"
