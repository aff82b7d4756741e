"""Pydantic's errors in one plain line: `expected a whole number, found 'many'`."""

from __future__ import annotations

import datetime
import difflib
import math
from collections.abc import Mapping, Sequence

from pydantic_core import ErrorDetails

from promptlab.core.masking import strike

_EXPECTED = {
    "string_type": "text",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "keys and values",
    "model_type": "keys and values",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}
_MOST_BITS = 14_000  # Python refuses to write a number of more than 4300 digits
_SHOULD_BE = "Input should be "


def unfit_value(name: str, value: object) -> str | None:
    """Say what of an option, at any depth, the store or a server cannot take; None if all fits.

    TOML has infinities, whole numbers of any size in hexadecimal, and dates.
    """
    if isinstance(value, Mapping):
        found = (unfit_value(f"{name}.{key}", item) for key, item in value.items())
        return next(filter(None, found), None)
    if isinstance(value, (list, tuple)):
        return next(filter(None, (unfit_value(name, item) for item in value)), None)
    if isinstance(value, float) and not math.isfinite(value):
        return f"{name}: expected a finite number, found {value}"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return f"{name}: expected a number of at most 64 bits"
    if isinstance(value, (datetime.date, datetime.time)):
        return f"{name}: expected text, found a date or a time"
    return None


def wrong_value(mistakes: Sequence[ErrorDetails]) -> tuple[str, str]:
    """Return message and hint for one wrong value; a union has one error per member."""
    first = mistakes[0]
    if first["type"] == "value_error":
        return first["msg"].removeprefix("Value error, "), "fix this value"
    if first["type"] in ("too_short", "missing_argument"):
        return "the list is empty", "write at least one entry"
    wanted = " or ".join(dict.fromkeys(_wanted(mistake) for mistake in mistakes))
    return f"expected {wanted}, found {shown(first['input'])}", _remedy(mistakes)


def shown(value: object) -> str:
    """Return a value as a message shows it: short, and without Python terms."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dict, list, tuple)):
        return "keys and values" if isinstance(value, dict) else "a list"
    if not isinstance(value, (str, int, float)):
        return f"a value of type {type(value).__name__}"
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return "a number of many digits"
    text = repr(strike(value) if isinstance(value, str) else value)  # before it is cut
    return text if len(text) <= 60 else f"{text[:56]}...{text[0]}"


def _wanted(mistake: ErrorDetails) -> str:
    if mistake["type"] in _EXPECTED:
        return _EXPECTED[mistake["type"]]
    message = mistake["msg"]
    wanted = message.removeprefix(_SHOULD_BE)
    if mistake["type"].startswith(("greater_", "less_")):
        return f"a number {wanted}"
    return wanted if message.startswith(_SHOULD_BE) else f"something else ({message})"


def _remedy(mistakes: Sequence[ErrorDetails]) -> str:
    first = mistakes[0]
    value = first["input"]
    if first["type"] == "string_type" and isinstance(value, (bool, int, float)):
        return "put it in quotes"
    if first["type"] == "literal_error":
        allowed = first["ctx"]["expected"].replace(" or ", ", ").replace("'", "").split(", ")
        near = difflib.get_close_matches(str(value), allowed, n=1)
        return f"did you mean {near[0]!r}?" if near else "use one of these"
    return "fix this value"
