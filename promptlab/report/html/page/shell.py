"""The shell of a page: one file that loads nothing, with a policy that allows nothing else.

Style and script are in the page, and allowed by their digests alone: no other script runs, whatever
a text holds, and no attribute may hold style or script.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources

from promptlab.report.html.page.markup import Html, joined, tag
from promptlab.report.html.page.palette import repainted, variables

_THEMES = (("system", "System"), ("light", "Light"), ("dark", "Dark"))


def page(title: str, *body: Html, language: str = "en") -> str:
    """Return a whole page."""
    style, script = style_text(), script_text()
    policy = "; ".join(
        [
            "default-src 'none'",
            f"style-src '{digest(style)}'",
            f"script-src '{digest(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        Html(f"<style>{style}</style>"),
    )
    content = tag(
        "body",
        tag("a", "Skip to the conclusion", class_="skip", href="#conclusion"),
        *body,
        Html(f"<script>{script}</script>"),
    )
    return f"<!doctype html>\n{tag('html', head, content, lang=language)}\n"


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
