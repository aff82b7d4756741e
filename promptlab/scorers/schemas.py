"""JSON Schema with three guarantees: nothing is fetched, no pattern hangs, numbers are decimal.

Which draft counts is what `$schema` says, 2020-12 if it says nothing. A separate module because its
libraries load slowly: `structured` loads it on first use.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NoReturn

import regex as timed
from jsonschema import Draft202012Validator, SchemaError, ValidationError
from jsonschema.validators import extend, validator_for
from referencing import Specification
from referencing.exceptions import Unresolvable
from referencing.jsonschema import EMPTY_REGISTRY, specification_with

from promptlab.core.types import Json
from promptlab.scorers.formats import format_checker
from promptlab.scorers.reading.normal import normal_json

_PATTERN_LIMIT_S = 1.0
_EARLY = ("draft-03", "draft-04")  # in which 1.0 is no integer


class Exact(Decimal):
    """A number as it is written; it prints as such."""

    def __repr__(self) -> str:
        """Return the number alone."""
        return str(self)


def check_schema(schema: dict[str, Any]) -> None:
    """Raise `ValueError` if this is not a schema, or refers to something outside itself."""
    draft = _draft(schema)
    try:
        draft.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"not a JSON Schema: {error.json_path}: {error.message}") from None
    dialect: Specification[Any] = specification_with(_dialect(draft))
    _check_references(
        schema, dialect, EMPTY_REGISTRY.resolver_with_root(dialect.create_resource(schema))
    )


def parsed(text: str) -> Json:
    """Return the JSON value of a text, its numbers exactly. Raise `ValueError` if it is none."""
    value: Json = json.loads(
        text, parse_float=_number, parse_int=_integer, parse_constant=_refuse_constant
    )
    return normal_json(value)


def first_problem(document: Json, schema: dict[str, Any]) -> str | None:
    """Describe where a parsed document first violates the schema; return None if it does not."""
    draft = _draft(schema)
    exact = _exact(normal_json(schema))
    validator = _validator(draft)(exact, registry=EMPTY_REGISTRY, format_checker=_formats(draft))
    first = next(validator.iter_errors(document), None)
    return f"{first.json_path}: {first.message}" if first else None


def _draft(schema: Mapping[str, Any]) -> Any:
    if "$schema" not in schema:
        return Draft202012Validator
    named = schema["$schema"]
    unknown: Any = None
    draft = validator_for(schema, default=unknown) if isinstance(named, str) else None
    if draft is None:
        raise ValueError(f"the $schema {named!r} is no draft of JSON Schema that is known here")
    return draft


def _dialect(draft: Any) -> str:
    return str(draft.META_SCHEMA["$schema"])


def _check_references(schema: object, dialect: Specification[Any], resolver: Any) -> None:
    if isinstance(schema, dict):
        resource = dialect.create_resource(schema)
        if resource.id() is not None:
            resolver = resolver.in_subresource(resource)
        reference = schema.get("$ref")
        if isinstance(reference, str):
            _look_up(reference, resolver)
        inner = list(schema.values())
    else:
        inner = schema if isinstance(schema, list) else []
    for item in inner:
        _check_references(item, dialect, resolver)


def _look_up(reference: str, resolver: Any) -> None:
    try:
        resolver.lookup(reference)
    except (Unresolvable, ValueError):
        raise ValueError(
            f"the $ref {reference!r} is not within the schema, and nothing is fetched"
        ) from None


def _number(text: str) -> Exact:
    try:
        return Exact(text)
    except InvalidOperation:
        raise ValueError(f"the exponent of {text} is too large") from None


def _integer(text: str) -> int | Exact:
    try:
        return int(text)
    except ValueError:  # more digits than Python reads into an int
        return Exact(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _exact(value: Any) -> Any:
    """Return a schema with its numbers as they are written: 0.1 is a tenth."""
    if isinstance(value, float):
        return Exact(repr(value))
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    return value


def _match_pattern(
    _validator: object, pattern: str, instance: object, _schema: object
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _found(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _match_properties(
    validator: Any, patterns: Mapping[str, Any], instance: object, _schema: object
) -> Iterator[ValidationError]:
    for name, value in instance.items() if isinstance(instance, dict) else ():
        for pattern, schema in patterns.items():
            if _found(pattern, name):
                yield from validator.descend(value, schema, path=name, schema_path=pattern)


def _match_others(
    validator: Any, others: object, instance: object, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """Check the properties that `properties` and `patternProperties` do not name."""
    if not isinstance(instance, dict):
        return
    patterns = schema.get("patternProperties", {})
    named = schema.get("properties", {})
    for name in instance:
        if name in named or any(_found(pattern, name) for pattern in patterns):
            continue
        if isinstance(others, dict):
            yield from validator.descend(instance[name], others, path=name)
        elif others is False:
            yield ValidationError(
                f"Additional properties are not allowed ({name!r} was unexpected)"
            )


def _found(pattern: str, text: str) -> bool:
    return timed.search(pattern, text, timeout=_PATTERN_LIMIT_S) is not None


def _divide(
    validator: Any, step: Decimal | int, instance: Any, _schema: object
) -> Iterator[ValidationError]:
    if validator.is_type(instance, "number") and not _is_multiple(instance, step):
        yield ValidationError(f"{instance!r} is not a multiple of {step!r}")


def _is_multiple(number: Decimal | int, step: Decimal | int) -> bool:
    """Return whether a number is a multiple of a step, however large their exponents are."""
    above, below = Decimal(number).as_tuple(), Decimal(step).as_tuple()
    digits, divisor = (int("".join(map(str, parts.digits))) for parts in (above, below))
    shift = int(above.exponent) - int(below.exponent)
    if shift >= 0:
        return digits * pow(10, shift, divisor) % divisor == 0
    return digits == 0 or (-shift <= len(above.digits) and digits % (divisor * 10**-shift) == 0)


def _is_integer(_checker: object, instance: object) -> bool:
    if isinstance(instance, Decimal):
        return instance == instance.to_integral_value()
    return isinstance(instance, int) and not isinstance(instance, bool)


@lru_cache
def _validator(draft: Any) -> Any:
    """Return the draft's validator; the library's keywords search with `re`, without a limit."""
    types = draft.TYPE_CHECKER
    if not any(name in _dialect(draft) for name in _EARLY):
        types = types.redefine("integer", _is_integer)
    keywords = {
        "pattern": _match_pattern,
        "patternProperties": _match_properties,
        "additionalProperties": _match_others,
        "multipleOf": _divide,
        "divisibleBy": _divide,
    }
    known = {name: check for name, check in keywords.items() if name in draft.VALIDATORS}
    return extend(draft, known, type_checker=types)  # type: ignore[no-untyped-call]


_formats = lru_cache(format_checker)
