"""HTML as values: whatever is not markup already is escaped, and made visible, by construction."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from promptlab.core.visible import visible


class Html(str):
    """A text that is markup already. Only `tag`, `text` and `joined` make it from other texts."""

    __slots__ = ()


Child = Html | str | None
NOTHING = Html("")
_EMPTY = frozenset({"br", "col", "hr", "img", "input", "link", "meta"})


def text(value: str) -> Html:
    """Return a text as markup that shows it: no tag, and nothing that turns what is around it."""
    return Html(escape(visible(value)))


def tag(name: str, /, *children: Child, **attributes: str | bool | None) -> Html:
    """Return an element. `class_` and `data_at` stand for `class` and `data-at`.

    An attribute that is None or False is left out, one that is True has no value.
    """
    opened = "".join([f"<{name}", *(_attribute(*each) for each in attributes.items()), ">"])
    if name in _EMPTY:
        return Html(opened)
    return Html(f"{opened}{joined(children)}</{name}>")


def joined(children: Iterable[Child], between: str = "") -> Html:
    """Return markup made of several parts; texts among them are escaped."""
    return Html(
        between.join(
            child if isinstance(child, Html) else text(child)
            for child in children
            if child is not None
        )
    )


def _attribute(name: str, value: str | bool | None) -> str:
    if value is None or value is False:
        return ""
    shown = name.removesuffix("_").replace("_", "-")
    return f" {shown}" if value is True else f' {shown}="{text(value)}"'
