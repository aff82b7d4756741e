"""Numbers that remember how they were written: 3.10, 1e3, -0.

In every respect but its text such a number is a plain one. A number whose text is Python's own,
which nearly all are, is a plain one altogether, so that nothing else changes for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from types import NoneType
from typing import Any

_WRITTEN = re.compile(r"-?(?:0|[1-9][0-9]*)?(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_OF_JSON = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_PLAIN = frozenset((str, int, float, bool, NoneType))  # what nearly all values are
_MARK = "\ue000"  # of private use: hardly any text has it, and one that does gets a longer mark


class _Spelled:
    """A number with its spelling."""

    spelling: str

    def __str__(self) -> str:
        return self.spelling

    __repr__ = __str__

    def __reduce__(self) -> tuple[type[_Spelled], tuple[str]]:
        return type(self), (self.spelling,)


class SpelledInt(_Spelled, int):
    """A whole number with its spelling."""

    def __new__(cls, spelling: str) -> SpelledInt:
        """Read the number; raise ValueError where it is none."""
        number = super().__new__(cls, spelling)
        number.spelling = spelling
        return number


class SpelledFloat(_Spelled, float):
    """A number with its spelling."""

    def __new__(cls, spelling: str) -> SpelledFloat:
        """Read the number; raise ValueError where it is none."""
        number = super().__new__(cls, spelling)
        number.spelling = spelling
        return number


def read_int(text: str) -> int:
    """Read a whole number; it remembers `text` if it would be written differently."""
    number = int(text)
    return number if str(number) == text or not _WRITTEN.fullmatch(text) else SpelledInt(text)


def read_float(text: str) -> float:
    """Read a number; it remembers `text` if it would be written differently."""
    number = float(text)
    return number if repr(number) == text or not _WRITTEN.fullmatch(text) else SpelledFloat(text)


def is_spelled(value: object) -> bool:
    """Return whether a value is a number that remembers its spelling."""
    return isinstance(value, _Spelled)


def as_json(value: object) -> object:
    """Return a number as JSON can write it: `.5`, which it cannot, is a text."""
    return str(value) if is_spelled(value) and not _OF_JSON.fullmatch(str(value)) else value


def holds_spelled(value: object) -> bool:
    """Return whether a value contains a number that remembers its spelling."""
    if type(value) in _PLAIN:
        return False
    if isinstance(value, (dict, Mapping)):  # a dict is told at once, any other mapping is not
        return _some_spelled(value.values())
    if isinstance(value, (list, tuple)):
        return _some_spelled(value)
    return isinstance(value, _Spelled)


def _some_spelled(values: Collection[object]) -> bool:
    return not _PLAIN.issuperset(map(type, values)) and any(map(holds_spelled, values))


def encode(encoder: json.JSONEncoder, value: object) -> str:
    """Write a value as JSON, its numbers as they were spelled; `encoder` keeps all letters."""
    if not holds_spelled(value):
        return encoder.encode(value)
    plain = encoder.encode(value)
    mark = _MARK
    while mark in plain:
        mark += _MARK
    marked = encoder.encode(_marked(value, mark))
    return marked.replace(f'"{mark}', "").replace(f'{mark}"', "")


def _marked(value: object, mark: str) -> object:
    """Return the value with each spelled number as a text between marks."""
    if isinstance(value, Mapping):
        return {key: _marked(item, mark) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_marked(item, mark) for item in value]
    if isinstance(value, _Spelled) and _OF_JSON.fullmatch(str(value)):
        return f"{mark}{value}{mark}"
    return value


def respelled(value: Any, original: object) -> Any:
    """Return a checked copy of `original` with the spellings that it lost on the way."""
    if isinstance(original, _Spelled):
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return original if is_number and value == original else value
    if isinstance(value, list) and isinstance(original, (list, tuple)):
        if len(value) == len(original):
            return [respelled(*pair) for pair in zip(value, original, strict=True)]
    elif isinstance(value, dict) and isinstance(original, Mapping):
        return {key: respelled(item, original.get(key)) for key, item in value.items()}
    return value
