"""Which language a text is written in, as the package lingua guesses, or as its script tells."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from promptlab.core.lazy import lazy_module
from promptlab.core.plugins import unknown
from promptlab.scorers.libraries import library

if TYPE_CHECKING:
    import regex
else:
    regex = lazy_module("regex")

# The languages to distinguish: the most common on the web. More would make the detector slower
# and less certain about short texts.
# fmt: off
_LANGUAGES = (
    "ar", "cs", "da", "de", "el", "en", "es", "fi", "fr", "he", "hi", "hu", "id", "it", "ja",
    "ko", "nb", "nl", "pl", "pt", "ro", "ru", "sv", "th", "tr", "uk", "vi", "zh",
)
# fmt: on
_ENOUGH_TEXT = 10_000  # characters: more do not improve the guess
_BY_SCRIPT = {"kn": "Kannada", "ml": "Malayalam"}  # unknown to lingua, each with its own letters


def valid_language(code: str) -> str:
    """Return the code; raise `PromptlabError` if texts in this language cannot be told."""
    known = [name.lower() for name in dir(_lingua().IsoCode639_1) if name.isupper()]
    if code not in known and code not in _BY_SCRIPT:
        raise unknown("language", code, sorted([*known, *_BY_SCRIPT]))
    return code


def language_of(text: str, among: str) -> str | None:
    """Return the code of the language, told from the most common ones and `among`; None if none."""
    if script := _BY_SCRIPT.get(among):
        letters = len(regex.findall(r"\p{L}", text))
        if 2 * len(regex.findall(rf"[\p{{{script}}}&&\p{{L}}]", text, regex.V1)) > letters:
            return among
    utf8 = text[:_ENOUGH_TEXT].encode(errors="replace")  # the detector refuses lone surrogates
    language = _detector(among).detect_language_of(utf8.decode())
    return language.iso_code_639_1.name.lower() if language else None


@cache
def _detector(wanted: str) -> Any:
    codes = sorted({*_LANGUAGES, wanted} - _BY_SCRIPT.keys())
    names = [getattr(_lingua().IsoCode639_1, code.upper()) for code in codes]
    return _lingua().LanguageDetectorBuilder.from_iso_codes_639_1(*names).build()


def _lingua() -> ModuleType:
    return library("lingua", "lingua-language-detector", "the language of a text")
