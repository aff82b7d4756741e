"""Scorers that compare words: `exact_match`, `contains`, `regex` and `label`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from promptlab.core.lazy import lazy_module
from promptlab.core.types import Score
from promptlab.scorers.decorator import scorer
from promptlab.scorers.reading import normal as forms
from promptlab.scorers.sample import Sample
from promptlab.scorers.targets import Texts, texts_of
from promptlab.scorers.verdict import compared, graded, listed, not_gradable, quoted, verdict

if TYPE_CHECKING:
    import regex as timed

    from promptlab.scorers.reading import labels as reading
    from promptlab.scorers.reading import punctuation
else:
    timed = lazy_module("regex")
    punctuation, reading = (
        lazy_module(f"promptlab.scorers.reading.{name}") for name in ("punctuation", "labels")
    )


@scorer(version="2", libraries=["regex"], shares=True)
def exact_match(
    sample: Sample,
    *,
    target: Texts = "{{ expect }}",
    ignore_case: bool = False,
    ignore_space: bool = False,
    ignore_punctuation: bool = False,
) -> Score:
    """The whole output equals the target, white space around it aside.

    Limits:
        Letters that only look alike differ (full width, Greek or Cyrillic, typographic quotation
        marks and dashes), and so do spellings of a number: 5.0 is not 5 (see `numeric`).
        `ignore_punctuation` keeps what makes a number: a sign, a decimal mark, a slash. Without
        case, i with a dot and without one are the same letter, as is right only for some languages.

    Args:
        sample: the trial to grade
        target: the text, or a list of texts of which any one will do
        ignore_case: take upper and lower case as the same
        ignore_space: take any run of white space as one space
        ignore_punctuation: leave out all punctuation and symbols but those of numbers
    """

    def plain(text: str) -> str:
        text = forms.folded(text, ignore_case)
        if ignore_punctuation:
            text = punctuation.without_punctuation(text)
        return (" ".join(text.split()) if ignore_space else text).strip()

    output, texts = plain(sample.output), [plain(text) for text in texts_of(target)]
    # Whether an output that is none of the texts is an answer at all cannot be told.
    return compared(output in texts, None, output, texts)


def _check_contains(
    *, any: Texts | None, all: Texts | None, not_: Texts | None, ignore_case: bool
) -> None:
    given = [texts for texts in (any, all, not_) if texts is not None]
    if not given:
        raise ValueError("one of 'any', 'all' and 'not' must be given")
    if "" in [forms.normal(text) for texts in given for text in texts_of(texts)]:
        raise ValueError("an empty text is in every output")


@scorer(version="2", check=_check_contains, libraries=["regex"], shares=True)
def contains(
    sample: Sample,
    *,
    any: Texts | None = None,
    all: Texts | None = None,
    not_: Texts | None = None,
    ignore_case: bool = False,
) -> Score:
    """The output contains the texts it should, and none that it should not.

    Limits:
        A text is also found within a word ("no" in "know") and within a number, and where it is
        denied; `label` and `numeric` look closer. Space is compared as it stands.

    Args:
        sample: the trial to grade
        any: texts of which at least one must be there
        all: texts that must all be there
        not_: texts of which none may be there
        ignore_case: take upper and lower case as the same
    """
    output = forms.folded(sample.output, ignore_case)

    def matching(texts: Texts) -> list[str]:
        return [text for text in texts_of(texts) if forms.folded(text, ignore_case) in output]

    if any is not None and not matching(any):
        return verdict(False, f"has none of {listed(texts_of(any))}")
    if all is not None and len(matching(all)) < len(texts_of(all)):
        missing = [text for text in texts_of(all) if text not in matching(all)]
        return verdict(False, f"lacks {listed(missing)}")
    if not_ is not None and matching(not_):
        return verdict(False, f"has {listed(matching(not_))}")
    return verdict(True)


def _valid_pattern(pattern: str) -> str:
    try:
        timed.compile(forms.composed(pattern))
    except (timed.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    return pattern


def _check_regex(*, pattern: str, group: int | str, **_: object) -> None:
    compiled = timed.compile(forms.composed(pattern))
    if group not in range(compiled.groups + 1) and group not in compiled.groupindex:
        raise ValueError(f"the pattern has no group {group!r}")


@scorer(version="2", check=_check_regex, libraries=["regex"], runs="thread", shares=True)
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

    Limits:
        The output is searched without its invisible characters, unless the pattern names one, and
        with composed letters: a pattern for a combining mark alone does not find it in "é". Only
        the first match counts, and the target is compared letter by letter, with its case.

    Args:
        sample: the trial to grade
        pattern: a regular expression; begin it with (?i) to ignore case, (?s) to let . match lines
        full: the pattern must match the whole output, white space around it aside
        target: what the first match must be: a text, or a list of which any one will do
        group: the group of the pattern, by number or name, that is compared with the target
        timeout: seconds after which the score counts as failed, so that no pattern can hang a run
    """
    form = forms.composed if forms.names_invisible(pattern) else forms.normal
    text = form(sample.output)
    compiled = timed.compile(forms.composed(pattern))
    search = compiled.fullmatch if full else compiled.search
    try:
        match = search(text.strip() if full else text, timeout=timeout)
    except TimeoutError:
        return Score(None, error=f"TimeoutError: the pattern took longer than {timeout:g} s")
    if target is None:  # that it matches is what is graded
        return verdict(match is not None, f"matched {quoted(match[0])}" if match else "no match")
    wanted = [form(item).strip() for item in texts_of(target)]
    if match is None:
        return graded(False, "no match", None, wanted)
    captured = (match[group] or "").strip()
    passed = match[group] is not None and captured in wanted
    return graded(passed, f"found {quoted(match[group] or '')}", captured, wanted)


def _check_label(*, labels: list[str | int], target: str | int, ignore_case: bool) -> None:
    texts = texts_of(list(labels))
    found = reading.finder(tuple(texts), ignore_case)
    if "" in found.by_bare:
        raise ValueError("a label must be more than punctuation")
    if len(found.by_bare) < len(labels):
        raise ValueError(f"two of the labels {listed(texts)} read the same")
    if found.bare(str(target)) is None:
        raise ValueError(f"the target {target!r} is not one of the labels")


@scorer(version="3", check=_check_label, libraries=["regex"], shares=True)
def label(
    sample: Sample,
    *,
    labels: Annotated[list[str | int], Field(min_length=2)],
    target: str | int = "{{ expect }}",
    ignore_case: bool = True,
) -> Score:
    r"""The one allowed label that the output settles on is the target.

    Labels count as whole words, the longest first ("very good" is no "good"). Where a script puts
    no blanks between words, they are found in running text; a change of script ends a word. A label
    that is a number is not found in a larger number. What decides is, in this order: a last line
    that is nothing but a label; what is in \boxed{}; what follows "answer:", "label is" and the
    like, the last such place first; a first line that is nothing but a label; the whole text. A
    place that names two labels decides nothing. A label that a negation reaches within its clause
    is passed over: it is neither counted nor turned into its opposite.

    Limits:
        Negations are known in the languages
        ar bg bn ca cs da de el en es et fa fi fr gu he hi hr hu hy id it ja
        ka km ko lo ml mr ms my nb nl pa pl pt ro ru sk sr sv ta te th tr uk ur vi zh.
        In running text of another script an answer has no score (not gradable); in another language
        of one of these scripts, a denied label counts as if it were not denied. Irony, quotations,
        questions and double negations are not understood, nor are other words for a label ("good"
        for "positive"). Endings are not taken off a word ("positively"), but for what Korean joins
        to a noun. "Label is" and the like are known in English, the headings before a colon in some
        more languages. A label of one letter is also found where it is a word ("a", "I").

    Args:
        sample: the trial to grade
        labels: the allowed labels
        target: the right one
        ignore_case: take upper and lower case as the same; switch it off for labels such as A and B
    """
    found = reading.finder(tuple(texts_of(list(labels))), ignore_case)
    settled = found.settled(sample.output)
    names = listed(sorted(settled.labels))
    wanted = found.bare(str(target))
    if settled.unread:
        unread = not_gradable(f"negations are not known in the language around {names}")
        return replace(unread, expected=wanted)
    reason = f"found {names}" if names else "found no label"
    one = next(iter(settled.labels)) if len(settled.labels) == 1 else None
    return graded(settled.labels == {wanted}, reason, one, wanted)
