"""Scorers of an answer's outer form: `length` and `format`."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from promptlab.core.lazy import lazy_module
from promptlab.core.types import Score
from promptlab.scorers import languages
from promptlab.scorers.decorator import scorer
from promptlab.scorers.sample import Sample
from promptlab.scorers.verdict import not_gradable, verdict

if TYPE_CHECKING:
    from promptlab.scorers.reading import normal, sentences
    from promptlab.scorers.reading import words as counting
else:
    normal, sentences, counting = (
        lazy_module(f"promptlab.scorers.reading.{name}")
        for name in ("normal", "sentences", "words")
    )

Count = Annotated[int, Field(ge=0)]

# length


def _check_length(*, min: int | None, max: int | None, **_: object) -> None:
    if min is not None and max is not None and min > max:
        raise ValueError(f"'min' {min} is above 'max' {max}")


@scorer(version="2", check=_check_length, libraries=["regex"])
def length(
    sample: Sample,
    *,
    unit: Literal["words", "sentences", "characters"] = "words",
    min: Count | None = None,
    max: Count | None = None,
) -> Score:
    """The output is as long as `min` and `max` allow; without both, its length is the score.

    A word is what stands between white space and holds a letter or a digit. A character is what a
    reader takes for one: a letter with its marks, an emoji; invisible ones are not counted, nor is
    white space around the output. A sentence ends at what Unicode knows as its end in any script,
    not after an abbreviation, an initial or before a small letter; a blank line and an item of a
    list end one too. The package `regex` tells letters, marks and ends apart.

    Limits:
        Words of scripts without blanks (Chinese, Japanese, Thai, Lao, Khmer, Burmese, ...) are not
        told apart: a run of such letters is one word at least, and at most as many as it has
        characters. Nor are sentences in Thai and Lao, where a blank may end one. If `min` and `max`
        hold for all that is possible, or for none of it, there is a verdict; otherwise there is no
        score, and the reason says what is possible. Abbreviations are known in European languages.
        Tokens are not counted.

    Args:
        sample: the trial to grade
        unit: what is counted
        min: the least that passes
        max: the most that passes
    """
    counters = {
        "words": counting.words,
        "sentences": sentences.sentences,
        "characters": counting.characters,
    }
    count = counters[unit](sample.output)
    reason = f"{count} {unit}"
    passed = count.within(min, max)
    if (min is None and max is None and count.least < count.most) or passed is None:
        return not_gradable(f"{reason}, which cannot be told apart exactly")
    if min is None and max is None:
        return Score(float(count.least), reason=reason)
    return verdict(passed, reason)


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


def _check_format(*, bullets: bool | Bounds | None, one_line: bool, language: str | None) -> None:
    if bullets is None and not one_line and language is None:
        raise ValueError("one of 'bullets', 'one_line' and 'language' must be given")


@scorer(
    version="2", check=_check_format, libraries=["lingua-language-detector", "regex"], shares=True
)
def format(
    sample: Sample,
    *,
    bullets: bool | Bounds | None = None,
    one_line: bool = False,
    language: Annotated[str, AfterValidator(languages.valid_language)] | None = None,
) -> Score:
    """The output has the form that is asked for, in every point that is given.

    Limits:
        The language is guessed from the letters and words of the whole output: of a few words the
        guess is often wrong, a mixture counts as one language, and 28 languages are distinguished,
        and the one that is asked for. Lists of HTML or LaTeX, and bullets that are letters or other
        signs than a hyphen, a star, a plus, a bullet, an en dash or a number with a point or a
        bracket, are no lists.

    Args:
        sample: the trial to grade
        bullets: true: a list and nothing else, where lines set further in belong to the item
            above; {min, max}: such a list of so many items; false: no item of a list at all
        one_line: the output is one line
        language: the language it is written in, as a two-letter code such as en; needs the extra
            `metrics`, and about half a GB of memory while it works
    """
    text = normal.normal(sample.output)
    problems = (
        _bullet_problem(text, bullets),
        _line_problem(text) if one_line else None,
        _language_problem(text, language) if language else None,
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
        if sentences.BULLET.match(line.lstrip()):
            items += 1
        else:
            others += 1
    return items, others


def _line_problem(text: str) -> str | None:
    lines = len(text.strip().splitlines())
    return None if lines == 1 else f"{lines} lines"


def _language_problem(text: str, wanted: str) -> str | None:
    code = languages.language_of(text, wanted)
    return None if code == wanted else f"written in {code or 'no known language'}"


def _is_within(count: int, least: int | None, most: int | None) -> bool:
    return (least is None or count >= least) and (most is None or count <= most)
