"""Helpers for reading an answer, the same for every vendor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_THOUGHT = ("thinking", "text", "summary", "content", "reasoning")
_MOST = 10**12  # tokens: more is an error, and more than the database can hold


def count(usage: Mapping[str, Any] | None, *path: str) -> int | None:
    """Return the number of tokens at `path`; None, never 0, if the server does not report it."""
    value: Any = usage
    for key in path:
        if not isinstance(value, dict):  # as JSON gives it; checking for Mapping is slow
            return None
        value = value.get(key)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # as some servers write it: 20.0
    return value if type(value) is int and 0 <= value <= _MOST else None  # True is no number


def word(value: object) -> str | None:
    """Return a text as it is; None for anything else that a server sends."""
    return value if isinstance(value, str) else None


def header(value: str) -> str:
    """Return a header to be shown: bytes in it that are not UTF-8 are read as Latin-1."""
    raw = value.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def added(*counts: int | None) -> int | None:
    """Add numbers of tokens: None if the first is unknown; other unknown ones count as 0."""
    first, *rest = counts
    return None if first is None else first + sum(number or 0 for number in rest)


def thoughts_in(value: object) -> str:
    """Return the text of thoughts: itself, or in parts, blocks and summaries of any vendor."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n\n".join(filter(None, map(thoughts_in, value)))
    if isinstance(value, dict):
        return next(filter(None, (thoughts_in(value.get(key)) for key in _THOUGHT)), "")
    return ""
