"""The one form in which texts are compared: what is given, what is wanted, what is looked for.

Every scorer that reads text uses it, so that two of them never disagree about what is the same.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from promptlab.core.lazy import lazy_module
from promptlab.core.types import Json

if TYPE_CHECKING:
    import regex
else:
    regex = lazy_module("regex")  # texts of plain ASCII, which most are, need none

# Whatever Unicode has nothing to be shown for: zero-width characters, controls of direction, byte
# order marks, selectors of variants, tags, and the marks around annotations.
INVISIBLE = r"\p{Default_Ignorable_Code_Point}\uFFF9-\uFFFB"
_ESCAPE = r"\\(?|u([\da-fA-F]{4})|U(000[\da-fA-F]{5}|0010[\da-fA-F]{4})|x([\da-fA-F]{2}))"
_CLASS_OF_INVISIBLE = r"\\[pP]\{\^?(?:Cf?|DI|Format|Other|Default_Ignorable_\w+)\}|\\N\{"
_DOTS = str.maketrans("İı", "ii")  # the Turkish capital and small letters
_DOTTED_I = "i\N{COMBINING DOT ABOVE}"


def normal(text: str) -> str:
    """Return the text in NFC without invisible characters."""
    if text.isascii():
        return text
    return composed(_invisible().sub("", text))


@cache
def _invisible() -> regex.Pattern[str]:
    return regex.compile(rf"[{INVISIBLE}]+")


def composed(text: str) -> str:
    """Return the text in NFC, with whatever is invisible in it."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def names_invisible(pattern: str) -> bool:
    """Return whether a regular expression names an invisible character, as it is or escaped."""
    escaped = (chr(int(match[1], 16)) for match in regex.finditer(_ESCAPE, pattern))
    return bool(
        _invisible().search(pattern)
        or any(_invisible().match(char) for char in escaped)
        or regex.search(_CLASS_OF_INVISIBLE, pattern)
    )


def folded(text: str, ignore_case: bool = True) -> str:
    """Return the normal form; without case, where the i with and without a dot are one letter."""
    text = normal(text)
    if not ignore_case:
        return text
    if text.isascii():
        return text.lower()
    text = text.translate(_DOTS).casefold().replace(_DOTTED_I, "i")
    return composed(text)


def normal_json(value: Json) -> Json:
    """Return a JSON value with every text in it, keys included, in its normal form."""
    if isinstance(value, str):
        return normal(value)
    if isinstance(value, dict):
        return {normal(key): normal_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [normal_json(item) for item in value]
    return value
