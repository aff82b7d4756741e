"""A page as a browser without script reads it: its numbers, links, addresses, and words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

EMPTY = frozenset({"br", "col", "hr", "img", "input", "link", "meta"})


@dataclass
class Mark:
    """A number of a page: its value, how people read it, and where its link leads."""

    at: str
    value: object
    text: str = ""
    link: str | None = None
    within: tuple[str, ...] = ()


@dataclass
class Page(HTMLParser):
    """What a page holds."""

    marks: list[Mark] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    _open: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append((tag, values))
        if tag not in EMPTY:
            self._open.append((tag, values))
        if (id_ := values.get("id")) is not None:
            self.ids.append(id_)
        if tag == "a":
            self.links.append(values.get("href") or "")
        if (at := values.get("data-at")) is not None:
            mark = Mark(at, json.loads(values["data-value"] or ""))
            for name, outer in self._open:
                if name == "a":
                    mark.link = outer.get("href")
            mark.within = tuple(
                outer.get("class") or outer.get("id") or name for name, outer in self._open
            )
            self.marks.append(mark)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in EMPTY:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1][0] == tag, (self._open[-1], tag, self.getpos())
        self._open.pop()

    def handle_data(self, data: str) -> None:
        inside = self._open[-1][0] if self._open else ""
        if inside == "script":
            self.scripts.append(data)
        elif inside == "style":
            self.styles.append(data)
        else:
            self.words.append(data)
            if inside == "data":
                self.marks[-1].text += data

    @property
    def text(self) -> str:
        """Return all words of the page, blanks as one."""
        return " ".join("".join(self.words).split())


def parsed(html: str) -> Page:
    """Parse a page, in which every element must be closed in order."""
    page = Page()
    page.feed(html)
    page.close()
    assert page._open == []
    return page


def leaves(value: object, at: str = "") -> Iterator[tuple[str, int | float]]:
    """Yield every number of a JSON document with its pointer."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return
    if isinstance(value, (int, float)):
        yield at, value
        return
    assert isinstance(value, (Mapping, list))
    pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
    for key, inner in pairs:
        yield from leaves(inner, f"{at}/{str(key).replace('~', '~0').replace('/', '~1')}")
