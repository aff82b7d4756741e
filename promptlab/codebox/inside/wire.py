"""Values as they travel between code and tests: plain data, never anything that acts.

What is not plain stays where it is and gets a number. The side that reads trusts nothing: all that
it makes of a message are values of Python's own types.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
from collections.abc import Callable
from typing import Any

Other = Callable[[Any], list[Any]]
"""Says how to name a value that is not plain, as a list that begins with its kind."""

Made = Callable[[list[Any]], Any]
"""Makes a value of such a list."""

_LONGEST = 2**53  # integers below are written in decimal, as JSON has them
_DATES = (datetime.datetime, datetime.date, datetime.time)


def encode(value: Any, other: Other) -> Any:
    """Return a value as JSON. A value of a class derived from a plain one counts as that one."""
    if value is None or value is True or value is False or type(value) is float:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        number = int.__int__(value)
        return number if -_LONGEST < number < _LONGEST else ["i", f"{number:x}"]
    if isinstance(value, float):
        return float.__float__(value)
    return _encode_many(value, other)


def _encode_many(value: Any, other: Other) -> Any:
    if isinstance(value, tuple) and type(value) is not tuple:
        fields = getattr(type(value), "_fields", None)
        if isinstance(fields, tuple) and all(isinstance(field, str) for field in fields):
            items = [encode(item, other) for item in tuple.__iter__(value)]
            return ["n", type(value).__name__, list(fields), *items]
    for kind, plain in _PLAIN.items():
        if isinstance(value, plain):
            return [kind, *(encode(item, other) for item in plain.__iter__(value))]
    if isinstance(value, dict):
        pairs = dict.items(value)
        return ["d", *(encode(part, other) for pair in pairs for part in pair)]
    if isinstance(value, bytes | bytearray):
        return ["b" if isinstance(value, bytes) else "y", bytes(memoryview(value)).hex()]
    return _encode_exact(value, other)


# Sequences and sets, and what tells them apart.
_PLAIN: dict[str, type[Any]] = {
    "l": list, "t": tuple, "s": set, "f": frozenset, "q": collections.deque
}  # fmt: skip


def _encode_exact(value: Any, other: Other) -> Any:
    """Encode what has a value but is no container: of exactly these types."""
    kind = type(value)
    if kind is complex:
        return ["c", value.real, value.imag]
    if kind is range:
        return ["r", *(encode(part, other) for part in (value.start, value.stop, value.step))]
    if kind is fractions.Fraction:
        return ["F", f"{value.numerator:x}", f"{value.denominator:x}"]
    if kind is decimal.Decimal:
        return ["D", str(value)]
    if kind in _DATES and value.__reduce_ex__(4)[1][1:] == ():
        return ["T", kind.__name__, value.isoformat()]
    if kind is datetime.timedelta:
        return ["P", value.days, value.seconds, value.microseconds]
    if kind in (type({}.keys()), type({}.values()), type({}.items())):
        return ["v", *(encode(item, other) for item in value)]
    return other(value)


def decode(data: Any, made: Made) -> Any:
    """Return the value of what `encode` gave. Raise `ValueError` or `TypeError` if it is none."""
    if not isinstance(data, list):
        if isinstance(data, dict):
            raise ValueError("no value")
        return data
    if not data or not isinstance(data[0], str):
        raise ValueError("no value")
    kind, *rest = data
    if kind in _SIMPLE:
        return _SIMPLE[kind](*rest)
    if kind in _MANY:
        return _MANY[kind]([decode(item, made) for item in rest])
    if kind == "n":
        name, fields, *items = rest
        named = collections.namedtuple(name, fields)  # type: ignore[misc]
        return named(*(decode(item, made) for item in items))
    return made(data)


def _dict(parts: list[Any]) -> dict[Any, Any]:
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _date(kind: str, text: str) -> Any:
    [made] = [known for known in _DATES if known.__name__ == kind]
    return made.fromisoformat(text)


_SIMPLE: dict[str, Callable[..., Any]] = {
    "i": lambda digits: int(digits, 16),
    "b": bytes.fromhex,
    "y": bytearray.fromhex,
    "c": complex,
    "F": lambda above, below: fractions.Fraction(int(above, 16), int(below, 16)),
    "D": decimal.Decimal,
    "T": _date,
    "P": datetime.timedelta,
}

_MANY: dict[str, Callable[[list[Any]], Any]] = {
    **_PLAIN, "v": list, "d": _dict, "r": lambda parts: range(*parts)
}  # fmt: skip


def become(old: Any, new: Any) -> None:
    """Give a container the content of another, keeping the containers within that still fit."""
    if type(old) is not type(new):
        return
    if isinstance(old, list):
        old[:] = [_kept(was, now) for was, now in _beside(old, new)]
    elif isinstance(old, dict):
        items = {key: _kept(old.get(key), now) for key, now in new.items()}
        old.clear()
        old.update(items)
    elif isinstance(old, set | bytearray | collections.deque):
        old.clear()
        (old.update if isinstance(old, set) else old.extend)(new)


def _beside(old: list[Any], new: list[Any]) -> list[tuple[Any, Any]]:
    before = [*old, *[None] * (len(new) - len(old))]
    return list(zip(before, new, strict=False))


def _kept(was: Any, now: Any) -> Any:
    if type(was) is type(now) and isinstance(was, list | dict | set | bytearray):
        become(was, now)
        return was
    return now
