"""IFBench's kinds about the form of an answer: brackets, quotation marks, lists, lines."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import regex
from pydantic import Field

from promptlab.scorers.instructions.kinds import Text, kind
from promptlab.scorers.instructions.pieces import lines, paragraphs, words
from promptlab.scorers.instructions.vocabulary import MINOR
from promptlab.scorers.reading.normal import folded
from promptlab.scorers.reading.sentences import sentence_texts, sentences

_CLOSES = {")": "(", "]": "[", "}": "{"}
_JOINED = r"[\p{M}\p{Emoji_Modifier}\u200d\ufe0f\p{Extended_Pictographic}]"
_EMOJI = regex.compile(rf"(?:\p{{Emoji_Presentation}}|\p{{Extended_Pictographic}}){_JOINED}*")
_AROUND = "\"')]}*_ \u201d\u2019\u00bb"
_QUOTES = {
    **dict.fromkeys((0x201C, 0x201D, 0x201E, 0x201F, 0xAB, 0xBB), '"'),
    **dict.fromkeys((0x2018, 0x2019, 0x201A, 0x201B), "'"),
}
_ITALICS = regex.compile(r"\s*<(i|em)>\s*\S[^<]*</\1>", regex.I)
_HEADING = regex.compile(r"\s*(?:#+\s|<h[1-6]>)", regex.I)
_BULLET = regex.compile(r"\s*[-*•]\s")


@kind("format:parentheses")
def parentheses(text: str) -> bool:
    """Brackets of any kind are nested at least five deep, and each that opens closes."""
    open_: list[str] = []
    deepest = 0
    for char in text:
        if char in _CLOSES.values():
            open_.append(char)
            deepest = max(deepest, len(open_))
        elif char in _CLOSES and (not open_ or open_.pop() != _CLOSES[char]):
            return False
    return deepest >= 5 and not open_


@kind("format:quotes")
def quotes(text: str) -> bool:
    """Quotations are nested at least three deep, in double and single quotation marks by turns."""
    plain = f" {text.translate(_QUOTES)} "
    open_: list[str] = []
    deepest = 0
    for before, char, after in zip(plain, plain[1:], plain[2:], strict=False):
        if char not in "\"'" or (char == "'" and before.isalnum() and after.isalnum()):
            continue
        if open_ and open_[-1] == char:
            open_.pop()
        else:
            open_.append(char)
            deepest = max(deepest, len(open_))
    return deepest >= 3 and not open_


@kind("format:options")
def options(text: str, options: Annotated[str | list[str], Field(min_length=1)]) -> bool:
    """The whole answer is one of the options, which a slash, a comma or the word or part."""
    parts = regex.split(r"\s*(?:/|,|\bor\b)\s*", options) if isinstance(options, str) else options
    return folded(text).strip() in {folded(part).strip() for part in parts if part.strip()}


@kind("format:newline")
def newline(text: str) -> bool:
    """Each line that is not blank holds one word."""
    return bool(lines(text)) and all(len(line.split()) == 1 for line in lines(text))


@kind("format:emoji")
def emoji(text: str) -> bool:
    """There is an emoji at the end of every sentence."""
    *spoken, rest = _EMOJI.split(text)
    if not spoken or rest.strip(_AROUND + ".!?\n"):
        return False
    return all(sentences(each.strip()).most <= 1 for each in spoken if each.strip())


@kind("format:line_indent")
def line_indent(text: str) -> bool:
    """Each line is set in further than the one before."""
    depths = [len(line.expandtabs()) - len(line.expandtabs().lstrip()) for line in lines(text)]
    return bool(depths) and all(one < other for one, other in pairwise(depths))


@kind("format:quote_unquote")
def quote_unquote(text: str) -> bool:
    """Behind every phrase in double quotation marks there are words outside of them."""
    parts = text.translate(_QUOTES).split('"')
    outside = parts[2::2]
    return len(parts) % 2 == 1 and all(map(words, outside))


@kind("format:list")
def list_(text: str, sep: Text) -> bool:
    """At least two lines begin with the sign for items, and none with another bullet."""
    sign = sep.strip()
    items = [line for line in lines(text) if line.strip().startswith(sign)]
    others = [line for line in lines(text) if line not in items and _BULLET.match(line)]
    return len(items) > 1 and not others


@kind("format:thesis")
def thesis(text: str) -> bool:
    """Each paragraph begins, below its heading if it has one, with words in italics of HTML."""
    blocks = ["\n".join(_below_headings(block)) for block in paragraphs(text)]
    filled = [block for block in blocks if block.strip()]
    return bool(filled) and all(_ITALICS.match(block) for block in filled)


def _below_headings(block: str) -> list[str]:
    return [line for line in block.splitlines() if not _HEADING.match(line)]


@kind("format:no_bullets_bullets")
def no_bullets_bullets(text: str) -> bool:
    """Two sentences or more end with a full stop, and two items or more behind them with a star."""
    found = lines(text)
    items = [place for place, line in enumerate(found) if line.strip().startswith("*")]
    before = " ".join(found[: items[0]]) if items else ""
    told = [each for each in sentence_texts(before) if each.rstrip(_AROUND).endswith(".")]
    return len(items) > 1 and len(told) > 1


@kind("format:sub-bullets")
def sub_bullets(text: str) -> bool:
    """There are items with a star, and below each of them one with a hyphen."""
    below: list[int] = []
    for line in map(str.strip, lines(text)):
        if line.startswith("*") and not line.startswith("**"):
            below.append(0)
        elif line.startswith("-") and line.strip("- "):
            if not below:
                return False
            below[-1] += 1
    return bool(below) and all(below)


@kind("format:title_case")
def title_case(text: str) -> bool:
    """Each word begins with a capital, but for short ones such as of and the within a line."""
    found = [
        (place, word)
        for line in lines(text)
        for place, word in enumerate(regex.findall(r"\p{L}[\p{L}\p{M}'\u2019]*", line))
    ]
    return bool(found) and all(
        word[0].isupper() or not word[0].islower() or (place and word in MINOR)
        for place, word in found
    )


@kind("format:output_template")
def output_template(text: str) -> bool:
    """The answer has its three parts: My Answer, My Conclusion, Future Outlook, each with text."""
    before, _, rest = text.partition("My Answer:")
    answer, _, rest = rest.partition("My Conclusion:")
    conclusion, _, outlook = rest.partition("Future Outlook:")
    return not before.strip() and all(part.strip() for part in (answer, conclusion, outlook))


@kind("format:no_whitespace")
def no_whitespace(text: str) -> bool:
    """There is no white space."""
    return not regex.search(r"\s", text)
