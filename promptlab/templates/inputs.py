"""The declared types of a template's inputs: what they are, and texts read as them.

A cell of a table and a word of the command line are always text. Where a template declares a type,
such a text is read as it, and goes on to be written as it was.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Literal

from promptlab.core.documents import parse_json
from promptlab.core.errors import PromptlabError
from promptlab.core.numbers import SpelledFloat, SpelledInt

InputType = Literal["string", "number", "integer", "boolean", "array", "object", "null"]

_PYTHON_TYPES: dict[InputType, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (Mapping,),
    "null": (type(None),),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,1000}")
_NUMBER = re.compile(
    r"[-+]?(?:[0-9]{1,1000}\.?[0-9]{0,1000}|\.[0-9]{1,1000})(?:[eE][-+]?[0-9]{1,4})?"
)
_WORDS: dict[str, dict[str, object]] = {
    "boolean": {"true": True, "false": False},
    "null": {"null": None, "": None},
}


def is_of_type(value: object, wanted: InputType) -> bool:
    """Return whether a value has a JSON Schema type; a boolean is not a number."""
    if isinstance(value, bool):
        return wanted == "boolean"
    return isinstance(value, _PYTHON_TYPES[wanted])


def as_type(value: object, wanted: InputType) -> object:
    """Return a text as the value of this type that it says; any other value as it is."""
    if not isinstance(value, str) or wanted == "string":
        return value
    text = value.strip()
    if wanted in ("integer", "number"):
        return _number(text, whole=wanted == "integer", otherwise=value)
    if wanted in _WORDS:
        return _WORDS[wanted].get(text.lower(), value)
    try:
        return parse_json(text, "")
    except PromptlabError:
        return value


def _number(text: str, *, whole: bool, otherwise: str) -> object:
    if _INTEGER.fullmatch(text):
        return SpelledInt(text)
    if whole or not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        return otherwise
    return SpelledFloat(text)
