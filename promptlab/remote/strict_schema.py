"""OpenAI's requirements for a JSON Schema that answers must follow strictly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_REFUSED = {
    "allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas",
    "patternProperties",
}  # fmt: skip
_KINDS = {"type", "enum", "const", "anyOf", "$ref"}  # without one of them, anything is allowed


def is_strict(schema: Mapping[str, Any]) -> bool:
    """Return whether a schema is of an object, and all its objects are closed and all required."""
    return schema.get("type") == "object" and "anyOf" not in schema and _strict(schema)


def _strict(schema: object) -> bool:
    if not isinstance(schema, Mapping) or _REFUSED & schema.keys() or not _KINDS & schema.keys():
        return False
    if "object" in schema.get("type", ()) and not _is_closed(schema):
        return False
    return all(_strict(part) for part in _parts(schema))


def _is_closed(schema: Mapping[str, Any]) -> bool:
    given, needed = schema.get("properties", {}), schema.get("required", ())
    return schema.get("additionalProperties") is False and set(given) == set(needed)


def _parts(schema: Mapping[str, Any]) -> Iterator[object]:
    for key in ("properties", "$defs", "definitions"):
        yield from schema.get(key, {}).values()
    yield from schema.get("anyOf", ())
    if "items" in schema:
        yield schema["items"]
