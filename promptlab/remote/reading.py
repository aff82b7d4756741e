"""Small pieces of reading an answer, the same for every vendor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from promptlab.core.types import Outcome

_MOST = 10**12  # tokens: more is a mistake, and more than the database can hold


def count(usage: Mapping[str, Any] | None, *path: str) -> int | None:
    """Return a number of tokens at `path`; None, and never 0, where a server does not say."""
    found: Any = usage
    for key in path:
        if not isinstance(found, dict):  # as JSON gives it; asking for any mapping takes long
            return None
        found = found.get(key)
    known = isinstance(found, int) and not isinstance(found, bool) and 0 <= found <= _MOST
    return found if known else None


def word(value: object) -> str | None:
    """Return a text as it is; None for what is none, whatever a server sends in its place."""
    return value if isinstance(value, str) else None


def added(*counts: int | None) -> int | None:
    """Add numbers of tokens: unknown where the first is, others count if they are known."""
    first, *rest = counts
    return None if first is None else first + sum(number or 0 for number in rest)


def outcome(text: str, *, truncated: bool = False, refused: bool = False) -> Outcome:
    """Say how an answer ended."""
    if refused:
        return Outcome.REFUSED
    if truncated:
        return Outcome.TRUNCATED
    return Outcome.OK if text.strip() else Outcome.EMPTY
