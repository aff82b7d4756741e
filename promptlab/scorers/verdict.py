"""Verdicts with a reason, short enough for a table."""

from __future__ import annotations

from promptlab.core.types import NOT_GRADABLE, Score

_REASON_LENGTH = 300
_QUOTE_LENGTH = 80


def verdict(passed: bool, reason: str | None = None) -> Score:
    """Return the score of a verdict, 1 or 0, with the reason to display."""
    return Score(float(passed), passed, reason and cut(reason, _REASON_LENGTH))


def not_gradable(reason: str) -> Score:
    """Return that there is no score, as the scorer cannot tell of this output."""
    return Score(None, error=cut(f"{NOT_GRADABLE}: {reason}", _REASON_LENGTH))


def quoted(text: str) -> str:
    """Quote a text of any length within a reason."""
    return repr(cut(text, _QUOTE_LENGTH))


def listed(texts: list[str]) -> str:
    """Quote several texts within a reason."""
    return ", ".join(map(quoted, texts))


def cut(text: str, length: int) -> str:
    """Cut a text to at most `length` characters."""
    return text if len(text) <= length else text[: length - 1] + "…"
