"""Text for a terminal: control characters made visible, and verdicts in colour."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.style import Style
from rich.text import Text

from promptlab.core.decision import Verdict

BOLD = Style(bold=True)
DIM = Style(dim=True)
AT_MOST = 12  # comparisons, beyond which details are left out

_COLOURS: dict[Verdict, str] = {"better": "bold green", "worse": "bold red", "refused": "yellow"}
# Characters that a terminal would obey, or reorder text by, instead of showing them.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """Return a text with its control characters spelled out, as `^[` for escape."""
    return _UNSEEN.sub(_spelled, text)


def verdict_text(verdict: Verdict) -> Text:
    """Return a verdict in its colour, which only repeats what the word says."""
    return Text(verdict, _COLOURS.get(verdict, ""))


def print_lines(console: Console, lines: Iterable[str]) -> None:
    """Print lines, which may hold any names, with an empty line above them."""
    for place, line in enumerate(lines):
        if not place:
            console.print()
        console.print(Text(visible(line)))


def open_lines(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines on open questions, up to a limit."""
    yield from lines[:AT_MOST]
    if len(lines) > AT_MOST:
        yield f"undecided: {len(lines) - AT_MOST} more, listed by --json"


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20 or code == 0x7F:
        return f"^{chr(code ^ 0x40)}"
    return f"<U+{code:04X}>"
