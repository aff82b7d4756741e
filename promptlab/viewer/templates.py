"""The texts of templates: all that a version has been, and what changed from one to another."""

from __future__ import annotations

from collections.abc import Sequence

from promptlab.report.documents.steps import step_json
from promptlab.report.html.page.marks import Marks
from promptlab.report.html.page.markup import NOTHING, Child, Html, joined, tag
from promptlab.report.html.page.steps import step_article
from promptlab.report.html.page.tables import table
from promptlab.report.views.report import step_view
from promptlab.report.wording import counted
from promptlab.viewer.asked import Asked
from promptlab.viewer.desk import Desk
from promptlab.viewer.frame import Page, Reply, choice, heading, ways
from promptlab.viewer.places import template_at
from promptlab.viewer.run import RunLinks
from promptlab.workbench.past_texts import step_between, template_names, text_at, texts_of
from promptlab.workbench.versions import PastText

_DIGITS = 9  # of a digest


def templates_page(desk: Desk, asked: Asked) -> Reply:
    """Return all templates."""
    names = template_names(desk.reading)
    links = [tag("li", tag("a", name, href=template_at(name))) for name in names]
    shown = tag("ul", *links) if links else tag("p", "There are no templates.", class_="empty")
    return Page("Templates", joined([heading("Templates"), shown]), way="/templates")


def history_page(desk: Desk, asked: Asked) -> Reply:
    """Return all texts that a template's versions have or had, and one of them in full."""
    name = asked.path["name"]
    texts = texts_of(desk.reading, name)
    body: list[Child] = [
        heading(f"Template {name}", counted(len(texts), "text")),
        _back(),
        _texts(name, texts),
        _differ(name, texts, None, None) if len(texts) > 1 else NOTHING,
    ]
    digest = asked.one("text")
    if digest is not None:
        template = text_at(desk.reading, name, digest)
        body.append(_text(f"templates/{name}/{template.source.version}", template.source.source))
        body += [
            _text(f"templates/{file}", text) for file, text in template.source.includes.items()
        ]
    return Page(f"Template {name}", joined(body), way="/templates")


def diff_page(desk: Desk, asked: Asked) -> Reply:
    """Return what changed from one text of a template to another, with the cases that flipped."""
    name = asked.path["name"]
    texts = texts_of(desk.reading, name)
    first, second = asked.one("a") or texts[0].digest, asked.one("b") or texts[-1].digest
    a, b = (text_at(desk.reading, name, digest) for digest in (first, second))
    body: list[Child] = [
        heading(f"{a.reference} to {b.reference}"),
        ways([(template_at(name), f"Template {name}")], label="Template"),
        _differ(name, texts, first, second),
    ]
    if first == second:
        body.append(tag("p", "Both are the same text.", class_="empty"))
    else:
        between = step_between(desk.reading, a, b)
        step = step_view(between.step)
        links = RunLinks(between.run_id or "latest", Marks({"hunks": [step_json(step)]}))
        body += [tag("h2", "What changed"), step_article(links, 0, step)]
    return Page(f"{a.reference} to {b.reference}", joined(body), way="/templates")


def _back() -> Html:
    return ways([("/templates", "All templates")], label="Templates")


def _texts(name: str, texts: Sequence[PastText]) -> Html:
    rows = [_row(name, place, text, texts) for place, text in enumerate(texts)]
    head = ("version", "text", "now", "parent", "first run", "#trials", "what it tries", "changed")
    return table("Texts", head, rows)


def _row(name: str, place: int, text: PastText, texts: Sequence[PastText]) -> list[Child]:
    fate = text.fate if text.kept_as is None else f"{text.fate}, kept as {text.kept_as}"
    known = {each.version: each.digest for each in reversed(texts)}
    before = known.get(text.parent or "") or (texts[place - 1].digest if place else None)
    since: Child = None
    if before is not None and before != text.digest:
        pairs = [("a", before), ("b", text.digest)]
        since = tag("a", "what changed", href=template_at(name, "/diff", pairs))
    return [
        tag("a", text.version, href=template_at(name, pairs=[("text", text.digest)])),
        tag("code", text.digest.partition(":")[2][:_DIGITS]),
        "current" if text.current else fate or "of a run",
        text.parent or "",
        (text.first_run or "never")[:16].replace("T", " "),
        f"{text.trials:,}",
        text.description or "",
        since,
    ]


def _differ(name: str, texts: Sequence[PastText], a: str | None, b: str | None) -> Html:
    options = [
        (each.digest, f"{each.version} ({each.digest.partition(':')[2][:_DIGITS]})")
        for each in texts
    ]
    return tag(
        "form",
        choice("From", "a", options, a or texts[0].digest),
        choice("to", "b", options, b or texts[-1].digest),
        tag("button", "Show what changed"),
        action=template_at(name, "/diff"),
        class_="filter",
    )


def _text(title: str, text: str) -> Html:
    return tag("figure", tag("figcaption", title), tag("pre", text, dir="auto"), class_="text")
