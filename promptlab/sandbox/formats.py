"""Formats of texts, `'%5d' % n` and `'{:>5}'.format(n)`, without Python's notation and bounded."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment
from jinja2.sandbox import SandboxedFormatter

from promptlab.sandbox.budget import Budget
from promptlab.sandbox.errors import ExpressionError
from promptlab.sandbox.values import as_text

_MAX_WIDTH = 10_000
_NUMBERS = re.compile(r"\d{1,20}")
_PLACE = re.compile(
    r"%(?:\((?P<key>[^)]*)\))?[#0\- +]*"
    r"(?P<width>\*|\d+)?(?:\.(?P<digits>\*|\d+)?)?[hlL]?(?P<kind>.?)",
    re.DOTALL,
)


def percent(text: str, values: Any, budget: Budget) -> str:
    """Return `text % values`, where `%s` writes a value as a prompt does."""
    keys = set()
    for place in _PLACE.finditer(text):
        if place["kind"] in ("r", "a"):
            raise _no_python(f"%{place['kind']}")
        for number in (place["width"], place["digits"]):
            _check_width(number or "0")
        keys.add(place["key"])
    keys.discard(None)
    if keys and isinstance(values, dict):
        return text % {key: _written(values[key], budget) for key in keys if key in values}
    given = values if isinstance(values, tuple) else (values,)
    return text % tuple(_written(value, budget) for value in given)


class Formatter(SandboxedFormatter):
    """`str.format` in the sandbox: values are written as in a prompt, widths are bounded."""

    def __init__(self, environment: Environment, budget: Budget) -> None:
        super().__init__(environment)
        self._budget = budget

    def convert_field(self, value: Any, conversion: Any) -> Any:
        """Refuse `!r` and `!a`, which write Python's notation."""
        if conversion in ("r", "a"):
            raise _no_python(f"!{conversion}")
        return as_text(value, self._budget) if conversion == "s" else value

    def format_field(self, value: Any, format_spec: str) -> str:
        """Format a number by its kind, and everything else as its text."""
        for number in _NUMBERS.findall(format_spec):
            _check_width(number)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not format_spec:
            value = as_text(value, self._budget)
        text = str(super().format_field(value, format_spec))
        self._budget.work(len(text))
        return text

    def format(self, text: str, args: Sequence[Any], values: Mapping[str, Any]) -> str:  # type: ignore[override] # as `vformat`
        """Return the formatted text."""
        self._budget.work(len(text))
        return self.vformat(text, args, values)


def _written(value: Any, budget: Budget) -> Any:
    """Return what `%` is given: a number, which its own format may want, or a text."""
    text = as_text(value, budget)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number else text


def _check_width(number: str) -> None:
    if number == "*" or int(number) > _MAX_WIDTH:
        raise ExpressionError(
            f"a format is {number} characters wide", f"write a number up to {_MAX_WIDTH:,}"
        )


def _no_python(what: str) -> ExpressionError:
    return ExpressionError(
        f"{what} writes Python's notation, not the value", "use %s, {} or the filter tojson"
    )
