"""What answers are made of, as the kinds of instructions count it: words, letters, paragraphs."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby

import regex

from promptlab.scorers.reading.normal import folded, normal

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+(?:['-][\p{L}\p{M}\p{N}]+)*")
_APOSTROPHES = {0x2018: "'", 0x2019: "'"}
_NO_LETTER = regex.compile(r"[^\p{L}]")


@lru_cache(maxsize=64)
def words(text: str) -> tuple[str, ...]:
    """Return the words in lower case: letters and digits, with hyphens and apostrophes within."""
    return tuple(_WORD.findall(folded(text).translate(_APOSTROPHES)))


def times_in(found: tuple[str, ...], keyword: str) -> int:
    """Return how often a keyword, of one word or several, is among words, in the form of both."""
    wanted = words(keyword)
    places = range(len(found) - len(wanted) + 1) if wanted else ()
    return sum(found[place : place + len(wanted)] == wanted for place in places)


def letters(word: str) -> str:
    """Return the letters of a word."""
    return _NO_LETTER.sub("", word)


def lines(text: str) -> list[str]:
    """Return the lines that are not blank."""
    return [line for line in normal(text).splitlines() if line.strip()]


def paragraphs(text: str) -> list[str]:
    """Return what blank lines part."""
    blocks = groupby(normal(text).splitlines(), key=lambda line: bool(line.strip()))
    return ["\n".join(block) for filled, block in blocks if filled]
