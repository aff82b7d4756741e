"""What all pages share: the head with its ways, the looks, and the pieces of forms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from promptlab.report.html.page.markup import NOTHING, Child, Html, joined, tag
from promptlab.report.html.page.shell import (
    Looks,
    policy_of,
    script_text,
    style_text,
    themes,
    whole,
)

_WAYS = (("/", "Runs"), ("/compare", "Compare"), ("/templates", "Templates"))


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its title, its way in the head, and what stands in it."""

    title: str
    body: Html
    status: int = 200
    way: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a page that a script puts in place of what stands there."""

    body: Html


@dataclass(frozen=True, slots=True)
class Moved:
    """What to look at now instead: where a form was, a page."""

    to: str


Reply = Page | Part | Moved


@cache
def looks() -> Looks:
    """Return the style sheet and the script of all pages."""
    style = style_text() + _file("viewer.css")
    return Looks(style, script_text() + _file("viewer.js"), ("Skip to the content", "#main"))


@cache
def policy() -> str:
    """Return what pages may load: their own style and script, and the viewer's own answers."""
    return policy_of(
        looks(),
        "connect-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )


def framed(page: Page) -> str:
    """Return a page in its frame."""
    links = [
        tag("a", said, href=to, aria_current="page" if to == page.way else None)
        for to, said in _WAYS
    ]
    head = tag(
        "header",
        tag("a", "promptlab", href="/", class_="mark"),
        tag("nav", *links, aria_label="Pages"),
        search_form("", None),
        themes(),
        class_="bar",
    )
    return whole(
        f"{page.title} · promptlab",
        looks(),
        head,
        tag("main", page.body, id="main", tabindex="-1"),
    )


def search_form(text: str, run_id: str | None, *, large: bool = False) -> Html:
    """Return what is searched with; the one in the head is smaller."""
    return tag(
        "form",
        tag(
            "input",
            type="search",
            name="q",
            value=text,
            aria_label="Search prompts, outputs and notes",
            placeholder="Search prompts, outputs, notes",
            autocomplete="off",
            maxlength="500",
        ),
        hidden("run", run_id) if run_id else NOTHING,
        tag("button", "Search") if large else NOTHING,
        action="/search",
        role="search",
        aria_label="Search for other words" if large else "Search everything",
        class_="seek",
    )


def heading(title: Child, *below: Child, above: Child = None) -> Html:
    """Return the beginning of a page: what it is of, its title, and what to know of it."""
    return tag(
        "header",
        tag("p", above, class_="kicker") if above is not None else NOTHING,
        tag("h1", title),
        *(tag("p", line, class_="byline") for line in below if line is not None),
        class_="head",
    )


def ways(links: Iterable[tuple[str, str]], here: str = "", label: str = "Of this run") -> Html:
    """Return links to what else there is of the same."""
    return tag(
        "nav",
        *(
            tag("a", said, href=to, aria_current="page" if said == here else None)
            for to, said in links
        ),
        class_="ways",
        aria_label=label,
    )


def hidden(name: str, value: str) -> Html:
    """Return a field that nobody sees."""
    return tag("input", type="hidden", name=name, value=value)


def choice(label: str, name: str, options: Sequence[tuple[str, str]], chosen: str | None) -> Html:
    """Return a field with some values to choose from, each with what it is called."""
    return tag(
        "label",
        tag("span", label),
        tag(
            "select",
            *(
                tag("option", said, value=value, selected=value == (chosen or ""))
                for value, said in options
            ),
            name=name,
        ),
    )


def field(label: str, name: str, value: str | None, **attributes: str | bool | None) -> Html:
    """Return a field for a line of text."""
    return tag(
        "label",
        tag("span", label),
        tag("input", name=name, value=value or None, autocomplete="off", **attributes),
    )


def pager(first: str | None, further: str | None, said: str = "Next") -> Html:
    """Return the links to the beginning and to what follows, where there is any."""
    if first is None and further is None:
        return NOTHING
    return tag(
        "nav",
        tag("a", "⟵ Beginning", href=first) if first is not None else NOTHING,
        tag("a", f"{said} ⟶", href=further, rel="next") if further is not None else NOTHING,
        class_="pager",
        aria_label="Further pages",
    )


def live(content: Html, address: str, seconds: float | None) -> Html:
    """Return content that a script loads again every so many seconds; None means no more."""
    return tag(
        "div",
        content,
        data_live=address if seconds is not None else None,
        data_every=f"{seconds * 1000:.0f}" if seconds is not None else None,
    )


def said_plainly(lines: Iterable[str], class_: str = "note") -> Html:
    """Return lines as paragraphs."""
    return joined(tag("p", line, class_=class_) for line in lines)


def _file(name: str) -> str:
    return (resources.files("promptlab.viewer") / name).read_text(encoding="utf-8")
