"""IFBench's kinds about sentences, and about shares of an answer."""

from __future__ import annotations

from itertools import combinations, groupby, pairwise
from typing import Annotated

from pydantic import Field

from promptlab.scorers.instructions.kinds import Number, Text, kind
from promptlab.scorers.instructions.pieces import times_in, words
from promptlab.scorers.instructions.vocabulary import STOP_WORDS
from promptlab.scorers.reading.sentences import sentence_texts

Percent = Annotated[float, Field(ge=0, le=100)]
_NEAR = 2.0  # points that an overlap may be off
_CLOSERS = "\"')]}*_\u201d\u2019\u00bb"


def _ends(text: str, *marks: str) -> int:
    """Count the sentences that end with one of these marks."""
    return sum(each.rstrip(_CLOSERS).endswith(marks) for each in sentence_texts(text))


@kind("ratio:stop_words")
def stop_words(text: str, percentage: Percent) -> bool:
    """No more of the words than this share are common English words: articles, pronouns, ..."""
    found = words(text)
    return bool(found) and 100 * sum(w in STOP_WORDS for w in found) <= percentage * len(found)


@kind("ratio:sentence_type")
def sentence_type(text: str) -> bool:
    """There are twice as many statements, which end with a full stop, as questions."""
    asked = _ends(text, "?")
    return asked > 0 and _ends(text, ".") == 2 * asked


@kind("ratio:sentence_balance")
def sentence_balance(text: str) -> bool:
    """There are as many statements as questions and as exclamations."""
    counts = {_ends(text, mark) for mark in ".?!"}
    return len(counts) == 1 and counts != {0}


@kind("ratio:overlap")
def overlap(text: str, reference_text: Text, percentage: Percent) -> bool:
    """Of its different runs of three characters, this share is in the reference, 2 points off."""
    ours = _trigrams(text)
    if not ours:
        return False
    share = 100 * len(ours & _trigrams(reference_text)) / len(ours)
    return abs(share - percentage) <= _NEAR


def _trigrams(text: str) -> set[str]:
    return {text[place : place + 3] for place in range(len(text) - 2)}


@kind("ratio:sentence_words")
def sentence_words(text: str) -> bool:
    """There are three sentences of as many characters each, and none shares a word with another."""
    spoken = sentence_texts(text)
    apart = all(not set(words(a)) & set(words(b)) for a, b in combinations(spoken, 2))
    return len(spoken) == 3 and len(set(map(len, spoken))) == 1 and apart


@kind("sentence:alliteration_increment")
def alliteration_increment(text: str) -> bool:
    """The longest run of words with one first letter grows from sentence to sentence."""
    runs = [
        max((len([*run]) for _, run in groupby(words(each), key=lambda word: word[0])), default=0)
        for each in sentence_texts(text)
    ]
    return bool(runs) and all(one < other for one, other in pairwise(runs))


@kind("sentence:keyword")
def keyword(text: str, word: Text, N: Annotated[int, Field(ge=1)]) -> bool:
    """The word is in the N-th sentence."""
    spoken = sentence_texts(text)
    return len(spoken) >= N and times_in(words(spoken[N - 1]), word) > 0


@kind("sentence:increment")
def increment(text: str, small_n: Number) -> bool:
    """Each sentence has exactly so many words more than the one before."""
    sizes = [len(words(each)) for each in sentence_texts(text)]
    return bool(sizes) and all(other - one == small_n for one, other in pairwise(sizes))
