"""Tables, lists and figures of a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from promptlab.report.html.page.markup import Child, Html, joined, tag, text

Row = Sequence[Child]


def table(
    caption: Child, head: Sequence[str], rows: Iterable[Row], *, id_: str | None = None
) -> Html:
    """Return a table in a box that scrolls; the first cell of a row names it.

    A heading that begins with `#` is that of numbers, which stand to the right.
    """
    right = [name.startswith("#") for name in head]
    heads = [
        tag("th", name.removeprefix("#"), scope="col", class_="n" if of_numbers else None)
        for name, of_numbers in zip(head, right, strict=True)
    ]
    body = []
    for first, *others in rows:
        cells = [tag("th", first, scope="row")]
        cells += [
            tag("td", cell, class_="n" if of_numbers else None)
            for cell, of_numbers in zip(others, right[1:], strict=True)
        ]
        body.append(tag("tr", *cells))
    return scrolling(
        tag(
            "table",
            tag("caption", caption),
            tag("thead", tag("tr", *heads)),
            tag("tbody", *body),
            id=id_,
        ),
        caption,
    )


def scrolling(content: Html, name: Child) -> Html:
    """Return content in a box that scrolls sideways, also by keys, where it is wider than that."""
    label = name if isinstance(name, str) and not isinstance(name, Html) else "wide content"
    return tag("div", content, class_="wide", tabindex="0", role="group", aria_label=label)


def section(id_: str, title: str, *content: Child) -> Html:
    """Return a part of a page, with its heading."""
    return tag(
        "section",
        tag("h2", tag("a", title, href=f"#{id_}")),
        *content,
        id=id_,
    )


def paragraphs(lines: Iterable[str], class_: str | None = None) -> Html:
    """Return a paragraph for each line."""
    return joined(tag("p", line, class_=class_) for line in lines)


def items(lines: Iterable[Child], class_: str | None = None) -> Html:
    """Return a list, nothing if it would be empty."""
    found = [tag("li", line) for line in lines]
    return tag("ul", *found, class_=class_) if found else Html("")


def folded(
    summary: Child, *content: Child, id_: str | None = None, class_: str | None = None
) -> Html:
    """Return content that is folded away below its summary.

    A link to `id_` opens it: browsers open whatever holds the place that an address names.
    """
    return tag("details", tag("summary", summary), tag("div", *content, id=id_), class_=class_)


def ticked(line: str) -> list[Html]:
    """Return a line in which what stands between backticks is code."""
    parts = line.split("`")
    if len(parts) % 2 == 0:
        return [text(line)]
    return [tag("code", part) if place % 2 else text(part) for place, part in enumerate(parts)]
