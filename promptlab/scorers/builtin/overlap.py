"""Scorers of how much of a target an answer has: `rouge`, `similarity`, `f1`, `squad_exact`."""

from __future__ import annotations

import re
import string
from collections import Counter
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

from promptlab.core.lazy import lazy_module
from promptlab.core.types import Score
from promptlab.scorers.decorator import scorer
from promptlab.scorers.libraries import library
from promptlab.scorers.reading.normal import normal
from promptlab.scorers.sample import Sample
from promptlab.scorers.targets import Texts, texts_of
from promptlab.scorers.verdict import compared, not_gradable, quoted

if TYPE_CHECKING:
    from promptlab.scorers.reading import tokens as reading
else:
    reading = lazy_module("promptlab.scorers.reading.tokens")

_NOTHING = "the output holds nothing to compare"
_NO_TARGET = "the target holds nothing to compare with"

# rouge

_MOST_CELLS = 4_000_000  # of the table that finds a common subsequence: about 2,000 words by 2,000

Variant = Literal[
    "rouge1", "rouge2", "rouge3", "rouge4", "rouge5", "rouge6", "rouge7", "rouge8", "rouge9",
    "rougeL", "rougeLsum",
]  # fmt: skip


class _Unicode:
    """Takes words of any script apart; rouge-score calls `tokenize`."""

    def tokenize(self, text: str) -> list[str]:
        return reading.tokens(text.lower())


def _check_rouge(*, tokenize: str, stem: bool, **_: object) -> None:
    library("rouge_score.rouge_scorer", "rouge-score", "ROUGE")
    if stem and tokenize != "english":
        raise ValueError("the stemmer knows English alone: leave out 'stem' or 'tokenize'")


@scorer(
    version="1",
    check=_check_rouge,
    libraries=["rouge-score", "nltk", "regex"],
    runs="thread",
    shares=True,
)
def rouge(
    sample: Sample,
    *,
    target: Texts = "{{ expect }}",
    variant: Variant = "rougeL",
    tokenize: Literal["english", "unicode"] = "english",
    stem: bool = False,
) -> Score:
    """The words that the output has in common with a target, as ROUGE counts them (F-measure).

    The package rouge-score counts. Of several targets the best counts.

    Limits:
        It sees words, not what they say: a summary that denies its source scores high. With
        `english`, words are runs of the letters a to z and digits: other letters part them ("Köln"
        is "k" and "ln"), and a text of other letters alone is not gradable. With `unicode` they are
        words of any script, and single letters where a script puts no blanks between words; such
        numbers are not comparable with published ones. For `rougeLsum` a line is a sentence. Texts
        of more than about 2,000 words each are too long for `rougeL` and `rougeLsum` (not
        gradable).

    Args:
        sample: the trial to grade
        target: the text, or a list of texts of which the best counts
        variant: rouge1 to rouge9 count runs of so many words, rougeL the longest common
            subsequence, rougeLsum that of each line
        tokenize: what a word is: see the limits
        stem: compare English words without their endings
    """
    texts = texts_of(target)
    split = _splitter(tokenize, stem).tokenize
    found, wanted = len(split(sample.output)), max(len(split(text)) for text in texts)
    lost = [text for text in (sample.output, *texts) if reading.has_letters(text)]
    if tokenize == "english" and not all(map(split, lost)):
        return not_gradable("a text has no letters of a to z: set tokenize: unicode")
    if not wanted:
        return not_gradable(_NO_TARGET)
    if variant in ("rougeL", "rougeLsum") and found * wanted > _MOST_CELLS:
        return not_gradable(f"{found} words are too many to compare with {wanted}")
    best = _counter(variant, tokenize, stem).score_multi(texts, sample.output)[variant]
    reason = f"precision {best.precision:.4g}, recall {best.recall:.4g}" if found else _NOTHING
    return Score(float(best.fmeasure), reason=reason, gradable=found > 0)


class _English:
    """rouge-score's own words; the stems of recent ones are kept, as finding one is slow."""

    def __init__(self, stem: bool) -> None:
        self._tokenize = library("rouge_score.tokenize", "rouge-score", "ROUGE").tokenize
        self._stemmer: Any = None
        if stem:
            porter = library("nltk.stem.porter", "nltk", "the stemmer of ROUGE").PorterStemmer()
            self._stemmer = SimpleNamespace(stem=lru_cache(maxsize=10_000)(porter.stem))

    def tokenize(self, text: str) -> list[str]:
        found: list[str] = self._tokenize(text, self._stemmer)
        return found


@cache
def _splitter(tokenize: str, stem: bool) -> _English | _Unicode:
    return _Unicode() if tokenize == "unicode" else _English(stem)


@cache
def _counter(variant: str, tokenize: str, stem: bool) -> Any:
    scoring = library("rouge_score.rouge_scorer", "rouge-score", "ROUGE")
    return scoring.RougeScorer([variant], tokenizer=_splitter(tokenize, stem))


# similarity

_MOST_PAIRS = 4_000_000_000  # of characters: what is compared within a second

Method = Literal["ratio", "levenshtein", "token_sort_ratio", "token_set_ratio"]


def _check_similarity(**_: object) -> None:
    library("rapidfuzz.fuzz", "rapidfuzz", "similarity")


@scorer(version="1", check=_check_similarity, libraries=["rapidfuzz"], runs="thread", shares=True)
def similarity(
    sample: Sample,
    *,
    target: Texts = "{{ expect }}",
    method: Method = "ratio",
    ignore_case: bool = False,
) -> Score:
    """How alike the output and a target are, letter by letter, white space around them aside.

    The package rapidfuzz compares. Of several targets the best counts.

    Limits:
        It compares letters: "increase" and "decrease" are much alike, and words of the same meaning
        are not (see `semantic`). Letters are compared as they are coded: "é" composed and "é" with
        a combining mark differ. Texts of more than about 60,000 characters each are not gradable.

    Args:
        sample: the trial to grade
        target: the text, or a list of texts of which the best counts
        method: ratio: by insertions and deletions; levenshtein: by substitutions as well;
            token_sort_ratio and token_set_ratio: whatever the order of the words, or how often each
            appears
        ignore_case: take upper and lower case as the same
    """

    def plain(text: str) -> str:
        return text.strip().casefold() if ignore_case else text.strip()

    output, texts = plain(sample.output), [plain(text) for text in texts_of(target)]
    if not any(texts):
        return not_gradable(_NO_TARGET)
    if len(output) * max(map(len, texts)) > _MOST_PAIRS:
        return not_gradable(f"{len(output)} characters are too many to compare")
    compare = _comparing(method)
    best = max(compare(output, text) for text in texts)
    return Score(best, reason=None if output else _NOTHING, gradable=bool(output))


def _comparing(method: Method) -> Any:
    if method == "levenshtein":
        return library(
            "rapidfuzz.distance.Levenshtein", "rapidfuzz", "similarity"
        ).normalized_similarity
    ratio = getattr(library("rapidfuzz.fuzz", "rapidfuzz", "similarity"), method)
    return lambda output, text: ratio(output, text) / 100


# f1 and squad_exact

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def _words(text: str) -> str:
    """Return a text as SQuAD compares it: lower case, no ASCII punctuation, no articles."""
    text = normal(text).lower().translate(_NO_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", text).split())


@scorer(version="1", libraries=["regex"], shares=True)
def f1(
    sample: Sample,
    *,
    target: Texts = "{{ expect }}",
    tokenize: Literal["words", "unicode"] = "words",
) -> Score:
    """The words that the output shares with a target, as SQuAD counts them (F1).

    Both are compared in lower case, without the punctuation of ASCII and the English articles; of
    several targets the best counts. An empty target means that there is no answer: an empty output
    scores 1, any other 0.

    Limits:
        Their order does not count, nor what they say: "not guilty" shares a word with "guilty".
        Words stand between blanks: texts in scripts without blanks (Chinese, Japanese, Thai, ...)
        are not gradable but with `unicode`, which takes their letters one by one. Articles are
        those of English, and typographic quotation marks and dashes stay.

    Args:
        sample: the trial to grade
        target: the text, or a list of texts of which the best counts
        tokenize: words stand between blanks (words), or letters of scripts without blanks count for
            themselves (unicode)
    """
    output, texts = _words(sample.output), [_words(text) for text in texts_of(target)]
    if tokenize == "words" and any(map(reading.is_unspaced, (output, *texts))):
        return not_gradable("a text has no blanks between its words: set tokenize: unicode")
    split = reading.tokens if tokenize == "unicode" else str.split
    found = split(output)
    best = max(_f1(found, split(text)) for text in texts)
    if not found and all(texts):
        return Score(best, reason="the output holds no words", gradable=False)
    return Score(best, gradable=True)


def _f1(found: list[str], wanted: list[str]) -> float:
    if not found or not wanted:
        return float(found == wanted)
    shared = (Counter(found) & Counter(wanted)).total()
    # As in SQuAD's own script: the rounding of another formula would differ in the last digit.
    precision, recall = shared / len(found), shared / len(wanted)
    return 2 * precision * recall / (precision + recall) if shared else 0.0


@scorer(version="1", libraries=["regex"], shares=True)
def squad_exact(sample: Sample, *, target: Texts = "{{ expect }}") -> Score:
    """The output is a target, as SQuAD compares them.

    Both are compared in lower case, without the punctuation of ASCII and the English articles. An
    empty target means that there is no answer.

    Limits:
        Articles are those of English, and typographic quotation marks and dashes stay. A decimal
        point is punctuation: 1.5 is 15 (see `numeric`).

    Args:
        sample: the trial to grade
        target: the text, or a list of texts of which any one will do
    """
    output, texts = _words(sample.output), [_words(text) for text in texts_of(target)]
    held = bool(output) or "" in texts
    reason = f"read {quoted(output)}"
    return compared(output in texts, reason, output, texts, gradable=held)
