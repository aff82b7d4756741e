"""Scorers that compare words: `exact_match`, `contains`, `regex` and `label`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from promptlab.core.lazy import lazy_module
from promptlab.core.types import Score
from promptlab.scorers.decorator import scorer
from promptlab.scorers.sample import Sample
from promptlab.scorers.verdict import listed, quoted, verdict

if TYPE_CHECKING:
    import regex as timed
else:
    timed = lazy_module("regex")

# One or more texts. A number stands for its JSON text; true and false are refused.
Texts = str | int | float | list[str | int | float]

_PUNCTUATION = r"\p{P}+"


@scorer(version="1", libraries=["regex"])
def exact_match(
    sample: Sample,
    *,
    target: Texts = "{{ expect }}",
    ignore_case: bool = False,
    ignore_space: bool = False,
    ignore_punctuation: bool = False,
) -> bool:
    """The whole output equals the target, white space around it aside.

    Args:
        sample: the trial to grade
        target: the text, or a list of texts of which any one will do
        ignore_case: take upper and lower case as the same
        ignore_space: take any run of white space as one space
        ignore_punctuation: leave out all punctuation
    """

    def plain(text: str) -> str:
        if ignore_punctuation:
            text = timed.sub(_PUNCTUATION, "", text)
        if ignore_space:
            text = " ".join(text.split())
        return _folded(text, ignore_case).strip()

    output = plain(sample.output)
    return any(output == plain(text) for text in _texts(target))


def _check_contains(
    *, any: Texts | None, all: Texts | None, not_: Texts | None, ignore_case: bool
) -> None:
    given = [texts for texts in (any, all, not_) if texts is not None]
    if not given:
        raise ValueError("one of 'any', 'all' and 'not' must be given")
    if "" in [text for texts in given for text in _texts(texts)]:
        raise ValueError("an empty text is in every output")


@scorer(version="1", check=_check_contains)
def contains(
    sample: Sample,
    *,
    any: Texts | None = None,
    all: Texts | None = None,
    not_: Texts | None = None,
    ignore_case: bool = False,
) -> Score:
    """The output contains the texts it should, and none that it should not.

    Args:
        sample: the trial to grade
        any: texts of which at least one must be there
        all: texts that must all be there
        not_: texts of which none may be there
        ignore_case: take upper and lower case as the same
    """
    output = _folded(sample.output, ignore_case)

    def matching(texts: Texts) -> list[str]:
        return [text for text in _texts(texts) if _folded(text, ignore_case) in output]

    if any is not None and not matching(any):
        return verdict(False, f"has none of {listed(_texts(any))}")
    if all is not None and len(matching(all)) < len(_texts(all)):
        missing = [text for text in _texts(all) if text not in matching(all)]
        return verdict(False, f"lacks {listed(missing)}")
    if not_ is not None and matching(not_):
        return verdict(False, f"has {listed(matching(not_))}")
    return verdict(True)


def _valid_pattern(pattern: str) -> str:
    try:
        timed.compile(pattern)
    except (timed.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    return pattern


def _check_regex(*, pattern: str, group: int | str, **_: object) -> None:
    compiled = timed.compile(pattern)
    if group not in range(compiled.groups + 1) and group not in compiled.groupindex:
        raise ValueError(f"the pattern has no group {group!r}")


@scorer(version="1", check=_check_regex, libraries=["regex"], runs="thread")
def regex(
    sample: Sample,
    *,
    pattern: Annotated[str, AfterValidator(_valid_pattern)],
    full: bool = False,
    target: Texts | None = None,
    group: int | str = 0,
    timeout: Annotated[float, Field(gt=0)] = 1.0,
) -> Score:
    """The pattern is found in the output, and what it finds is the target if there is one.

    Args:
        sample: the trial to grade
        pattern: a regular expression; begin it with (?i) to ignore case, (?s) to let . match lines
        full: the pattern must match the whole output, white space around it aside
        target: what the first match must be: a text, or a list of which any one will do
        group: the group of the pattern, by number or name, that is compared with the target
        timeout: seconds after which the score counts as failed, so that no pattern can hang a run
    """
    text = sample.output.strip() if full else sample.output
    compiled = timed.compile(pattern)
    try:
        match = (compiled.fullmatch if full else compiled.search)(text, timeout=timeout)
    except TimeoutError:
        return Score(None, error=f"TimeoutError: the pattern took longer than {timeout:g} s")
    if match is None:
        return verdict(False, "no match")
    captured = match[group]
    if target is None:
        return verdict(True, f"matched {quoted(match[0])}")
    passed = captured is not None and captured.strip() in [item.strip() for item in _texts(target)]
    return verdict(passed, f"found {quoted(captured or '')}")


def _check_label(*, labels: list[str | int], target: str | int, ignore_case: bool) -> None:
    finder = _finder(tuple(_texts(list(labels))), ignore_case)
    if "" in finder.by_bare:
        raise ValueError("a label must be more than punctuation")
    if len(finder.by_bare) < len(labels):
        raise ValueError(f"two of the labels {listed(_texts(list(labels)))} read the same")
    if finder.bare(str(target)) is None:
        raise ValueError(f"the target {target!r} is not one of the labels")


@scorer(version="1", check=_check_label)
def label(
    sample: Sample,
    *,
    labels: Annotated[list[str | int], Field(min_length=2)],
    target: str | int = "{{ expect }}",
    ignore_case: bool = True,
) -> Score:
    """The one allowed label that the output settles on is the target.

    Labels count as whole words, the longest first ("very good" is no "good"). What decides is, in
    this order: a last line that is nothing but a label; what follows "answer:", "label is" and the
    like, the last such place first; a first line that is nothing but a label; the whole text. A
    place that names two labels decides nothing. A label right after "not", "no", "never" or the
    like is passed over: it is neither counted nor turned into its opposite.

    Args:
        sample: the trial to grade
        labels: the allowed labels
        target: the right one
        ignore_case: take upper and lower case as the same; switch it off for labels such as A and B
    """
    finder = _finder(tuple(_texts(list(labels))), ignore_case)
    named = finder.settled(sample.output)
    passed = named == {finder.bare(str(target))}
    return verdict(passed, f"found {listed(sorted(named))}" if named else "found no label")


# What may surround a label on its own line. `#` is not allowed at the end: C# is a label too.
_LEADING = " \t#>*-–—•"  # noqa: RUF001
_WRAPPING = " \t\r*_`~\"'“”‘’.,:;!?()[]{}-–—"  # noqa: RUF001
_MARKER = re.compile(
    r"\b(?:answer|label|class|category|sentiment|verdict)\b[\s*_`\"')]*(?:[:=：]|\bis\b)"  # noqa: RUF001
    r"(?P<line>\s*[^\n]+)",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[.!?;](?:\s|$)")
_NEGATION = re.compile(
    r"(?:\b(?:not|no|never|nor|neither|non|without|cannot|rather than|instead of)|n['’]t)\s+"  # noqa: RUF001
    r"(?:(?:an?|the|be|been|so|very|really|quite|exactly|entirely|clearly|necessarily)\s+)*"
    r"[*_`\"'“‘]*$",  # noqa: RUF001
    re.IGNORECASE,
)
_NEGATION_REACH = 60  # characters before a label that are searched


@dataclass(frozen=True, slots=True)
class _Finder:
    """Finds labels in a text. `by_bare` maps the bare form of each label to the label itself."""

    by_bare: Mapping[str, str]
    pattern: re.Pattern[str]
    ignore_case: bool

    def bare(self, line: str) -> str | None:
        """Return the label that the line consists of, apart from punctuation and markup."""
        return self.by_bare.get(_bare(line, self.ignore_case))

    def named(self, text: str) -> set[str]:
        """Return the labels in a folded text that have no negation before them."""
        return {
            self.by_bare[_bare(match[0], self.ignore_case)]
            for match in self.pattern.finditer(text)
            if not _NEGATION.search(text[max(0, match.start() - _NEGATION_REACH) : match.start()])
        }

    def settled(self, output: str) -> set[str]:
        """Return the one label that decides, or else all labels in the output."""
        text = _folded(output, self.ignore_case)
        for place in self._deciding(text):
            if len(place) == 1:
                return place
        return self.named(text)

    def _deciding(self, text: str) -> Iterator[set[str]]:
        lines = ["", "", *(line for line in text.splitlines() if line.strip()), "", ""]
        yield self._alone(lines[-3], neighbour=lines[-4])
        for match in reversed(list(_MARKER.finditer(text))):
            yield self.named(_CLAUSE_END.split(match["line"], maxsplit=1)[0])
        yield self._alone(lines[2], neighbour=lines[3])

    def _alone(self, line: str, neighbour: str) -> set[str]:
        """Return the label that the line consists of, unless it is part of a list of labels."""
        name = self.bare(line)
        if name is None or self.bare(neighbour) not in (None, name):
            return set()
        return {name}


@lru_cache(maxsize=64)
def _finder(labels: tuple[str, ...], ignore_case: bool) -> _Finder:
    folded = sorted((_folded(text, ignore_case) for text in labels), key=len, reverse=True)
    words = "|".join(map(re.escape, folded))
    return _Finder(
        by_bare={_bare(text, ignore_case): text for text in labels},
        pattern=re.compile(rf"(?<!\w)(?<!\w-)(?:{words})(?!\w)(?!-\w)"),
        ignore_case=ignore_case,
    )


def _bare(text: str, ignore_case: bool) -> str:
    return _folded(text, ignore_case).lstrip(_LEADING).strip(_WRAPPING)


def _texts(value: Texts) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [str(item) for item in items]


def _folded(text: str, ignore_case: bool) -> str:
    text = unicodedata.normalize("NFC", text)
    return text.casefold() if ignore_case else text
