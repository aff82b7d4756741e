"""IFBench's kinds about single words: how many there are, and which may stand where."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Annotated

import regex
from pydantic import Field

from promptlab.scorers.instructions.kinds import Number, Text, kind
from promptlab.scorers.instructions.pieces import letters, lines, times_in, words
from promptlab.scorers.instructions.vocabulary import CONJUNCTIONS, NAMES, PRONOUNS
from promptlab.scorers.reading.normal import normal
from promptlab.scorers.reading.numbers import number_spans
from promptlab.scorers.reading.sentences import sentence_texts

From1 = Annotated[int, Field(ge=1)]

_JAPANESE = regex.compile(r"[\p{Hiragana}\p{Katakana}\p{Han}ー]+")
_CLUSTER = regex.compile(r"[b-df-hj-np-tv-z]{2}")
_MARKS = (".", ",", ";", ":", "?", "!")
_INTERROBANGS = ("?!", "!?", "‽")
_TIMES = (1, 2, 3, 5, 7)


@kind("count:word_count_range")
def word_count_range(text: str, min_words: Number, max_words: Number) -> bool:
    """The answer has from so many to so many words."""
    return min_words <= len(words(text)) <= max_words


@kind("count:unique_word_count")
def unique_word_count(text: str, N: Number) -> bool:
    """The answer has at least so many different words."""
    return len(set(words(text))) >= N


@kind("count:conjunctions")
def conjunctions(text: str, small_n: Number) -> bool:
    """At least so many different ones of for, and, nor, but, or, yet, so are there."""
    return len(CONJUNCTIONS.intersection(words(text))) >= small_n


@kind("count:person_names")
def person_names(text: str, N: Number) -> bool:
    """At least so many different names of the published list are there."""
    return len(NAMES.intersection(regex.findall(r"\p{L}+", normal(text)))) >= N


@kind("count:numbers")
def numbers(text: str, N: Number) -> bool:
    """Exactly so many numbers in digits are there; 3.5 and 1,000 are one each."""
    return len(number_spans(normal(text))) == N


@kind("count:punctuation")
def punctuation(text: str) -> bool:
    """Every mark is there: full stop, comma, semicolon, colon, ?, !, and an interrobang as ?!."""
    rest = text
    for mark in _INTERROBANGS:
        rest = rest.replace(mark, "")
    return rest != text and all(mark in rest for mark in _MARKS)


@kind("count:pronouns")
def pronouns(text: str, N: Number) -> bool:
    """At least so many English pronouns are there, the same one counted each time."""
    found = (part for word in words(text) for part in word.split("'"))
    return sum(part in PRONOUNS for part in found) >= N


@kind("count:keywords_multiple")
def keywords_multiple(
    text: str, keyword1: Text, keyword2: Text, keyword3: Text, keyword4: Text, keyword5: Text
) -> bool:
    """Five keywords are there as words: once, twice, three, five and seven times, no more."""
    keywords = (keyword1, keyword2, keyword3, keyword4, keyword5)
    found = words(text)
    pairs = zip(keywords, _TIMES, strict=True)
    return all(times_in(found, keyword) == times for keyword, times in pairs)


@kind("count:words_japanese")
def words_japanese(text: str, N: From1) -> bool:
    """Every N-th word between blanks is in Japanese script."""
    bare = [letters(word) for word in normal(text).split()]
    chosen = bare[N - 1 :: N]
    return bool(chosen) and all(_JAPANESE.fullmatch(word) for word in chosen)


@kind("words:alphabet")
def alphabet(text: str) -> bool:
    """Each word begins with the letter behind that of the word before; a comes behind z."""
    first = [ord(word[0]) - ord("a") for word in words(text)]
    if not first or not all(0 <= place < 26 for place in first):
        return False
    return all((before + 1) % 26 == after for before, after in pairwise(first))


@kind("words:vowel")
def vowel(text: str) -> bool:
    """The answer is one paragraph, in which no more than three of a, e, i, o, u occur."""
    return len(lines(text)) == 1 and len(set("aeiou").intersection(text.lower())) <= 3


@kind("words:consonants")
def consonants(text: str) -> bool:
    """Each word has two consonants in a row, y among them."""
    return bool(words(text)) and all(_CLUSTER.search(word) for word in words(text))


@kind("words:palindrome")
def palindrome(text: str) -> bool:
    """At least ten different words of five letters or more read the same from behind."""
    found = {word for word in map(letters, words(text)) if len(word) >= 5 and word == word[::-1]}
    return len(found) >= 10


@kind("words:prime_lengths")
def prime_lengths(text: str) -> bool:
    """The number of letters and digits of each word is prime."""
    return bool(words(text)) and all(_is_prime(sum(map(str.isalnum, word))) for word in words(text))


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % part for part in range(2, int(number**0.5) + 1))


@kind("words:repeats")
def repeats(text: str, small_n: Number) -> bool:
    """No word is there more often than that."""
    return max(Counter(words(text)).values(), default=0) <= small_n


@kind("words:last_first")
def last_first(text: str) -> bool:
    """The last word of each sentence is the first of the next."""
    spoken = [found for each in sentence_texts(text) if (found := words(each))]
    return bool(spoken) and all(one[-1] == other[0] for one, other in pairwise(spoken))


@kind("words:paragraph_last_first")
def paragraph_last_first(text: str) -> bool:
    """Each paragraph, which is a line, ends with the word that it begins with."""
    spoken = [found for line in lines(text) if (found := words(line))]
    return bool(spoken) and all(found[0] == found[-1] for found in spoken)


@kind("words:no_consecutive")
def no_consecutive(text: str) -> bool:
    """No word begins with the same letter as the word before."""
    return all(one[0] != other[0] for one, other in pairwise(words(text)))


@kind("words:keywords_specific_position")
def keywords_specific_position(text: str, keyword: Text, n: From1, m: From1) -> bool:
    """The keyword is the m-th word of the n-th sentence."""
    spoken, wanted = sentence_texts(text), words(keyword)
    found = words(spoken[n - 1]) if n <= len(spoken) else ()
    return bool(wanted) and found[m - 1 : m - 1 + len(wanted)] == wanted


@kind("words:words_position")
def words_position(text: str, keyword: Text) -> bool:
    """The keyword is the second word and the second to last one."""
    found, wanted = words(text), words(keyword)
    size = len(wanted)
    return bool(wanted) and found[1 : 1 + size] == found[-1 - size : -1] == wanted
