"""How many sentences a text has, by Unicode's ends of sentences and by known abbreviations."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import regex

from promptlab.scorers.reading.abbreviations import (
    ABBREVIATIONS,
    CLOSING_ABBREVIATIONS,
    DATES,
    MONTHS,
    NUMBERED,
    OPENING_WORDS,
    TITLES,
    UNITS,
)
from promptlab.scorers.reading.normal import normal
from promptlab.scorers.reading.words import UNSPACED, Count

BULLET = regex.compile(r"(?:[-*+•‣◦–]|\d{1,3}[.)])\s+(?=\S)")

_CLOSERS = r"(?:[\p{Pe}\p{Pf}\p{Pi}\p{So}\"'*_`~]|\[\d+\])"  # marks of emphasis, emoji, notes
# An end before white space. The Greek question mark is a semicolon in its normal form.
_END = regex.compile(rf"(?:[\p{{STerm}}…]|(?<=\p{{Greek}}{_CLOSERS}*);){_CLOSERS}*\Z", regex.V1)
_POINT = regex.compile(rf"(?P<word>\S*?)[.．․﹒]{_CLOSERS}*\Z", regex.V1)
_OPENERS = regex.compile(r"^[\p{P}\p{S}]+")
# An end within what blanks surround: signs of scripts other than Latin need no blank behind them.
# With a closing quotation mark it is mostly the end of what somebody says within a sentence.
_INNER = regex.compile(
    r"[\p{STerm}--[.!?\u2024\ufe52\uff0e]][\p{Ps}\p{Pi}]*(?=[\p{L}\p{N}])"
    rf"|[!?．](?={UNSPACED})|(?<={UNSPACED})\.(?={UNSPACED})",
    regex.V1,
)
_DOTTED = regex.compile(r"(?:\p{L}\p{M}*\.)+\p{L}\p{M}*", regex.V1)
_NUMBER = regex.compile(r"\d+|[IVXLC]+\b")
# Thai and its kin end a sentence with a blank, but not only sentences.
_BLANK_ENDS = regex.compile(r"(?<=[\p{Thai}\p{Lao}])\s+(?=[\p{Thai}\p{Lao}])")


def sentences(text: str) -> Count:
    """Count the sentences. A blank line and an item of a list end one too."""
    text = normal(text)
    count = sum(map(_sentences_in, _blocks(text)))
    return Count(count, count + (0 if text.isascii() else len(_BLANK_ENDS.findall(text))))


def sentence_texts(text: str) -> list[str]:
    """Return the sentences that are certain, with one blank between the words of each."""
    found = []
    for words in _blocks(normal(text)):
        begun: list[str] = []
        for place, word in enumerate(words):
            *ended, rest = _cut(word)
            for piece in ended:
                found.append(" ".join([*begun, piece]))
                begun = []
            begun.append(rest)
            last = place + 1 == len(words)
            if last or _is_end(words[place - 1] if place else "", word, words[place + 1]):
                found.append(" ".join(begun))
                begun = []
    return found


def _cut(word: str) -> list[str]:
    """Return the parts of what blanks surround, cut where sentences end within it."""
    ends = [] if word.isascii() else [match.start() + 1 for match in _INNER.finditer(word)]
    return [word[start:end] for start, end in pairwise([0, *ends, len(word)])]


def _blocks(text: str) -> Iterator[list[str]]:
    """Yield what blanks part of each paragraph or item of a list."""
    words: list[str] = []
    for line in map(str.strip, text.splitlines()):
        bullet = BULLET.match(line)
        if words and (bullet or not line):
            yield words
            words = []
        words += line[bullet.end() if bullet else 0 :].split()
    if words:
        yield words


def _sentences_in(words: list[str]) -> int:
    inside = sum(0 if word.isascii() else len(_INNER.findall(word)) for word in words)
    places = zip(["", *words], words, words[1:], strict=False)
    return 1 + inside + sum(_is_end(*place) for place in places)


def _is_end(previous: str, word: str, following: str) -> bool:
    """Return whether a sentence ends behind a word, between two others."""
    next_word = _OPENERS.sub("", following)
    if next_word[:1].islower() or not _END.search(word):
        return False
    point = _POINT.match(word)
    if point is None:
        return True
    bare = _OPENERS.sub("", point["word"])
    if _is_followed(bare, next_word):
        return False
    opening = regex.split(r"[^\p{L}\p{M}]", next_word, maxsplit=1)[0].casefold()
    return not _is_shortened(bare, previous) or opening in OPENING_WORDS


def _is_followed(word: str, following: str) -> bool:
    """Return whether what follows belongs to a word with a point: a name, a number, a month."""
    folded = word.casefold()
    if folded in ABBREVIATIONS or (folded in TITLES and word[:1].isupper()):
        return True
    if folded in NUMBERED and _NUMBER.match(following):
        return True
    month = regex.split(r"\P{L}", following, maxsplit=1)[0].casefold()
    return month in MONTHS and _NUMBER.fullmatch(word) is not None


def _is_shortened(word: str, previous: str) -> bool:
    """Return whether the point may shorten the word rather than end a sentence."""
    folded = word.casefold()
    return (
        folded in CLOSING_ABBREVIATIONS
        or (folded in DATES and word[:1].isupper())
        or (folded in UNITS and previous[-1:].isnumeric())
        or _DOTTED.fullmatch(word) is not None
        or _is_initial(word, previous)
    )


def _is_initial(word: str, previous: str) -> bool:
    """Return whether a letter stands for a name or a word: A., and z. of z. B., no unit: 5 m."""
    return len(word) == 1 and word.isalpha() and (word.isupper() or not previous[-1:].isnumeric())
