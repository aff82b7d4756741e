"""The shell of a page: one file that loads nothing, with a policy that allows nothing else.

Style and script are in the page, and allowed by their digests alone: no other script runs, whatever
a text holds, and no attribute may hold style or script.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from promptlab.report.html.page.markup import NOTHING, Html, joined, tag
from promptlab.report.html.page.palette import repainted, variables

_THEMES = (("system", "System"), ("light", "Light"), ("dark", "Dark"))


@dataclass(frozen=True, slots=True)
class Looks:
    """The style sheet and the script of a page, and where its first link leads, past the head."""

    style: str
    script: str
    skip: tuple[str, str]


def page(title: str, *body: Html, language: str = "en") -> str:
    """Return a whole page, which says itself what it may load."""
    looks = Looks(style_text(), script_text(), ("Skip to the conclusion", "#conclusion"))
    policy = policy_of(looks, "base-uri 'none'", "form-action 'none'")
    inside = joined(
        [
            tag("meta", http_equiv="Content-Security-Policy", content=policy),
            tag("meta", name="referrer", content="no-referrer"),
        ]
    )
    return whole(title, looks, *body, head=inside, language=language)


def policy_of(looks: Looks, *more: str) -> str:
    """Return the policy that allows a page its own style and script, and nothing else but `more`.

    It names them by their digests, so that no other script runs, wherever it stands.
    """
    own = f"style-src '{digest(looks.style)}'", f"script-src '{digest(looks.script)}'"
    return "; ".join(["default-src 'none'", *own, *more])


def whole(title: str, looks: Looks, *body: Html, head: Html = NOTHING, language: str = "en") -> str:
    """Return a page that has these looks; `head` comes before anything that could be loaded."""
    heads = tag(
        "head",
        tag("meta", charset="utf-8"),
        head,
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        Html(f"<style>{looks.style}</style>"),
    )
    said, to = looks.skip
    content = tag(
        "body",
        tag("a", said, class_="skip", href=to),
        *body,
        Html(f"<script>{looks.script}</script>"),
    )
    return f"<!doctype html>\n{tag('html', heads, content, lang=language)}\n"


def themes() -> Html:
    """Return the switch between light and dark. It works by the style sheet, without a script."""
    choices = [
        tag(
            "label",
            tag(
                "input",
                type="radio",
                name="theme",
                id=f"theme-{value}",
                value=value,
                checked=value == "system",
            ),
            tag("span", shown),
        )
        for value, shown in _THEMES
    ]
    return tag("fieldset", tag("legend", "Theme", class_="aside"), joined(choices), class_="themes")


@cache
def style_text() -> str:
    """Return the style sheet, which is the same for every page."""
    return f"{variables()}{_file('page.css')}{repainted()}"


@cache
def script_text() -> str:
    """Return the script, which is the same for every page."""
    return _file("page.js")


def digest(text: str) -> str:
    """Return the digest by which a policy allows a style sheet or a script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _file(name: str) -> str:
    return (resources.files("promptlab.report.html.page") / name).read_text(encoding="utf-8")
