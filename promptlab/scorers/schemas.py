"""JSON Schema with two guarantees: nothing is fetched, and no pattern can hang a run.

A separate module because its libraries load slowly: `structured` loads it on first use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import regex as timed
from jsonschema import Draft202012Validator, SchemaError, ValidationError
from jsonschema.validators import extend
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY

from promptlab.core.types import Json

_PATTERN_LIMIT_S = 1.0


def check_schema(schema: dict[str, Any]) -> None:
    """Raise `ValueError` if this is not a schema, or refers to something outside itself."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"not a JSON Schema: {error.json_path}: {error.message}") from None
    resolver = EMPTY_REGISTRY.resolver_with_root(DRAFT202012.create_resource(schema))
    for reference in _references(schema):
        try:
            resolver.lookup(reference)
        except Unresolvable:
            raise ValueError(
                f"the $ref {reference!r} is not within the schema, and nothing is fetched"
            ) from None


def first_problem(document: Json, schema: dict[str, Any]) -> str | None:
    """Describe where the document first violates the schema; return None if it does not."""
    errors = _Validator(schema, registry=EMPTY_REGISTRY).iter_errors(document)
    first = next(errors, None)
    return f"{first.json_path}: {first.message}" if first else None


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(reference := schema.get("$ref"), str):
            yield reference
        yield from chain.from_iterable(map(_references, schema.values()))
    elif isinstance(schema, list):
        yield from chain.from_iterable(map(_references, schema))


def _match_pattern(
    _validator: object, pattern: str, instance: object, _schema: object
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not timed.search(pattern, instance, timeout=_PATTERN_LIMIT_S):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _match_properties(
    validator: Any, patterns: Mapping[str, Any], instance: object, _schema: object
) -> Iterator[ValidationError]:
    for name, value in instance.items() if isinstance(instance, dict) else ():
        for pattern, schema in patterns.items():
            if timed.search(pattern, name, timeout=_PATTERN_LIMIT_S):
                yield from validator.descend(value, schema, path=name, schema_path=pattern)


# The library's own keywords search with `re`, which has no time limit.
_Validator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {"pattern": _match_pattern, "patternProperties": _match_properties},
)
