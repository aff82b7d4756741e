"""The words of a text as measures of overlap take them, in any script."""

from __future__ import annotations

import regex

from promptlab.scorers.reading.words import UNSPACED

# A letter of a script without blanks, with its marks; or a run of any other letters and digits.
_TOKEN = regex.compile(rf"{UNSPACED}\p{{M}}*|[[\p{{L}}\p{{M}}\p{{N}}]--{UNSPACED}]+", regex.V1)
_LETTER = regex.compile(r"[\p{L}\p{N}]")
_UNSPACED = regex.compile(UNSPACED, regex.V1)


def tokens(text: str) -> list[str]:
    """Return the words, but each letter for itself where a script puts no blanks between words."""
    found: list[str] = _TOKEN.findall(text)
    return found


def has_letters(text: str) -> bool:
    """Return whether a text has a letter or a digit of any script."""
    return _LETTER.search(text) is not None


def is_unspaced(text: str) -> bool:
    """Return whether most letters of a text are of scripts without blanks between words."""
    if text.isascii():
        return False
    letters = len(_LETTER.findall(text))
    return 2 * len(_UNSPACED.findall(text)) > letters > 0
