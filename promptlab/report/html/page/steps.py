"""What each version changed of its parent, hunk by hunk, with the cases that flipped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from promptlab.report.html.page.context import Context, Linked
from promptlab.report.html.page.markup import Child, Html, joined, tag
from promptlab.report.html.page.tables import items, section, table
from promptlab.report.html.page.words import marked
from promptlab.report.views.diff import Cell
from promptlab.report.views.flips import HunkView, PassageView
from promptlab.report.views.report import Step
from promptlab.report.wording import counted
from promptlab.templates.text_diff import Line

_ELEMENTS = {"-": "del", "+": "ins", " ": "span"}


def steps_section(context: Context) -> Html:
    """Return every step between versions: hunks, front matter, and the cases that flipped."""
    steps = [step_article(context, place, step) for place, step in enumerate(context.view.steps)]
    return section("text", "What changed in the text", *steps)


def hunk_links(place: int, step: Step, case_id: str) -> Html:
    """Say which hunks of a step flipped a case, with links to them, as far as that is known."""
    view = step.hunks
    whole = tag("a", f"{step.diff.version.a} to {step.diff.version.b}", href=f"#step-{place}")
    flipped = [hunk for hunk in view.hunks if case_id in hunk.won or case_id in hunk.lost]
    if flipped:
        links = joined((_link(place, hunk) for hunk in flipped), ", ")
        return joined(["flipped where this alone changed: ", links, " of ", whole])
    loud = [hunk for hunk in view.hunks if not hunk.silent]
    links = joined((_link(place, hunk) for hunk in loud), ", ")
    if len(loud) == 1:
        return joined(["one hunk changed: ", links, " of ", whole])
    if all(hunk.flips for hunk in loud):
        return joined(["no hunk alone flipped it: ", links, " of ", whole])
    parts: list[Child] = [f"{len(loud)} hunks changed at once: ", links, " of ", whole]
    if view.separate is not None:
        parts += ["; apart by ", tag("code", view.separate)]
    return joined(parts)


def _link(place: int, hunk: HunkView) -> Html:
    return tag("a", f"hunk {hunk.number}", href=f"#step-{place}-{hunk.number}")


def step_article(page: Linked, place: int, step: Step) -> Html:
    """Return one step: its hunks, each with the cases that flipped; `place` is the document's."""
    version = step.diff.version
    parts: list[Child] = [
        tag("h3", tag("a", f"{version.a} to {version.b}", href=f"#step-{place}")),
        items(step.hunks.notes, "notes"),
    ]
    loud = [hunk for hunk in step.hunks.hunks if not hunk.silent]
    if len(loud) != 1 or not loud[0].flips:  # else they stand at the hunk
        parts += [_cases(page, "Won", step.won), _cases(page, "Lost", step.lost)]
    if step.hunks.separate is not None:
        parts.append(tag("p", "What tells them apart: ", tag("code", step.hunks.separate)))
    for at, hunk in enumerate(step.hunks.hunks):
        parts.append(_hunk(page, f"/hunks/{place}/hunks/{at}", f"step-{place}-{hunk.number}", hunk))
    if step.diff.rows:
        rows = [(row.key, _cell(row.a), _cell(row.b)) for row in step.diff.rows]
        parts.append(table("Front matter", ("key", version.a, version.b), rows))
    return tag("article", *parts, id=f"step-{place}", class_="step")


def _cases(page: Linked, how: str, cases: Sequence[str]) -> Html:
    if not cases:
        return tag("p", f"{how}: no case.")
    return tag("p", f"{how}: {counted(len(cases), 'case')}: ", page.listed(cases))


def _hunk(page: Linked, at: str, address: str, hunk: HunkView) -> Html:
    number = page.marks.number
    head = tag("a", "hunk ", number(f"{at}/hunk"), href=f"#{address}")
    places = [
        _place(page, f"{at}/lines/{place}", passage) for place, passage in enumerate(hunk.passages)
    ]
    lines = [_line(line) for passage in hunk.passages for line in passage.lines]
    flips: list[Child] = [hunk.sentence]
    for how, cases in (("Won", hunk.won), ("Lost", hunk.lost)):
        if cases:
            flips += [f" {how}: ", page.listed(cases), "."]
    return tag(
        "figure",
        tag("figcaption", head, ": ", joined(places, "; ")),
        tag("pre", *lines),
        tag("p", *flips, class_="flips"),
        class_="hunk",
        id=address,
    )


def _place(page: Linked, at: str, passage: PassageView) -> Html:
    """Return where a passage stands, its lines as numbers of the document."""
    if passage.first is None:
        return joined([passage.place])
    number = page.marks.number
    first, last = number(f"{at}/first"), number(f"{at}/last")
    return joined([f"{passage.file}, lines ", first, " to ", last])


def _line(line: Line) -> Html:
    """Return a line of a hunk, with the words marked that were edited."""
    element = _ELEMENTS[line.op]
    words: Iterator[Child] = marked(line.text, line.marks, "mark")
    return joined([tag(element, f"{line.op} ", *words), "\n"])


def _cell(cell: Cell) -> Html:
    elements = {"-": "del", "+": "ins", "": "span"}
    return joined((tag(elements[sign], word) for sign, word in cell), ", ")
