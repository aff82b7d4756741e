"""Two texts side by side, with the words marked that are in one alone."""

from __future__ import annotations

from collections.abc import Iterator

from promptlab.report.html.page.markup import Child, Html, tag
from promptlab.templates.text_diff import Marks, word_marks

_MOST = 6_000  # characters of texts that are compared word by word

Named = tuple[str, str]
"""A name and a text."""


def two_outputs(a: Named, b: Named) -> Html:
    """Return two outputs side by side; words that only one of them has are marked."""
    if max(len(a[1]), len(b[1])) <= _MOST:
        marks_a, marks_b = word_marks(a[1], b[1])
    else:
        marks_a, marks_b = (), ()
    return tag("div", _side(a, marks_a, "del"), _side(b, marks_b, "ins"), class_="two")


def _side(named: Named, marks: Marks, element: str) -> Html:
    name, text = named
    return tag(
        "figure",
        tag("figcaption", name),
        tag("pre", *marked(text, marks, element), dir="auto"),
        class_="text",
    )


def marked(text: str, marks: Marks, element: str) -> Iterator[Child]:
    """Yield a text in which some ranges are elements."""
    done = 0
    for start, end in marks:
        yield text[done:start]
        yield tag(element, text[start:end])
        done = end
    yield text[done:]
