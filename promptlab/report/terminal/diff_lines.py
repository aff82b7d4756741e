"""Hunks of a text diff for a terminal.

A line too long for the terminal goes on below, set in by two, under the same sign: what is pasted
into a block of kind `diff` keeps its colours.
"""

from __future__ import annotations

import re

from rich.console import Console
from rich.style import Style
from rich.text import Text

from promptlab.templates.text_diff import Hunk, Line

STYLES = {" ": Style(), "-": Style(color="red"), "+": Style(color="green")}
HEAD = Style(color="cyan")
BOLD = Style(bold=True)
DIM = Style(dim=True)

_MARK = Style(bold=True, reverse=True)
_LONG = 3  # columns that a hanging line needs for its sign and its indent
_NARROW = 20
# What a terminal would obey or turn around instead of showing it.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """Return a text with its control characters spelled out, as `^[` for escape."""
    return _UNSEEN.sub(_spelled, text)


def print_hunk(console: Console, hunk: Hunk, *, head: bool) -> None:
    """Print a hunk; `head` asks for the line that tells where it stands."""
    if head:
        console.print(Text(hunk.head, style=HEAD))
    for line in hunk.lines:
        print_line(console, line, STYLES[line.op])
        if not line.newline:
            console.print(Text("\\ No newline at end of file", style=DIM))


def print_line(console: Console, line: Line, style: Style) -> None:
    """Print a line of a diff under its sign, with its marked words set off."""
    text = Text()
    done = 0
    for start, end in line.marks:
        text.append(visible(line.text[done:start]))
        text.append(visible(line.text[start:end]), style=_MARK)
        done = end
    text.append(visible(line.text[done:]))
    text.expand_tabs(8)
    rows = [text]
    if text.cell_len >= console.width:
        rows = [*text.wrap(console, max(_NARROW, console.width - _LONG))]
        for row in rows[:-1]:
            row.rstrip()
    for place, row in enumerate(rows):
        sign = Text(line.op + ("  " if place else ""), style=style)
        row.style = style
        told = sign.append_text(row)
        console.print(told, no_wrap=True, overflow="ignore", crop=False)


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20 or code == 0x7F:
        return f"^{chr(code ^ 0x40)}"
    return f"<U+{code:04X}>"
