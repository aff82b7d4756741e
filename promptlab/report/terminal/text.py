"""Text for a terminal: visible, in styles of ours, and verdicts in colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.style import Style
from rich.text import Text

from promptlab.core.codes import Code
from promptlab.core.decision import Verdict
from promptlab.core.reasons import Reason
from promptlab.core.visible import visible
from promptlab.report.wording import verdict_word

BOLD = Style(bold=True)
DIM = Style(dim=True)
_AT_ONCE = 20_000  # characters that are wrapped together
AT_MOST = 12  # comparisons, beyond which details are left out

_COLOURS: dict[Verdict, str] = {"better": "bold green", "worse": "bold red", "refused": "yellow"}


def plain_text(text: str, style: str | Style = "") -> Text:
    """Return a text in a style of ours, visible. The only way from a text to rich's `Text`.

    `Text` itself would drop some control characters in silence and keep the others.
    """
    return Text(visible(text), style)


def pieces(text: str, width: int) -> Iterator[str]:
    """Split a long text into parts that are wrapped one by one, without losing a letter.

    Rich takes time in the square of a text's length to wrap it. Parts end at a line break or at a
    blank, and where there is none at a multiple of the width.
    """
    start, most = 0, max(_AT_ONCE // width, 1) * width
    while len(text) - start > most:
        end = start + most
        cut = text.rfind("\n", start, end)
        cut = text.rfind(" ", start, end) if cut < 0 else cut
        yield text[start : end if cut < 0 else cut]
        start = end if cut < 0 else cut + 1
    yield text[start:]


def verdict_text(verdict: Verdict, said: str | None = None) -> Text:
    """Return a verdict in its colour, which only repeats what the words say."""
    return Text(said or verdict_word(verdict), _COLOURS.get(verdict, ""))


def print_lines(console: Console, lines: Iterable[str]) -> None:
    """Print lines, which may hold any names, with an empty line above them."""
    for place, line in enumerate(lines):
        if not place:
            console.print()
        console.print(plain_text(line))


def evidence_lines(notes: Iterable[Reason]) -> list[str]:
    """Return the lines on which runs a conclusion rests on, but for what stands above it."""
    return [f"Note: {note.text}" for note in notes if note.code is not Code.ALL_STORED]


def rests_on(notes: Iterable[Reason]) -> list[str]:
    """Return what stands above a conclusion that rests on several runs: which they are."""
    return [f"({note.text})" for note in notes if note.code is Code.ALL_STORED]


def open_lines(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines on open questions, up to a limit."""
    yield from lines[:AT_MOST]
    if len(lines) > AT_MOST:
        yield f"undecided: {len(lines) - AT_MOST} more, listed by --json"
