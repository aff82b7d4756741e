"""Tables as plain HTML, with all text escaped and visible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from promptlab.core.visible import visible


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table with a title above it, unless that is empty."""
    caption = f"<caption>{_shown(title)}</caption>" if title else ""
    body = "".join(_row("td", cells) for cells in rows)
    return f"<table>{caption}<thead>{_row('th', head)}</thead><tbody>{body}</tbody></table>"


def lines(texts: Iterable[str]) -> str:
    """Return a paragraph for each text."""
    return "".join(f"<p>{_shown(text)}</p>" for text in texts)


def preformatted(text: str) -> str:
    """Return a text with its line breaks and spaces preserved."""
    return f"<pre>{_shown(text)}</pre>"


def _row(tag: str, cells: Iterable[str]) -> str:
    tagged = "".join(
        f'<{tag} style="text-align: left; white-space: pre-wrap">{_shown(cell)}</{tag}>'
        for cell in cells
    )
    return f"<tr>{tagged}</tr>"


def _shown(text: str) -> str:
    """Return a text as it stands: no markup, nothing that turns what stands around it."""
    return escape(visible(text))
