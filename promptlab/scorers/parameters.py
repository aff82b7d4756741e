"""Check a scorer's parameters strictly against its annotations.

Values count as JSON, so a list may fill a tuple, but no text is read as a number or a boolean.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError
from pydantic_core import PydanticSerializationError, to_json

from promptlab.core.errors import PromptlabError
from promptlab.core.foreign import foreign
from promptlab.core.numbers import is_spelled, respelled
from promptlab.core.yamlfile import KeyPath
from promptlab.scorers.prompts import names_prompt
from promptlab.scorers.signature import Parameter, parameters_of

_KNOWN = (PydanticSerializationError, ValidationError, PromptlabError)
_YAML_HINT = "put true and false in quotes if they are texts"


class WrongValue(PromptlabError):
    """A value that its parameter does not take; `path` leads to the part of it that is wrong."""

    path: KeyPath = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter with the adapter that checks its values. Values of `plain` types need no check.

    If the scorer is not `built_in`, its annotation may name user-defined functions that check them.
    """

    parameter: Parameter
    adapter: TypeAdapter[Any]
    plain: frozenset[object]
    built_in: bool = False

    def parse(self, value: object) -> Any:
        """Return the value in the function's type. Raise `PromptlabError` if it is wrong."""
        if type(value) in self.plain:
            return value
        if is_spelled(value) and type(value).__bases__[0] in self.plain:
            return value
        checking = foreign("it cannot be checked", passing=_KNOWN)
        try:
            with nullcontext() if self.built_in else checking:
                return respelled(self.adapter.validate_json(to_json(value), strict=True), value)
        except PydanticSerializationError:
            raise PromptlabError(f"{reprlib.repr(value)} is not a JSON value") from None
        except ValidationError as error:
            raise self._refusal(value, error) from None

    def as_written(self, value: object) -> object:
        """Return a value of a suite for a parameter that takes texts: its numbers as texts.

        There, 3.10 is what the suite says, not the number that it means.
        """
        if str not in self.plain:
            return value
        if isinstance(value, list):
            return [str(item) if is_spelled(item) else item for item in value]
        return str(value) if is_spelled(value) else value

    def _refusal(self, value: object, error: ValidationError) -> PromptlabError:
        problems = error.errors(include_url=False)
        mistaken = any(
            problem["type"] == "string_type" and isinstance(problem["input"], bool)
            for problem in problems
        )
        refusal = WrongValue(
            self._complaint(value, problems), hint=_YAML_HINT if mistaken else None
        )
        refusal.path = max((_path(problem["loc"], value) for problem in problems), key=len)
        return refusal

    def _complaint(self, value: object, problems: list[Any]) -> str:
        """Describe the problem; of several, one for each type of a union, the deepest."""
        depths = [len(problem["loc"]) for problem in problems]
        deepest = [problem for problem in problems if len(problem["loc"]) == max(depths)]
        plain_words = [problem for problem in deepest if problem["type"] == "value_error"]
        if len(plain_words or deepest) > 1:
            return f"must be {self.parameter.type_text}, not {reprlib.repr(value)}"
        return _describe((plain_words or deepest)[0])


def fields_of(function: Callable[..., object]) -> dict[str, Field]:
    """Return the fields of a scorer function by the names that suites use."""
    if getattr(function, "__module__", "").startswith("promptlab."):
        return {**_fields_of_built_in(function)}
    return {found.name: _field(found, built_in=False) for found in parameters_of(function)}


@cache
def _fields_of_built_in(function: Callable[..., object]) -> dict[str, Field]:
    """Return the fields of a function that does not change: to make them takes a millisecond."""
    return {found.name: _field(found, built_in=True) for found in parameters_of(function)}


def _field(parameter: Parameter, *, built_in: bool) -> Field:
    annotation: Any = str if names_prompt(parameter.annotation) else parameter.annotation
    try:
        adapter = TypeAdapter[Any](annotation)
    except PydanticSchemaGenerationError:
        raise PromptlabError(
            f"parameter {parameter.name!r} is annotated {parameter.type_text}, "
            "which no value of a suite can be",
            hint="annotate it with a JSON type: str, float, bool, list[str], ...",
        ) from None
    return Field(parameter, adapter, _plain_types(annotation), built_in)


def _plain_types(annotation: object) -> frozenset[object]:
    """Return the types whose values always satisfy the annotation."""
    if annotation in (str, int, float, bool):
        return frozenset([annotation])
    if get_origin(annotation) in (Union, UnionType):
        return frozenset().union(*map(_plain_types, get_args(annotation)))
    return frozenset()


def _path(location: tuple[str | int, ...], value: Any) -> KeyPath:
    """Return the keys of a location within a value, without the names of a union's members."""
    path: list[str | int] = []
    for part in location:
        is_key = part in value if isinstance(value, dict) else isinstance(part, int)
        if isinstance(value, dict | list) and is_key:
            path.append(part)
            value = value[part]  # type: ignore[index]
    return tuple(path)


def _describe(problem: Any) -> str:
    # A part with a bracket is pydantic's name for a union member, not one of the user's keys.
    place = "".join(f"{part}: " for part in problem["loc"] if "[" not in str(part))
    if problem["type"] == "value_error":
        return f"{place}{problem['ctx']['error']}"
    message = problem["msg"].replace("valid array", "list")
    if message.startswith("Input should"):
        message += f", not {reprlib.repr(problem['input'])}"
    return f"{place}{message[0].lower()}{message[1:]}"


@contextmanager
def placed(place: str) -> Iterator[None]:
    """Begin the message of an error with what it is about."""
    try:
        yield
    except PromptlabError as error:
        placed = error.saying(f"{place}: {error.message}")
        if isinstance(error, WrongValue) and isinstance(placed, WrongValue):
            placed.path = error.path
        raise placed from error
