"""Words looked for in prompts, outputs and notes."""

from __future__ import annotations

from promptlab.core.found import Found, Hit
from promptlab.report.html.page.markup import NOTHING, Child, Html, joined, tag
from promptlab.report.wording import counted
from promptlab.viewer.asked import Asked
from promptlab.viewer.desk import Desk
from promptlab.viewer.frame import Page, Part, Reply, heading, live, pager, search_form
from promptlab.viewer.places import address, case_at, run_at

_A_PAGE = 30
_LIVE_S = 2.0  # between two searches while texts are read
_DEEPEST = 100_000  # hits: beyond that, other words find more than further pages
_HOW = 'All words must be there; "words in quotes" stand in this order. The newest come first.'


def search_page(desk: Desk, asked: Asked) -> Reply:
    """Return the trials in whose notes, outputs or prompts all words stand."""
    text = asked.one("q") or ""
    run_id = asked.one("run")
    skip = asked.whole("skip", most=_DEEPEST) or 0
    found = None
    if text:
        with desk.reading.open_store() as store:
            run_id = None if run_id is None else store.find_run(run_id)
            found = store.search(text, _A_PAGE, skip, run_id)
        if found.unread:
            desk.read_texts()
    content = NOTHING
    if found is not None:
        again = address("/search", q=text, run=run_id, skip=skip or None, live=1)
        content = live(_found(found, text, run_id, skip), again, _LIVE_S if found.unread else None)
    if asked.one("live"):
        return Part(content)
    within = NOTHING
    if run_id is not None:
        within = tag(
            "p",
            "In ",
            tag("a", f"run {run_id}", href=run_at(run_id)),
            " alone; ",
            tag("a", "search all runs", href=address("/search", q=text)),
            ".",
        )
    body = [
        heading("Search"),
        search_form(text, run_id, large=True),
        tag("p", _HOW, class_="note"),
        within,
        content,
    ]
    return Page(f"Search: {text}" if text else "Search", joined(body), way="/search")


def _found(found: Found, text: str, run_id: str | None, skip: int) -> Html:
    parts: list[Child] = []
    if found.unread:
        parts.append(
            tag(
                "p",
                f"{counted(found.unread, 'text')} cannot be looked at yet, and are being read:"
                " more is found as that goes on. ",
                tag("a", "Search again", href=address("/search", q=text, run=run_id)),
                ".",
                class_="told",
                role="status",
            )
        )
    if not found.hits:
        parts.append(tag("p", "Nothing is found.", class_="empty"))
    parts.append(tag("ol", *map(_hit, found.hits), class_="hits", start=str(skip + 1)))
    further = None
    if found.more and skip + _A_PAGE <= _DEEPEST:
        further = address("/search", q=text, run=run_id, skip=skip + _A_PAGE)
    first = address("/search", q=text, run=run_id) if skip else None
    parts.append(pager(first, further, "Further hits"))
    return joined(parts)


def _hit(hit: Hit) -> Html:
    where = f"{case_at(hit.run_id, hit.case_id)}#trial-{hit.seq}"
    repeat = f" #{hit.repeat + 1}" if hit.repeat else ""
    pieces = (tag("mark", each.text) if each.marked else each.text for each in hit.snippet)
    return tag(
        "li",
        tag(
            "p",
            tag("a", f"{hit.case_id}{repeat}", href=where),
            f" {hit.arm}, {hit.where}, ",
            tag("a", f"run {hit.run_id}", href=run_at(hit.run_id)),
            f" of {hit.suite}",
            class_="of",
        ),
        tag("p", *pieces, dir="auto", class_="snippet"),
    )
