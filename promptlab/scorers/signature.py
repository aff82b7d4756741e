"""Read the parameters of a scorer from its function: names, annotations, defaults, help.

Every argument after the sample is a parameter. One trailing underscore is dropped from its name,
so that a suite can write `not` for Python's `not_`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from types import NoneType, SimpleNamespace, UnionType
from typing import Literal, Union, get_args, get_origin, get_type_hints

from promptlab.core.errors import PromptlabError
from promptlab.scorers.parts import takes_scorers
from promptlab.scorers.prompts import names_prompt

REQUIRED = inspect.Parameter.empty

_TAKES_A_SAMPLE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_TAKES_A_KEYWORD = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_MODULE_PREFIX = re.compile(r"\b(?:\w+\.)+(?=\w)")
_ARGS_HEADING = "Args:"
_LIMITS_HEADING = "Limits:"
_ARGS_LINE = re.compile(r" {4}(\w+): (.+)")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: `name` as suites write it, `key` as the function calls it."""

    name: str
    key: str
    annotation: object
    default: object
    help: str

    @property
    def required(self) -> bool:
        """Return whether a suite must set this parameter."""
        return self.default is REQUIRED

    @property
    def type_text(self) -> str:
        """Return the annotation as source text, without its hidden checks."""
        if (scorers := takes_scorers(self.annotation)) is not None:
            return scorers
        if names_prompt(self.annotation):
            return "str"
        bare = get_type_hints(SimpleNamespace(__annotations__={"it": self.annotation}))["it"]
        return _type_text(bare)


def parameters_of(function: Callable[..., object]) -> tuple[Parameter, ...]:
    """Read the parameters of a scorer function, except its sample."""
    sample, *rest = _arguments(function)
    if sample.kind not in _TAKES_A_SAMPLE:
        raise _wrong_shape(function)
    options = [argument for argument in rest if argument.kind in _TAKES_A_KEYWORD]
    helps = _helps(function)
    hints = _hints(function, {argument.name: argument.annotation for argument in options})
    return tuple(
        Parameter(
            name=argument.name.removesuffix("_"),
            key=argument.name,
            annotation=hints[argument.name],
            default=argument.default,
            help=helps.get(argument.name, ""),
        )
        for argument in options
    )


def summary_of(function: Callable[..., object]) -> str:
    """Return the first line of the function's docstring."""
    return (inspect.getdoc(function) or "").partition("\n")[0]


def limits_of(function: Callable[..., object]) -> str:
    """Return what the function's docstring says that it does not do, as one paragraph."""
    _, heading, section = (inspect.getdoc(function) or "").partition(_LIMITS_HEADING + "\n")
    lines = takewhile(lambda line: line.startswith(" " * 4), section.splitlines())
    return " ".join(map(str.strip, lines)) if heading else ""


def gives_a_number(function: Callable[..., object]) -> bool:
    """Return whether a scorer is annotated to return a number, which is no verdict."""
    returns = getattr(inspect.unwrap(function), "__annotations__", {}).get("return")
    return returns in (int, float, "int", "float")


def _type_text(annotation: object) -> str:
    if annotation is NoneType:
        return "None"
    if get_origin(annotation) is Literal:
        return " | ".join(map(repr, get_args(annotation)))
    if get_origin(annotation) in (Union, UnionType):
        return " | ".join(map(_type_text, get_args(annotation)))
    return _MODULE_PREFIX.sub("", inspect.formatannotation(annotation))


def _arguments(function: Callable[..., object]) -> list[inspect.Parameter]:
    try:
        arguments = list(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):
        raise _wrong_shape(function) from None
    if not arguments or any(argument.name == "name" for argument in arguments):
        raise _wrong_shape(function)
    return arguments


def _hints(function: Callable[..., object], annotations: dict[str, object]) -> dict[str, object]:
    """Resolve only the options' annotations: the sample's may be for type checkers only."""
    known = {
        key: object if annotation is REQUIRED else annotation
        for key, annotation in annotations.items()
    }
    scope = getattr(inspect.unwrap(function), "__globals__", {})
    holder = SimpleNamespace(__annotations__=known)
    try:
        return get_type_hints(holder, globalns=scope, include_extras=True)
    except NameError as error:
        raise PromptlabError(
            f"scorer {_name(function)!r} has an annotation that cannot be read: {error}",
            hint="import the type outside `if TYPE_CHECKING:`",
        ) from None


def _helps(function: Callable[..., object]) -> dict[str, str]:
    """Read each argument's help from the docstring's `Args:`, joining continuation lines."""
    _, heading, section = (inspect.getdoc(function) or "").partition(_ARGS_HEADING + "\n")
    helps: dict[str, str] = {}
    current = ""
    for line in section.splitlines() if heading else ():
        if entry := _ARGS_LINE.fullmatch(line):
            current = entry[1]
            helps[current] = entry[2]
        elif current and line.startswith(" " * 5):
            helps[current] += " " + line.strip()
        else:
            break
    return helps


def _wrong_shape(function: Callable[..., object]) -> PromptlabError:
    return PromptlabError(
        f"{_name(function)!r} cannot be a scorer: it must take a sample, then its parameters, "
        "none of them called 'name'",
        hint="write it as def mine(sample, *, option=1)",
    )


def _name(function: Callable[..., object]) -> str:
    return getattr(function, "__name__", type(function).__name__)
