"""The filters of an expression: Jinja's own, which give plain text and stay within the budget.

A filter that makes text takes every value as a prompt would write it. Those of Jinja that were made
for web pages escape what stands beside them, or are refused.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from functools import wraps
from typing import Any

from jinja2 import Environment, Undefined, pass_environment
from jinja2.filters import do_urlencode, make_attrgetter
from markupsafe import escape

from promptlab.sandbox.budget import Budget
from promptlab.sandbox.errors import ExpressionError
from promptlab.sandbox.formats import percent
from promptlab.sandbox.methods import check_replace, check_strip, check_width, joined
from promptlab.sandbox.values import as_text, to_json

Filter = Callable[..., Any]

# Their first argument is a text.
_OF_TEXT = (
    "capitalize", "center", "indent", "lower", "striptags", "title", "trim", "truncate", "upper",
    "wordcount", "wordwrap",
)  # fmt: skip
_SLOW = ("striptags", "wordwrap")  # take time in the square of the text
_MAX_SLOW = 100_000  # characters
_MAX_PARTS = 100_000  # of a slice or a batch
_MAX_DECIMALS = 300
_FOR_PAGES = "it is for web pages, and a prompt is plain text: write the text as it is"
REFUSED: Mapping[str, str] = {
    "pprint": "it writes Python's notation: use tojson(indent=2)",
    "random": "a case must give the same prompt every time",
    "urlize": _FOR_PAGES,
    "xmlattr": _FOR_PAGES,
}
"""Filters of Jinja that are not there, each with the reason."""


def install_filters(filters: MutableMapping[str, Filter], budget: Budget) -> None:
    """Replace Jinja's filters by those that stay within a budget."""
    own = _Own(budget)
    for name, filter in [*filters.items()]:
        filters[name] = _guarded(filter, budget, text=name in _OF_TEXT, check=_CHECKS.get(name))
    for name, check in own.by_name().items():
        filters[name] = _guarded(check, budget)
    for name in REFUSED:
        del filters[name]


def _guarded(
    filter: Filter, budget: Budget, *, text: bool = False, check: Filter | None = None
) -> Filter:
    """Return a filter that counts its work, weighs its result and may check what it is given."""
    place = 1 if hasattr(filter, "jinja_pass_arg") else 0

    @wraps(filter)
    def guarded(*args: Any, **keywords: Any) -> Any:
        budget.step()
        given = args[place:]
        value = as_text(given[0], budget) if text and given else given[0] if given else None
        value = _counted(value, budget)
        if check is not None:
            check(budget, value, *given[1:], **keywords)
        return budget.made(filter(*args[:place], value, *given[1:], **keywords))

    return guarded


def _counted(value: Any, budget: Budget) -> Any:
    """Charge for reading a value through: now if its length is known, or else item by item."""
    if isinstance(value, Undefined):
        return value
    if hasattr(value, "__len__"):
        budget.work(len(value))
        return value
    return budget.counted(value) if hasattr(value, "__next__") else value


class _Own:
    """Filters that Jinja writes in another way: as HTML, as Python, or without any bound."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget

    def by_name(self) -> dict[str, Filter]:
        """Return them by their names."""
        escaped = self.escaped
        return {
            "e": escaped, "escape": escaped, "forceescape": escaped, "format": self.format,
            "join": self.join, "replace": self.replace, "safe": self.text, "string": self.text,
            "sum": self.sum, "tojson": self.json, "urlencode": self.quoted,
        }  # fmt: skip

    def text(self, value: Any) -> str:
        """Return a value as a prompt writes it."""
        return as_text(value, self.budget)

    def json(self, value: Any, indent: int | None = None) -> str:
        """Return a value as JSON."""
        return to_json(value, self.budget, indent)

    def escaped(self, value: Any) -> str:
        """Return a text with the marks of HTML and XML escaped, which changes no text beside it."""
        return str(escape(as_text(value, self.budget)))

    def quoted(self, value: Any) -> str:
        """Return a text, or keys with their values, as a part of an address."""
        if isinstance(value, Mapping):
            value = {key: as_text(item, self.budget) for key, item in value.items()}
        elif not isinstance(value, (list, tuple)):
            value = as_text(value, self.budget)
        return do_urlencode(value)

    def format(self, value: Any, *values: Any, **keywords: Any) -> str:
        """Return a text with its `%s` and the like filled in."""
        if values and keywords:
            raise ExpressionError("format takes values or names, not both", "choose one")
        return percent(as_text(value, self.budget), keywords or values, self.budget)

    def replace(self, value: Any, old: Any, new: Any, count: int | None = None) -> str:
        """Return a text with a part of it replaced."""
        text, old, new = (as_text(each, self.budget) for each in (value, old, new))
        check_replace(text, old, new, count, self.budget)
        return text.replace(old, new, -1 if count is None else count)

    @pass_environment
    def join(
        self,
        environment: Environment,
        value: Iterable[Any],
        d: Any = "",
        attribute: str | int | None = None,
    ) -> str:
        """Return the texts of values, or of an attribute of each, in one text."""
        if attribute is not None:
            value = map(make_attrgetter(environment, attribute), value)
        texts = [as_text(item, self.budget) for item in self.budget.counted(value)]
        return joined(texts, as_text(d, self.budget), self.budget)

    @pass_environment
    def sum(
        self,
        environment: Environment,
        iterable: Iterable[Any],
        attribute: str | int | None = None,
        start: Any = 0,
    ) -> Any:
        """Return the sum of values, or of an attribute of each."""
        if attribute is not None:
            iterable = map(make_attrgetter(environment, attribute), iterable)
        total = start
        for item in self.budget.counted(iterable):
            total = self.budget.made(operator.add(total, item))
        return total


def _check_center(budget: Budget, _: str, width: Any = 80) -> None:
    check_width(width, budget)


def _check_indent(budget: Budget, text: str, width: Any = 4, *_: Any, **__: Any) -> None:
    size = width if isinstance(width, int) else len(as_text(width, budget))
    budget.need(len(text) + (len(text.splitlines()) + 1) * size)


def _check_slow(budget: Budget, text: str, *given: Any, **keywords: Any) -> None:
    for value in (text, *given, *keywords.values()):
        if isinstance(value, str) and len(value) > _MAX_SLOW:
            raise ExpressionError(
                f"{len(value):,} characters are too many for this filter", f"at most {_MAX_SLOW:,}"
            )
    budget.need(len(text) * max([1, *(len(value) for value in given if isinstance(value, str))]))


def _check_parts(_: Budget, __: Any, count: Any, *___: Any, **____: Any) -> None:
    if isinstance(count, int) and count > _MAX_PARTS:
        raise ExpressionError(f"{count:,} parts are too many", f"at most {_MAX_PARTS:,}")


def _check_round(_: Budget, __: Any, precision: Any = 0, *___: Any, **____: Any) -> None:
    if isinstance(precision, int) and abs(precision) > _MAX_DECIMALS:
        raise ExpressionError("round has a strange precision", f"at most {_MAX_DECIMALS}")


def _check_trim(_: Budget, __: str, chars: Any = None) -> None:
    check_strip(chars)


_CHECKS: Mapping[str, Filter] = {
    "batch": _check_parts,
    "center": _check_center,
    "indent": _check_indent,
    "round": _check_round,
    "slice": _check_parts,
    "trim": _check_trim,
    **dict.fromkeys(_SLOW, _check_slow),
}
