"""The parameters of a scorer as a suite gives them: named, as JSON, as its function takes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic_core import from_json, to_json

from promptlab.core.digest import canonical_json
from promptlab.core.errors import PromptlabError
from promptlab.core.plugins import unknown
from promptlab.core.types import Json
from promptlab.scorers.asking import names_backend
from promptlab.scorers.entries import Entry, Where, told_at
from promptlab.scorers.fill import Blank, blank
from promptlab.scorers.parameters import Field, placed
from promptlab.scorers.prompts import FindPrompt, Prompt, names_prompt
from promptlab.scorers.rivals import names_arm


def values_of(
    label: str,
    fields: Mapping[str, Field],
    given: Mapping[str, Json],
    where: Where | None,
    but: Collection[str],
) -> tuple[dict[str, Any], tuple[tuple[Field, Blank], ...]]:
    """Return the values that are the same for every case, and those to be filled in.

    The parameters in `but` are left out.
    """
    fixed: dict[str, Any] = {}
    blanks: list[tuple[Field, Blank]] = []
    for name, field in fields.items():
        if name in but:
            continue
        with told_at(where, name), placed(f"scorer {label!r}, parameter {name!r}"):
            fill = blank(given.get(name, field.parameter.default))
            if fill is not None:
                _refuse_blank_name(field)
                blanks.append((field, fill))
            elif name in given:
                fixed[field.parameter.key] = field.parse(given[name])
            else:
                fixed[field.parameter.key] = field.parameter.default
    return fixed, tuple(blanks)


def prompts_of(
    label: str,
    fields: Mapping[str, Field],
    fixed: Mapping[str, Any],
    find: FindPrompt,
    where: Where | None,
) -> dict[str, Prompt]:
    """Return the prompts that parameters name, by the function's own names of these."""
    found: dict[str, Prompt] = {}
    for name, field in fields.items():
        if names_prompt(field.parameter.annotation):
            with told_at(where, name), placed(f"scorer {label!r}, parameter {name!r}"):
                found[field.parameter.key] = find(fixed[field.parameter.key])
    return found


def asks_a_backend(field: Field) -> bool:
    """Return whether a parameter names backends to ask."""
    return names_backend(field.parameter.annotation)


def rivals_of(fields: Mapping[str, Field], fixed: Mapping[str, Any]) -> dict[str, str]:
    """Return the arms that parameters name to compare with, each with its parameter."""
    named = {
        name: fixed[field.parameter.key]
        for name, field in fields.items()
        if names_arm(field.parameter.annotation)
    }
    return {arm: name for name, arm in named.items() if arm is not None}


def _refuse_blank_name(field: Field) -> None:
    """Refuse a backend, prompt or arm that would differ between cases: a plan names them all."""
    annotation = field.parameter.annotation
    kinds = {
        "backend": names_backend(annotation),
        "prompt": names_prompt(annotation),
        "version": names_arm(annotation),
    }
    for kind in [kind for kind, named in kinds.items() if named]:
        raise PromptlabError(
            f"the name of a {kind} cannot be filled in from the case", hint="write the name itself"
        )


def as_json(
    entry: Entry, fields: Mapping[str, Field], but: Collection[str] = ()
) -> dict[str, Json]:
    """Return the parameters as plain JSON, to be stored and digested (a YAML date is text).

    Those in `but` are left out.
    """
    try:
        params = {
            name: fields[name].as_written(value) if name in fields else value
            for name, value in entry.params.items()
            if name not in but
        }
        given: dict[str, Json] = from_json(to_json(params))
        canonical_json(given)
    except ValueError as error:
        raise PromptlabError(
            f"scorer {entry.label!r} has a parameter that is not JSON: {error}"
        ) from None
    return given


def refuse_wrong_names(
    label: str, fields: Mapping[str, Field], given: Collection[str], where: Where | None
) -> None:
    """Refuse a parameter that a scorer does not have, and the lack of one that it needs."""
    for name in given:
        if name not in fields:
            with told_at(where, name), placed(f"scorer {label!r}"):
                raise unknown("parameter", name, fields)
    for name, field in fields.items():
        if field.parameter.required and name not in given:
            raise PromptlabError(
                f"scorer {label!r} needs the parameter {name!r}",
                hint=f"it is {field.parameter.type_text}: {field.parameter.help}".rstrip(": "),
            )
