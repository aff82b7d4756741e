"""Which of the allowed labels an answer settles on, in any script and any markup."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise, takewhile
from operator import itemgetter

import regex

from promptlab.scorers.reading.latex import boxes, plain_words
from promptlab.scorers.reading.negation import is_denied, is_language_unknown
from promptlab.scorers.reading.normal import folded
from promptlab.scorers.reading.numbers import number_spans
from promptlab.scorers.reading.words import UNSPACED

_WORD = r"[\p{L}\p{M}\p{N}]"
# What may surround a label on its own line. `#` is not allowed at the end: C# is a label too.
_WRAPPING = " \t\r*_`~\"'“”‘’.,:;!?()[]{}-–—"
_LEADING = regex.compile(rf"\A(?:(?![-–−.,]\d)[#>•{regex.escape(_WRAPPING)}])+")
_AROUND = r"(?:[\s\p{P}\p{S}]|</?\w+>)*+"
_MARKER = regex.compile(
    r"(?:\b(?:answer|label|class|category|sentiment|verdict|antwort|stimmung|kategorie|ergebnis"
    r"|réponse|étiquette|catégorie|respuesta|etiqueta|categoría|sentimiento|resposta|risposta"
    r"|etichetta|antwoord|ответ|метка|категория|odpowiedź|cevap|etiket|إجابة|الإجابة|उत्तर)\b"
    r"|答案|标签|標籤|情感|分类|分類|结论|結論|回答|答え|ラベル|感情|판정|정답|라벨|감정|คำตอบ)"
    r"[\s*_`\"')»」』]*(?:[:=：]|\bis\b|[是为為](?!不))"
    r"(?P<line>\s*[^\n]+)",
    regex.I,
)
_TAGGED = regex.compile(
    r"<(?:final_?)?(?:answer|label|class|category|sentiment|verdict)>([^<]*)<", regex.I
)
_CLAUSE_END = regex.compile(r"[.!?;](?:\s|$)|[。！？；।؟]")
# `No` before a noun is a determiner. These words begin a clause of their own instead.
_DETERMINER = regex.compile(
    r"\s+(?!(?:it|he|she|they|we|you|i|there|this|that|these|those|because|since|as|and|but|or|the|a"
    r"|an|is|was|its|my|sir|ma'am|way|thanks|thank|please|sorry|yes|no|not|if|so|for|in|to|with|when"
    r"|while|by|at|on|of|he's|she's|it's|they're|es|est|lo|se|hay|está|para|por|que|si|le|la)\b)"
    r"[\p{Latin}]+",
    regex.I,
)
# What Korean joins to a noun: the copula, particles, and the suffix that makes it an adjective.
_KOREAN_END = (
    r"(?:적)?(?:이|가|은|는|을|를|의|에|로|으로|와|과|도|만|인|임|이다|이며|이고|이라|라고|이라고|이에요|예요|이네요|네요"
    r"|입니다|입니까|인가요|이었습니다|였습니다|이었다|였다|이지만|지만|이란|에\s?가까\p{Hangul}*|에\s?해당\p{Hangul}*)?"
)


_MOST_PLACES = 1_000  # at which a label is looked at: one that is denied so often is denied
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_PERCENT = regex.compile(r"\s?[%‰]")


@dataclass(frozen=True, slots=True)
class Settled:
    """The labels that an answer settles on, one if it decides. In the order of their names.

    `unread` is whether they stand in running text of a language whose negations are not known.
    """

    labels: frozenset[str]
    unread: bool = False


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds labels in a text. `by_bare` maps the bare form of each label to the label itself."""

    by_bare: Mapping[str, str]
    pattern: regex.Pattern[str]
    alone: regex.Pattern[str]
    has_numbers: bool
    ignore_case: bool

    def bare(self, line: str) -> str | None:
        """Return the label that a text is, apart from punctuation and markup."""
        return self.by_bare.get(bare(line, self.ignore_case))

    def settled(self, output: str) -> Settled:
        """Return the one label that decides, or else all labels in the output."""
        folded_output = _narrow(folded(output, self.ignore_case))
        text = plain_words(folded_output)
        for place in self._deciding(text, folded_output):
            if len(place) == 1:
                return Settled(frozenset(place))
        named = self._named(text)
        return Settled(frozenset(named), bool(named) and is_language_unknown(text))

    def _deciding(self, text: str, written: str) -> Iterator[set[str]]:
        lines = ["", "", *(line for line in text.splitlines() if line.strip()), "", ""]
        yield self._alone(lines[-3], neighbour=lines[-4])
        for box in reversed(boxes(written)):
            yield self._named(box)
        for match in reversed(list(_TAGGED.finditer(text))):
            yield self._named(match[1])
        for match in reversed(list(_MARKER.finditer(text))):
            end = _CLAUSE_END.search(text, *match.span("line"))
            yield self._named(text, match.start("line"), end.start() if end else match.end())
        yield self._alone(lines[2], neighbour=lines[3])

    def _alone(self, line: str, neighbour: str) -> set[str]:
        """Return the label that the line consists of, unless it is part of a list of labels."""
        name = self._only(line)
        if name is None or self._only(neighbour) not in (None, name):
            return set()
        return {name}

    def _only(self, line: str) -> str | None:
        match = self.alone.fullmatch(line)
        if match is None or not self._is_whole(line, match.span("label")):
            return None
        return self.by_bare[bare(match["label"], self.ignore_case)]

    def _named(self, text: str, start: int = 0, end: int | None = None) -> set[str]:
        """Return the labels in a part of a folded text that nothing denies."""
        matches = self.pattern.finditer(text, start, len(text) if end is None else end)
        named: set[str] = set()
        seen: Counter[str] = Counter()
        for match, following in pairwise(chain(matches, [None])):
            assert match is not None
            label = self.by_bare[bare(match[0], self.ignore_case)]
            stop = following.start() if following else len(text)
            seen[label] += 1
            if label in named or seen[label] > _MOST_PLACES:
                continue
            if self._counts(match, text, stop):
                named.add(label)
        return named

    def _counts(self, match: regex.Match[str], text: str, stop: int) -> bool:
        if match[0].lower() == "no" and _DETERMINER.match(text, match.end()):
            return False
        return self._is_whole(text, match.span()) and not is_denied(text, *match.span(), stop)

    def _is_whole(self, text: str, span: tuple[int, int]) -> bool:
        """Return whether a number at the edge of a label is not a piece of a larger one."""
        if not self.has_numbers or not any(text[at].isnumeric() for at in (span[0], span[1] - 1)):
            return True
        return _has_whole_numbers(text, span)


@lru_cache(maxsize=64)
def finder(labels: tuple[str, ...], ignore_case: bool) -> Finder:
    """Return what finds these labels."""
    texts = sorted({_narrow(folded(text, ignore_case)) for text in labels}, key=len, reverse=True)
    either = "|".join(map(_bounded, texts))
    return Finder(
        by_bare={bare(text, ignore_case): text for text in labels},
        pattern=regex.compile(either, regex.V1),
        alone=regex.compile(rf"{_AROUND.replace('*+', '*')}(?P<label>{either}){_AROUND}", regex.V1),
        has_numbers=any(char.isnumeric() for text in texts for char in text),
        ignore_case=ignore_case,
    )


def bare(text: str, ignore_case: bool) -> str:
    """Return a text without the punctuation and the marks of Markdown around it."""
    return _LEADING.sub("", _narrow(folded(text, ignore_case))).rstrip(_WRAPPING)


def _narrow(text: str) -> str:
    """Return the text with ASCII for its forms of full width, as Chinese and Japanese have them."""
    return text if text.isascii() else text.translate(_FULL_WIDTH)


def _bounded(label: str) -> str:
    """Return the pattern of a label as a whole word, by the rules of the scripts it begins with."""
    short = r"(?!\+|\#|[-−](?!\w|[-−]))" if len(label) <= 2 and label[-1:].isalnum() else ""
    return f"(?:{_left(label[:1])}{regex.escape(label)}{short}{_right(label[-1:])})"


def _left(first: str) -> str:
    if regex.match(UNSPACED, first, regex.V1):
        return ""
    return rf"(?<!{_same_word(first)}|{_WORD}[-‐‑_])"


def _right(last: str) -> str:
    if regex.match(UNSPACED, last, regex.V1):
        return r"(?!\p{M})"
    if regex.match(r"\p{Hangul}", last):
        return rf"(?={_KOREAN_END}(?!\p{{Hangul}}))"
    return rf"(?!{_same_word(last)}|[-‐‑_]+{_WORD})"


def _same_word(char: str) -> str:
    """Return what would go on the word of a character: letters of its script, marks, digits."""
    script = unicodedata.name(char, "").split(" ")[0]
    try:
        regex.compile(rf"\p{{Script={script}}}")
    except regex.error:
        script = ""
    if not (script and char.isalpha()):
        return r"[\p{LC}\p{M}\p{N}]"
    return rf"[\p{{M}}\p{{N}}[\p{{L}}&&\p{{Script={script}}}]]"


def _has_whole_numbers(text: str, span: tuple[int, int]) -> bool:
    """Return whether all of each number that stands in a label is in it: 5 stars, gpt-4, 10."""
    start, end = span
    spans = number_spans(text)
    place = bisect_right(spans, start, key=itemgetter(1))  # the first that ends behind its start
    numbers = map(spans.__getitem__, range(place, len(spans)))
    for first, last in takewhile(lambda number: number[0] < end, numbers):
        if first < start or last > end or (last == end and _PERCENT.match(text, end)):
            return False
    return True
