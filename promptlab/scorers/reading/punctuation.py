"""A text without its punctuation and symbols, in which numbers stay what they are."""

from __future__ import annotations

import regex

_MINUS = "-‐‑‒–−﹣－"
_GROUPING = regex.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:,\d{3})+(?![\d,]|\.\d*,)")
_SIGN = regex.compile(rf"(?<![\p{{L}}\p{{M}}\p{{N}})\]}}])([{_MINUS}])(?=[\p{{Sc}}.,]?\d)")
# What stands between digits, a sign before them, and a mark with nothing but a fraction behind it.
_MARK = regex.compile(
    r"(?<=\d)[\p{P}\p{S}]+(?=\d)|(?<![\p{L}\p{M}\p{N})\]}])[-+±](?=\p{Sc}?[.,]?\d)"
    r"|(?<![\p{L}\p{M}\p{N}.,])[.,](?=\d)|(?<=\s[-+±]|^[-+±])[.,](?=\d)"
)
_SPACED = regex.compile(r"(?<=\s)[\p{P}\p{S}]+\s+")
_SYMBOLS = regex.compile(r"[\p{P}\p{S}]+")


def without_punctuation(text: str) -> str:
    """Leave out punctuation and symbols but for what makes a number; a text of these alone stays.

    Of 1,234 the comma goes, as it only groups; those of 1,5 and 2024-05-01 stay.
    """
    text = _GROUPING.sub(lambda match: match[0].replace(",", ""), text)
    text = _SIGN.sub("-", text)
    kept: list[str] = []
    start = 0
    for mark in _MARK.finditer(text):
        kept += [_plain(text[start : mark.start()]), mark[0]]
        start = mark.end()
    plain = "".join([*kept, _plain(text[start:])])
    return plain if plain.strip() else text


def _plain(text: str) -> str:
    return _SYMBOLS.sub("", _SPACED.sub("", text))
