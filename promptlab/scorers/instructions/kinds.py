"""The kinds of instructions by their ids, and how their arguments are read.

A check is a function of the answer and the arguments, which returns whether the answer follows;
None where that cannot be told.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_type_hints

from pydantic import Field, TypeAdapter, ValidationError

from promptlab.core.plugins import unknown

Check = Callable[..., bool | None]
Number = Annotated[int, Field(ge=0)]
Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[list[Text], Field(min_length=1)]

KINDS: dict[str, Check] = {}


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a case: its id, what verifies it, and the arguments of that."""

    id: str
    check: Check
    arguments: Mapping[str, Any]

    def followed(self, answer: str) -> bool | None:
        """Return whether an answer follows; None where that cannot be told."""
        return self.check(answer, **self.arguments)


def kind(name: str) -> Callable[[Check], Check]:
    """Register the decorated check as that of this id."""

    def register(check: Check) -> Check:
        KINDS[name] = check
        return check

    return register


def read_instruction(name: str, given: Mapping[str, Any]) -> Instruction:
    """Return the instruction; arguments that are None are not given, as in published data.

    Raise `PromptlabError` for an unknown id, `ValueError` for arguments that do not fit it.
    """
    if name not in KINDS:
        raise unknown("instruction", name, sorted(KINDS))
    check = KINDS[name]
    given = {key: value for key, value in given.items() if value is not None}
    hints = get_type_hints(check, include_extras=True)
    _, *wanted = inspect.signature(check).parameters.values()
    if extra := sorted(given.keys() - {each.name for each in wanted}):
        raise ValueError(f"the instruction {name} takes no {extra[0]!r}")
    arguments = {}
    for each in wanted:
        if each.name in given:
            arguments[each.name] = _read(name, each.name, hints[each.name], given[each.name])
        elif each.default is each.empty:
            raise ValueError(f"the instruction {name} needs {each.name!r}")
    return Instruction(name, check, arguments)


def _read(name: str, key: str, annotation: Any, value: object) -> Any:
    try:
        return TypeAdapter(annotation).validate_python(value)
    except ValidationError as error:
        problem = error.errors()[0]
        message = str(problem.get("ctx", {}).get("error", problem["msg"]))
        raise ValueError(f"the instruction {name}: {key!r}: {message}, not {value!r}") from None
