"""What documents in Markdown are made of: tables, lists, and parts that are folded away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from promptlab.core.markup import code, cut, prose
from promptlab.core.visible import visible

MOST = 60_000
"""Characters of a document: GitHub takes 65,536 in a comment."""

_CUT = 500  # characters of a question or of an answer


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: int = 1) -> str:
    """Return a table of cells that are Markdown; columns from `right` on hold numbers."""
    ruler = ["---" if place < right else "--:" for place in range(len(head))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ruler, *rows)) + "\n"


def bullets(lines: Iterable[str]) -> str:
    """Return lines of ours as a list."""
    return "".join(f"- {prose(line)}\n" for line in lines)


def strong(line: str) -> str:
    """Return a line of ours in bold type, as a paragraph."""
    return f"**{prose(line)}**\n"


def folded(summary: str, body: str) -> str:
    """Return a part that is folded away below a line of ours; in `<code>` nothing is a mention."""
    shown = escape(visible(summary).replace("\n", " "))
    return f"<details><summary><code>{shown}</code></summary>\n\n{body}\n</details>\n"


def passage(text: str) -> str:
    """Return a foreign text as code; what is cut off is counted."""
    shown, more = cut(text, _CUT)
    return code(shown) + (f" ... {more:,} more characters" if more else "")


def joined(parts: Iterable[str]) -> str:
    """Return the parts of a document that are not empty, with a line between them."""
    return "\n".join(part for part in parts if part)
