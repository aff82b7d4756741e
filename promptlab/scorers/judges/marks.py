"""Marks around the texts that a judge is shown: they are data, and cannot end their own marks.

Both marks have a number that is derived from the texts and stands in none of them, so that equal
texts make equal questions, and a text cannot close what it does not know.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from promptlab.core.digest import TAG, canonical_json, digest_text
from promptlab.scorers.reading.normal import folded

_DIGITS = 12
_SHOWN = re.compile(rf"<text ([0-9a-f]{{{_DIGITS}}})>\n(.*?)\n</text \1>", re.DOTALL)
_BETWEEN = re.compile(r"[\W_]+")
_IN_NO_PROMPT = re.compile("[\x00\ud800-\udfff]")


def marked(text: str, number: str) -> str:
    """Return a text between its marks, as far as a prompt can hold it."""
    shown = text if text.isascii() and "\0" not in text else _IN_NO_PROMPT.sub("\ufffd", text)
    return f"<text {number}>\n{shown}\n</text {number}>"


def shown_in(prompt: str) -> list[str]:
    """Return the texts between marks in a prompt."""
    return [text for _, text in _SHOWN.findall(prompt)]


def number_for(texts: Collection[str]) -> str:
    """Return a number for the marks of these texts, which none of them holds in any spelling."""
    plain = [_plain(text) for text in texts]
    number = _number(canonical_json([*texts]))
    while any(number in text for text in plain):
        number = _number(number)
    return number


def _number(text: str) -> str:
    return digest_text(text).removeprefix(TAG)[:_DIGITS]


def _plain(text: str) -> str:
    """Return a text without what could hide a number from us but not from a model."""
    compatible = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return _BETWEEN.sub("", folded(compatible))
