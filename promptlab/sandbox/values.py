"""How a value is written into a text: text and numbers as they are, all else as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any, NoReturn

from jinja2 import Undefined

from promptlab.core import numbers
from promptlab.sandbox.budget import Budget
from promptlab.sandbox.errors import ExpressionError

_VIEWS = (Iterator, KeysView, ItemsView, ValuesView, range)
_MAX_INDENT = 100


def as_text(value: Any, budget: Budget) -> str:
    """Return the text that stands for a value in a prompt.

    Nothing is written in Python's notation, which may differ each time and is none of the user's:
    what JSON cannot say is refused, and so is null, which is almost always a case without a value.
    """
    if isinstance(value, str):
        return str.__str__(value)  # never a subclass that changes the text beside it
    if isinstance(value, (bool, list, tuple, dict)):
        return to_json(value, budget)
    if isinstance(value, (int, Undefined)):
        return str(value)  # of something undefined, the error that names what is missing
    if isinstance(value, float) and math.isfinite(value):
        return str(value)
    raise _without_text(value)


def to_json(value: Any, budget: Budget, indent: int | None = None) -> str:
    """Return a value as JSON: its characters as they are, its keys in their order."""
    if indent is not None and not 0 <= indent <= _MAX_INDENT:
        raise ExpressionError("tojson has a strange indent", f"use 0 to {_MAX_INDENT} spaces")
    budget.need(budget.weigh(value))
    if indent is None or numbers.holds_spelled(value):
        text = numbers.encode(_PLAIN if indent is None else _encoder(indent), value)
        budget.work(len(text))
        return text
    pieces = []
    for piece in _encoder(indent).iterencode(value):
        budget.work(len(piece))
        pieces.append(piece)
    return "".join(pieces)


def _encoder(indent: int | None) -> json.JSONEncoder:
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, indent=indent, default=_not_json)


def _not_json(value: object) -> NoReturn:
    if isinstance(value, Undefined):
        str(value)  # raises the error that names what is missing
    raise _without_text(value)


def _without_text(value: object) -> ExpressionError:
    if value is None:
        return ExpressionError(
            "an expression gives null",
            "give the case a value, or use the filter default('...', true)",
        )
    if isinstance(value, float):
        return ExpressionError("an expression gives no finite number", "check its operands")
    if isinstance(value, _VIEWS):
        return ExpressionError("an expression gives a series, not text", "add |join(', ') or |list")
    if callable(value):
        return ExpressionError("an expression gives a function, not text", "call it with ()")
    return ExpressionError(
        f"an expression gives a {type(value).__name__}, which has no text",
        "write a text, a number, a list or keys",
    )


_PLAIN = _encoder(None)
