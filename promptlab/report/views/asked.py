"""What a case asks, in one text."""

from __future__ import annotations

from collections.abc import Mapping

from promptlab.core.digest import case_json
from promptlab.core.types import Json


def question_of(variables: Mapping[str, Json]) -> str:
    """Return what a case asks in one text: its only variable, or each with its name."""
    if len(variables) == 1:
        return value_text(next(iter(variables.values())))
    return "; ".join(f"{name}: {value_text(value)}" for name, value in variables.items())


def value_text(value: Json) -> str:
    """Return a value of a case as people read it: a text as it is, all else as JSON."""
    return value if isinstance(value, str) else case_json(value)
