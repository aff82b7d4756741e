from __future__ import annotations

from typing import Any

import pytest

from promptlab.remote.strict_schema import is_strict


def closed(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


TEXT = {"type": "string"}
OPEN = {"type": "object", "properties": {"a": TEXT}, "required": ["a"]}
GAP = {**closed(a=TEXT, b=TEXT), "required": ["a"]}


@pytest.mark.parametrize(
    "schema",
    [
        closed(),
        closed(a=TEXT),
        closed(a=TEXT, b={"type": ["string", "null"]}, c={"enum": [1, "x"]}, d={"const": 1}),
        closed(a=closed(b=TEXT)),
        closed(a={"type": "array", "items": closed(b=TEXT)}),
        closed(a={"anyOf": [TEXT, closed(b=TEXT)]}),
        {**closed(a={"$ref": "#/$defs/b"}), "$defs": {"b": closed(c=TEXT)}},
        # names of properties that are words of JSON Schema too
        closed(**{"not": TEXT, "allOf": TEXT, "properties": closed(items=TEXT)}),
    ],
)
def test_strict(schema: dict[str, Any]) -> None:
    assert is_strict(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        TEXT,
        {"type": "array", "items": closed(a=TEXT)},
        {"type": "object"},
        {**closed(a=TEXT), "anyOf": [closed(a=TEXT)]},
        OPEN,
        {**closed(a=TEXT), "additionalProperties": TEXT},
        GAP,
        closed(a=OPEN),
        closed(a=GAP),
        closed(a={"type": ["object", "null"]}),
        closed(a={"properties": {"b": TEXT}, "type": "object"}),
        closed(a={"type": "array", "items": OPEN}),
        closed(a={"type": "array", "items": True}),
        closed(a={"anyOf": [TEXT, OPEN]}),
        closed(a={"description": "anything"}),
        closed(a=True),
        closed(a={**TEXT, "not": {"const": "x"}}),
        closed(a={"oneOf": [TEXT]}),
        {**closed(a={"$ref": "#/$defs/b"}), "$defs": {"b": OPEN}},
        {**closed(a={"$ref": "#/definitions/b"}), "definitions": {"b": GAP}},
    ],
)
def test_not_strict(schema: dict[str, Any]) -> None:
    assert not is_strict(schema)
