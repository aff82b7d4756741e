"""Verdicts with a reason, short enough for a table."""

from __future__ import annotations

from promptlab.core.types import NOT_GRADABLE, Score

_REASON_LENGTH = 300
_QUOTE_LENGTH = 80
_FOUND_LENGTH = 40  # characters: a longer text is an answer of its own, no label


def verdict(passed: bool, reason: str | None = None) -> Score:
    """Return the score of a verdict, 1 or 0, with the reason to display."""
    return Score(float(passed), passed, reason and cut(reason, _REASON_LENGTH))


def graded(
    passed: bool, reason: str | None, found: str | None, expected: str | list[str] | None = None
) -> Score:
    """Return the verdict on what was found in the output, None if it holds nothing to grade.

    `expected` is what would be right; where several texts would be, there is no one right answer.
    """
    return compared(passed, reason, found, expected, gradable=found is not None)


def compared(
    passed: bool,
    reason: str | None,
    found: str | None,
    expected: str | list[str] | None,
    *,
    gradable: bool | None = None,
) -> Score:
    """Return the verdict as `graded` does; by default nobody can tell whether it is gradable."""
    one = expected[0] if isinstance(expected, list) and len(expected) == 1 else expected
    return Score(
        float(passed),
        passed,
        reason and cut(reason, _REASON_LENGTH),
        gradable=gradable,
        found=found if found and len(found) <= _FOUND_LENGTH else None,
        expected=one if isinstance(one, str) and len(one) <= _FOUND_LENGTH else None,
    )


def not_gradable(reason: str) -> Score:
    """Return that there is no score, as the scorer cannot tell of this output."""
    return Score(None, error=cut(f"{NOT_GRADABLE}: {reason}", _REASON_LENGTH), gradable=False)


def quoted(text: str) -> str:
    """Quote a text of any length within a reason."""
    return repr(cut(text, _QUOTE_LENGTH))


def listed(texts: list[str]) -> str:
    """Quote several texts within a reason."""
    return ", ".join(map(quoted, texts))


def cut(text: str, length: int) -> str:
    """Cut a text to at most `length` characters."""
    return text if len(text) <= length else text[: length - 1] + "…"
