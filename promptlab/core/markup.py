"""Foreign text in Markdown: shown as it is, never obeyed.

What a renderer would obey is put into code: nothing in code is markup, a link, a mention or a
reference to an issue, not even for those who look for these in the finished page, as GitHub does.
"""

from __future__ import annotations

import re
from html import escape

from promptlab.core.visible import visible

_TICKS = re.compile("`+")
_QUOTED = re.compile(r"`([^`]+)`")
_BREAK = re.compile(r"\r\n|\r|\n")
# A word that is plain wherever it stands: no markup, no link, no mention, no number of an issue.
_PLAIN_WORD = re.compile(r"[^\W_]+(?:['’.,:/-]+[^\W_]+)*|[+-]?[\d.,:]+|[–—·…=/%&-]")  # noqa: RUF001
_LINK = re.compile(r"www\.|:/|[0-9a-fA-F]{7}|GH-|\.[a-zA-Z]{2}", re.ASCII)
_SIGNS = ("<", ">", "->")
_EDGES = re.compile(r"^([(\"']*)(.*?)([)\"',.;:?%]*)$", re.DOTALL)


def code(text: str) -> str:
    """Return a text as inline code that may also stand in a table, with its line breaks."""
    return "<br>".join(_pieces(line) for line in _BREAK.split(visible(_unified(text))))


def fenced(text: str, language: str = "text") -> str:
    """Return a text as a block of code, coloured as its language."""
    shown = visible(_unified(text))
    longest = max((len(ticks) for ticks in _TICKS.findall(shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def prose(text: str) -> str:
    """Return a sentence of ours that names foreign things: words that are not plain become code.

    What stands between backticks becomes code as a whole.
    """
    parts = _QUOTED.split(visible(_unified(text)).replace("\n", " "))
    return "".join(
        code(part) if place % 2 else " ".join(_word(word) for word in part.split(" "))
        for place, part in enumerate(parts)
    )


def figure(text: str) -> str:
    """Return a number of ours, such as `<0.001`, that may also stand in a table."""
    return escape(visible(text), quote=False).replace("|", "&#124;")


def cut(text: str, most: int) -> tuple[str, int]:
    """Return the beginning of a text, and how many characters are left out."""
    return (text, 0) if len(text) <= most else (text[:most], len(text) - most)


def _unified(text: str) -> str:
    """Return a text with the line breaks of every system as one."""
    return text.replace("\r\n", "\n")


def _pieces(line: str) -> str:
    """Return a line as code. A table would end a cell at `|`, also within code."""
    return "&#124;".join(_span(piece) if piece else "" for piece in line.split("|"))


def _span(text: str) -> str:
    longest = max((len(ticks) for ticks in _TICKS.findall(text)), default=0)
    ticks = "`" * (longest + 1)
    # A blank on each side is taken off again, unless there are only blanks.
    blanks = text.startswith(" ") and text.endswith(" ") and bool(text.strip(" "))
    pad = " " * (blanks or text.startswith("`") or text.endswith("`"))
    return f"{ticks}{pad}{text}{pad}{ticks}"


def _word(word: str) -> str:
    if word in _SIGNS:
        return escape(word)
    match = _EDGES.match(word)
    assert match is not None
    before, inner, after = match.groups()
    if not inner or (_PLAIN_WORD.fullmatch(inner) and not _LINK.search(inner)):
        return word
    return f"{before}{code(inner)}{after}"
