"""Every number of a page stands in a mark that says where it is in the page's JSON document.

A mark has a JSON pointer in `data-at` and the number itself in `data-value`; its text is how people
read it. Its value always comes from the document, so that both cannot differ.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from promptlab.core.visible import visible
from promptlab.report.html.page.markup import Html, tag
from promptlab.report.wording import UNKNOWN

Number = int | float
Written = Callable[[float], str]


class Marks:
    """Makes the marks of one page, and knows which numbers of its document have none yet."""

    def __init__(self, document: Mapping[str, object]) -> None:
        """Take the document that all numbers come from."""
        self._document = document
        self._seen: set[str] = set()

    def value(self, at: str) -> Any:
        """Return what stands at a place of the document."""
        found: Any = self._document
        for part in at.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            found = found[int(key)] if isinstance(found, list) else found[key]
        return found

    def number(
        self, at: str, written: Written | str | None = None, rows: str | None = None
    ) -> Html:
        """Return the number at a place, `-` where it is unknown.

        `written` is how people read it, `rows` the address of the rows behind it.
        """
        value = self.value(at)
        if value is None:
            return Html(UNKNOWN)
        self._seen.add(at)
        said = written(value) if callable(written) else written
        mark = tag(
            "data",
            json.dumps(value) if said is None else said,
            data_at=at,
            data_value=json.dumps(value),
        )
        return mark if rows is None else tag("a", mark, href=rows, tabindex="-1")

    def json(self, at: str) -> Html:
        """Return a value of any kind as JSON, in which every number has a mark."""
        return Html("".join(self._pieces(at, self.value(at))))

    def left(self, below: str) -> Iterator[str]:
        """Yield the places of the numbers below a place that have no mark yet."""
        for at in numbers(self.value(below), below):
            if at not in self._seen:
                yield at

    def _pieces(self, at: str, value: object) -> Iterator[str]:
        if is_number(value):
            yield self.number(at)
        elif isinstance(value, Mapping):
            yield "{"
            for place, (key, inner) in enumerate(value.items()):
                yield f"{', ' * bool(place)}{tag('span', json.dumps(key, ensure_ascii=False))}: "
                yield from self._pieces(f"{at}/{escaped(str(key))}", inner)
            yield "}"
        elif isinstance(value, (list, tuple)):
            yield "["
            for place, inner in enumerate(value):
                yield ", " * bool(place)
                yield from self._pieces(f"{at}/{place}", inner)
            yield "]"
        else:
            yield tag("span", json.dumps(value, ensure_ascii=False))


def numbers(value: object, at: str = "") -> Iterator[str]:
    """Yield the JSON pointers of all numbers in a document, or in a part that stands at `at`."""
    if is_number(value):
        yield at
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from numbers(inner, f"{at}/{escaped(str(key))}")
    elif isinstance(value, (list, tuple)):
        for place, inner in enumerate(value):
            yield from numbers(inner, f"{at}/{place}")


def is_number(value: object) -> bool:
    """Return whether a value is a number in JSON: `true` is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def escaped(key: str) -> str:
    """Return a key as a part of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def shown_pointer(at: str) -> str:
    """Return a pointer as an attribute holds it: with control characters spelled out."""
    return visible(at)
