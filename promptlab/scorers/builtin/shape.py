"""Scorers of an answer's outer form: `length` and `format`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from textwrap import dedent
from types import ModuleType
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from promptlab.core import extras
from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.core.plugins import unknown
from promptlab.core.types import Score
from promptlab.scorers.decorator import scorer
from promptlab.scorers.sample import Sample
from promptlab.scorers.verdict import verdict

Count = Annotated[int, Field(ge=0)]

_BULLET = re.compile(r"(?:[-*+•‣◦–]|\d{1,3}[.)])\s+(?=\S)")  # noqa: RUF001
_WORD = re.compile(r"[^\W_]\S*")
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？")  # noqa: RUF001
_INNER_END = re.compile(r"[。！？](?=\w)")  # noqa: RUF001  # no space follows these
_CLOSERS = "\"'”’»)]*_`"  # noqa: RUF001
_OPENERS = "\"'“‘«([*_`"  # noqa: RUF001
_ABBREVIATIONS = frozenset(
    ("mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "vs.", "etc.", "e.g.", "i.e.", "cf.")
)


# length


def _check_length(*, min: int | None, max: int | None, **_: object) -> None:
    if min is not None and max is not None and min > max:
        raise ValueError(f"'min' {min} is above 'max' {max}")


@scorer(version="1", check=_check_length)
def length(
    sample: Sample,
    *,
    unit: Literal["words", "sentences", "characters"] = "words",
    min: Count | None = None,
    max: Count | None = None,
) -> Score:
    """The output is as long as `min` and `max` allow; without both, its length is the score.

    A word is what stands between white space and holds a letter or a digit. A sentence ends at
    . ! ? or … before white space, not after the likes of "Dr." or before a small letter; a blank
    line and an item of a list end one too. White space around the output is not counted.

    Args:
        sample: the trial to grade
        unit: what is counted
        min: the least that passes
        max: the most that passes
    """
    count = _COUNTERS[unit](sample.output)
    reason = f"{count} {unit}"
    if min is None and max is None:
        return Score(float(count), reason=reason)
    return verdict(_is_within(count, min, max), reason)


def _words(text: str) -> int:
    return len(_WORD.findall(text))


def _characters(text: str) -> int:
    return len(text.strip())


def _sentences(text: str) -> int:
    return sum(map(_sentences_in, _blocks(text)))


def _blocks(text: str) -> Iterator[list[str]]:
    """Yield the words of each paragraph or item of a list."""
    words: list[str] = []
    for line in map(str.strip, text.splitlines()):
        bullet = _BULLET.match(line)
        if words and (bullet or not line):
            yield words
            words = []
        words += line[bullet.end() if bullet else 0 :].split()
    if words:
        yield words


def _sentences_in(words: list[str]) -> int:
    inside = sum(len(_INNER_END.findall(word)) for word in words)
    return 1 + inside + sum(_is_end(word, following) for word, following in pairwise(words))


def _is_end(word: str, following: str) -> bool:
    bare = word.rstrip(_CLOSERS)
    if not bare.endswith(_SENTENCE_ENDS) or following.lstrip(_OPENERS)[:1].islower():
        return False
    start = bare.lstrip(_OPENERS)
    is_initial = len(start) == 2 and start[0].isupper() and start[1] == "."
    return not is_initial and start.lower() not in _ABBREVIATIONS


_COUNTERS: Mapping[str, Callable[[str], int]] = {
    "words": _words,
    "sentences": _sentences,
    "characters": _characters,
}


# format


class Bounds(BaseModel):
    """How many of something there may be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min: Count | None = None
    max: Count | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _check_length(min=self.min, max=self.max)
        return self


# The languages to distinguish: the most common on the web. More would make the detector slower
# and less certain about short texts.
# fmt: off
_LANGUAGES = (
    "ar", "cs", "da", "de", "el", "en", "es", "fi", "fr", "he", "hi", "hu", "id", "it", "ja",
    "ko", "nb", "nl", "pl", "pt", "ro", "ru", "sv", "th", "tr", "uk", "vi", "zh",
)
# fmt: on
_ENOUGH_TEXT = 10_000  # characters: more do not improve the guess


def _valid_language(code: str) -> str:
    known = [name.lower() for name in dir(_lingua().IsoCode639_1) if name.isupper()]
    if code not in known:
        raise unknown("language", code, known)
    return code


def _check_format(*, bullets: bool | Bounds | None, one_line: bool, language: str | None) -> None:
    if bullets is None and not one_line and language is None:
        raise ValueError("one of 'bullets', 'one_line' and 'language' must be given")


@scorer(version="1", check=_check_format, libraries=["lingua-language-detector"])
def format(
    sample: Sample,
    *,
    bullets: bool | Bounds | None = None,
    one_line: bool = False,
    language: Annotated[str, AfterValidator(_valid_language)] | None = None,
) -> Score:
    """The output has the form that is asked for, in every point that is given.

    Args:
        sample: the trial to grade
        bullets: true: a list and nothing else, where lines set further in belong to the item
            above; {min, max}: such a list of so many items; false: no item of a list at all
        one_line: the output is one line
        language: the language it is written in, as a two-letter code such as en; needs the extra
            `metrics`, and about half a GB of memory while it works
    """
    problems = (
        _bullet_problem(sample.output, bullets),
        _line_problem(sample.output) if one_line else None,
        _language_problem(sample.output, language) if language else None,
    )
    reason = "; ".join(filter(None, problems))
    return verdict(not reason, reason or None)


def _bullet_problem(text: str, wanted: bool | Bounds | None) -> str | None:
    if wanted is None:
        return None
    items, others = _list_items(text)
    if wanted is False:
        return f"{items} items of a list" if items else None
    if others:
        return f"{others} lines outside of the list"
    bounds = Bounds(min=1) if wanted is True else wanted
    return None if _is_within(items, bounds.min, bounds.max) else f"{items} items in the list"


def _list_items(text: str) -> tuple[int, int]:
    """Count the items of a list, and the lines that belong to none."""
    items = others = 0
    for line in dedent(text).splitlines():
        if not line.strip() or (items and line[0].isspace()):
            continue
        if _BULLET.match(line.lstrip()):
            items += 1
        else:
            others += 1
    return items, others


def _line_problem(text: str) -> str | None:
    lines = len(text.strip().splitlines())
    return None if lines == 1 else f"{lines} lines"


def _language_problem(text: str, wanted: str) -> str | None:
    utf8 = text[:_ENOUGH_TEXT].encode(errors="replace")  # the detector refuses lone surrogates
    language = _detector(wanted).detect_language_of(utf8.decode())
    code = language.iso_code_639_1.name.lower() if language else "no known language"
    return None if code == wanted else f"written in {code}"


@cache
def _detector(wanted: str) -> Any:
    codes = sorted({*_LANGUAGES, wanted})
    names = [getattr(_lingua().IsoCode639_1, code.upper()) for code in codes]
    return _lingua().LanguageDetectorBuilder.from_iso_codes_639_1(*names).build()


def _lingua() -> ModuleType:
    """Return the language detector's module, which is an extra."""
    try:
        return lazy_module("lingua")
    except ModuleNotFoundError:
        raise PromptlabError(
            "the language of a text needs the package lingua-language-detector",
            hint=extras.install("metrics", "lingua-language-detector"),
        ) from None


def _is_within(count: int, least: int | None, most: int | None) -> bool:
    return (least is None or count >= least) and (most is None or count <= most)
