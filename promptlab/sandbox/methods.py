"""Which methods of values an expression may call, and with what, before they are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import BuiltinMethodType
from typing import Any

from jinja2.exceptions import SecurityError

from promptlab.sandbox.budget import Budget
from promptlab.sandbox.errors import ExpressionError
from promptlab.sandbox.values import as_text

Arguments = Sequence[Any]
_Check = Callable[[str, Arguments, Mapping[str, Any], Budget], None]

_MAX_STRIPPED = 1_000  # characters to strip: each is compared with each of the text
# What else than a text's methods is of use in a prompt; the rest can make values of any size.
_ALLOWED: tuple[tuple[type, frozenset[str]], ...] = (
    (bytes, frozenset(("decode", "hex"))),
    (bool, frozenset()),
    (int, frozenset(("bit_length", "bit_count", "conjugate", "as_integer_ratio", "is_integer"))),
)


def check_method(
    method: BuiltinMethodType, arguments: Arguments, keywords: Mapping[str, Any], budget: Budget
) -> None:
    """Refuse a method that must not be called like this."""
    owner, name = method.__self__, method.__name__
    if isinstance(owner, str):
        budget.work(len(owner))
        check = _OF_TEXT.get(name)
        if check is not None:
            check(owner, arguments, keywords, budget)
        return
    for kind, allowed in _ALLOWED:
        if isinstance(owner, kind):
            if name not in allowed:
                raise SecurityError(f"the method {name} of {kind.__name__} cannot be called")
            return


def check_width(width: object, budget: Budget) -> None:
    """Refuse a width that no text may have."""
    if isinstance(width, int):
        budget.need(width)


def check_replace(text: str, old: str, new: str, count: object, budget: Budget) -> None:
    """Refuse a replacement whose result is too long."""
    places = text.count(old)
    if isinstance(count, int) and not isinstance(count, bool) and count >= 0:
        places = min(places, count)
    budget.need(len(text) + places * max(0, len(new) - len(old)))


def check_strip(characters: object) -> None:
    """Refuse a set of characters that would each be looked for in the whole text."""
    if isinstance(characters, str) and len(characters) > _MAX_STRIPPED:
        raise ExpressionError(
            f"{len(characters):,} characters to strip", f"at most {_MAX_STRIPPED:,}"
        )


def joined(texts: Sequence[str], between: str, budget: Budget) -> str:
    """Join texts."""
    budget.need(sum(map(len, texts)) + len(between) * max(0, len(texts) - 1))
    return between.join(texts)


def _width(_: str, arguments: Arguments, keywords: Mapping[str, Any], budget: Budget) -> None:
    for value in (*arguments, *keywords.values()):
        check_width(value, budget)


def _tabs(text: str, arguments: Arguments, keywords: Mapping[str, Any], budget: Budget) -> None:
    size = next(iter((*arguments, *keywords.values())), 8)
    if isinstance(size, int):
        budget.need(len(text) + text.count("\t") * size)


def _replace(text: str, arguments: Arguments, keywords: Mapping[str, Any], budget: Budget) -> None:
    if len(arguments) >= 2 and all(isinstance(value, str) for value in arguments[:2]):
        count = arguments[2] if len(arguments) > 2 else keywords.get("count", -1)
        check_replace(text, arguments[0], arguments[1], count, budget)


def _strip(_: str, arguments: Arguments, keywords: Mapping[str, Any], budget: Budget) -> None:
    for value in (*arguments, *keywords.values()):
        check_strip(value)


def _join(text: str, arguments: Arguments, _: Mapping[str, Any], budget: Budget) -> None:
    items = arguments[0] if len(arguments) == 1 else None
    if isinstance(items, (list, tuple)):
        size = sum(len(item) for item in items if isinstance(item, str))
        budget.need(size + len(text) * max(0, len(items) - 1))
    elif isinstance(items, str):
        budget.need(len(items) + len(text) * max(0, len(items) - 1))
    else:
        raise ExpressionError("join takes a list", "add |list, or use the filter join")


def _refused(_: str, arguments: Arguments, keywords: Mapping[str, Any], budget: Budget) -> None:
    del arguments, keywords, budget
    raise ExpressionError("translate cannot be called here", "use the filter replace")


_OF_TEXT: Mapping[str, _Check] = {
    "center": _width,
    "ljust": _width,
    "rjust": _width,
    "zfill": _width,
    "expandtabs": _tabs,
    "replace": _replace,
    "strip": _strip,
    "lstrip": _strip,
    "rstrip": _strip,
    "join": _join,
    "translate": _refused,
}


def text_arguments(values: Sequence[Any], budget: Budget) -> list[str]:
    """Return values as the texts that stand for them."""
    return [as_text(value, budget) for value in values]
