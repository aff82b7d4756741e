"""Scorers of how easily a text is read: `readability`."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.core.types import Score
from promptlab.scorers.decorator import scorer
from promptlab.scorers.libraries import library
from promptlab.scorers.sample import Sample
from promptlab.scorers.verdict import not_gradable

if TYPE_CHECKING:
    from promptlab.scorers.reading import tokens as reading
else:
    reading = lazy_module("promptlab.scorers.reading.tokens")

Formula = Literal[
    "automated_readability_index",
    "coleman_liau_index",
    "flesch_kincaid_grade",
    "flesch_reading_ease",
    "gulpease_index",
    "gunning_fog",
    "lix",
    "rix",
    "smog_index",
]
_BY_LETTERS = (
    "automated_readability_index", "coleman_liau_index", "gulpease_index", "lix", "rix",
)  # fmt: skip
_EASE = ("en", "de", "es", "fr", "hu", "it", "nl", "ru")  # with constants of their own in textstat
_DICTIONARY = "corpora/cmudict"


def _check_readability(*, formula: Formula, language: str) -> None:
    library("textstat.textstat", "textstat", "readability")
    if formula in _BY_LETTERS:
        return
    known = _EASE if formula == "flesch_reading_ease" else ("en",)
    if language not in known:
        raise ValueError(
            f"{formula} has no constants for {language!r}: it knows {', '.join(known)}"
        )
    if language == "en":
        _require_dictionary()


def _require_dictionary() -> None:
    """Refuse to count syllables without the dictionary: textstat would download it now."""
    data = library("nltk", "nltk", "readability").data
    for form in (_DICTIONARY, f"{_DICTIONARY}.zip"):
        try:
            data.find(form)
        except LookupError:
            continue
        return
    raise PromptlabError(
        "textstat counts the syllables of English by a dictionary, which nltk does not have",
        hint="python -m nltk.downloader cmudict, or a formula of letters, such as lix",
    )


@scorer(
    version="1",
    check=_check_readability,
    libraries=["textstat", "pyphen", "nltk", "regex"],
    runs="thread",
)
def readability(
    sample: Sample,
    *,
    formula: Formula = "automated_readability_index",
    language: str = "en",
) -> Score:
    """How hard the output is to read, by the formula's number.

    The package textstat computes it. Bounds (`at_least`, `at_most`) make a verdict of it; without
    any, comparisons take more for better. Mind the direction: more of `flesch_reading_ease` and
    `gulpease_index` is easier, more of the others is harder (most are years of school).

    Limits:
        The formulas count letters, syllables and words; whether a text is clear, or true, they do
        not see. They are made for running text of a hundred words and more: lists, code and tables
        mislead them, and sentences of one or two words are not counted. Texts in scripts without
        blanks between words are not gradable. Formulas that count syllables need, for English, the
        dictionary `cmudict` of nltk; other languages are hyphenated instead, which is less exact.

    Args:
        sample: the trial to grade
        formula: by letters: automated_readability_index, coleman_liau_index, lix, rix, and
            gulpease_index for Italian; by syllables: flesch_reading_ease, and for English alone
            flesch_kincaid_grade, gunning_fog and smog_index
        language: the language of the text, as a two-letter code; it changes the constants of
            flesch_reading_ease, and how syllables are counted
    """
    if not reading.has_letters(sample.output):
        return not_gradable("the output holds no words")
    if reading.is_unspaced(sample.output):
        return not_gradable("the output has no blanks between its words")
    value = float(getattr(_statistics(language), formula)(sample.output))
    return Score(value, reason=f"{formula} {value:.4g}", gradable=True)


@cache
def _statistics(language: str) -> Any:
    """Return textstat for a language; its own instance of it is everybody's."""
    statistics = library("textstat.textstat", "textstat", "readability").textstatistics()
    statistics.set_lang(language)
    return statistics
