"""What of an answer may be a document: all of it, or what a fence of Markdown holds."""

from __future__ import annotations

from collections.abc import Iterator

import regex

# Three or more backticks or tildes at the beginning of a line, be it of a list or a quotation; any
# word behind them; up to as many alone on a line, or the end. They may also close on their line.
_FENCE = regex.compile(
    r"^(?P<lead>[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)?)(?P<marks>`{3,}|~{3,})"
    r"(?:(?P<body>[^\n]*?)(?P=marks)|(?P<body>.*?)(?:^[ \t>]*(?P=marks)[`~]*+(?!\w)|\Z))",
    regex.M | regex.S,
)
_WITHIN_A_LINE = regex.compile(r"```(.*?)(?:```|\Z)", regex.S)
_INFO = regex.compile(r"^[ \t]*\{?[.#]?[\p{L}_][\w.+#/:=-]*\}?(?=\s)|^[ \t]*\w+(?=[\[{\"])")
_QUOTED = regex.compile(r"^[ \t]*>[ \t]?", regex.M)


def candidates(text: str) -> Iterator[str]:
    """Yield the text itself, then what each of its fences holds, in order."""
    yield text
    for body in _bodies(text):
        yield from _readings(body)
        for inner in _bodies(body):
            yield from _readings(inner)
    for match in _WITHIN_A_LINE.finditer(text):
        yield from _readings(match[1])


def code_blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield each fence of several lines: the language that it names, "" if none, and its lines."""
    for body in _bodies(text):
        first, newline, rest = body.partition("\n")
        if newline:
            named = _INFO.match(first + newline)
            yield (named[0].strip(" \t{}.#").lower() if named else first.strip().lower()), rest


def _bodies(text: str) -> Iterator[str]:
    for fence in _FENCE.finditer(text):
        body = _QUOTED.sub("", fence["body"]) if ">" in fence["lead"] else fence["body"]
        yield body.rstrip().removesuffix(fence["marks"])


def _readings(body: str) -> Iterator[str]:
    """Yield what a fence holds without the word beside its marks, and with it if it is not one."""
    bare = _INFO.sub("", body, count=1)
    yield bare
    if bare != body:
        yield body
    first, _, rest = body.partition("\n")
    if first.strip() and rest:
        yield rest
