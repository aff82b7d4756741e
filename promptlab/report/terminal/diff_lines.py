"""Hunks of a text diff for a terminal.

A line too long for the terminal continues below, indented by two, under the same sign: pasted
into a `diff` block, the output keeps its colours.
"""

from __future__ import annotations

from rich.console import Console
from rich.style import Style

from promptlab.report.terminal.text import DIM, plain_text
from promptlab.templates.text_diff import Hunk, Line

STYLES = {" ": Style(), "-": Style(color="red"), "+": Style(color="green")}
HEAD = Style(color="cyan")

_MARK = Style(bold=True, reverse=True)
_LONG = 3  # columns that a hanging line needs for its sign and its indent
_NARROW = 20


def print_hunk(console: Console, hunk: Hunk, *, head: bool) -> None:
    """Print a hunk; with `head`, after the line that says where it is."""
    if head:
        console.print(plain_text(hunk.head, style=HEAD))
    for line in hunk.lines:
        print_line(console, line, STYLES[line.op])
        if not line.newline:
            console.print(plain_text("\\ No newline at end of file", style=DIM))


def print_line(console: Console, line: Line, style: Style) -> None:
    """Print a line of a diff after its sign, with its marked words highlighted."""
    text = plain_text("")
    done = 0
    for start, end in line.marks:
        text.append_text(plain_text(line.text[done:start]))
        text.append_text(plain_text(line.text[start:end], _MARK))
        done = end
    text.append_text(plain_text(line.text[done:]))
    text.expand_tabs(8)
    rows = [text]
    if text.cell_len >= console.width:
        rows = [*text.wrap(console, max(_NARROW, console.width - _LONG))]
        for row in rows[:-1]:
            row.rstrip()
    for place, row in enumerate(rows):
        sign = plain_text(line.op + ("  " if place else ""), style=style)
        row.style = style
        console.print(sign.append_text(row), no_wrap=True, overflow="ignore", crop=False)
