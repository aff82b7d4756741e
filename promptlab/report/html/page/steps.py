"""What each version changed of its parent, hunk by hunk, with the cases that flipped."""

from __future__ import annotations

from collections.abc import Iterator

from promptlab.report.html.page.context import Context
from promptlab.report.html.page.markup import Child, Html, joined, tag
from promptlab.report.html.page.tables import section, table
from promptlab.report.html.page.words import marked
from promptlab.report.views.diff import Cell
from promptlab.report.views.report import Step
from promptlab.report.wording import counted
from promptlab.templates.diff import FileDiff
from promptlab.templates.text_diff import Hunk, Line

_ELEMENTS = {"-": "del", "+": "ins", " ": "span"}


def steps_section(context: Context) -> Html:
    """Return every step between versions: hunks, front matter, and the cases that flipped."""
    steps = [_step(context, place, step) for place, step in enumerate(context.view.steps)]
    return section("text", "What changed in the text", *steps)


def hunk_links(place: int, step: Step) -> Html:
    """Return links to the hunks of a step, and whether one of them alone can be responsible."""
    numbers = range(1, hunk_count(step) + 1)
    links = [tag("a", f"hunk {number}", href=f"#step-{place}-{number}") for number in numbers]
    if not links:
        return joined(["only the front matter changed: ", _link(place, step)])
    if len(links) == 1:
        return joined(["one hunk changed: ", links[0], " of ", _link(place, step)])
    return joined(
        [f"{len(links)} hunks changed at once: ", joined(links, ", "), " of ", _link(place, step)]
    )


def _link(place: int, step: Step) -> Html:
    version = step.diff.version
    return tag("a", f"{version.a} to {version.b}", href=f"#step-{place}")


def hunk_count(step: Step) -> int:
    """Return how many hunks a step has in all files."""
    return sum(len(file.hunks) for file in step.diff.version.files)


def _step(context: Context, place: int, step: Step) -> Html:
    version = step.diff.version
    won = counted(len(step.won), "case") if step.won else "no case"
    lost = counted(len(step.lost), "case") if step.lost else "no case"
    parts: list[Child] = [
        tag("h3", tag("a", f"{version.a} to {version.b}", href=f"#step-{place}")),
        tag("p", f"Won: {won}", ": " if step.won else ".", context.listed(step.won)),
        tag("p", f"Lost: {lost}", ": " if step.lost else ".", context.listed(step.lost)),
    ]
    number = 0
    for at, file in enumerate(version.files):
        parts.append(tag("h4", _file_name(file), class_="file"))
        for inner, hunk in enumerate(file.hunks):
            number += 1
            pointer = f"/hunks/{place}/files/{at}/hunks/{inner}"
            parts.append(_hunk(context, pointer, f"step-{place}-{number}", number, hunk))
    if step.diff.rows:
        rows = [(row.key, _cell(row.a), _cell(row.b)) for row in step.diff.rows]
        parts.append(table("Front matter", ("key", version.a, version.b), rows))
    return tag("article", *parts, id=f"step-{place}", class_="step")


def _file_name(file: FileDiff) -> str:
    if file.path_a == file.path_b or file.path_b is None:
        return file.path_a or ""
    return file.path_b if file.path_a is None else f"{file.path_a} → {file.path_b}"


def _hunk(context: Context, at: str, address: str, number: int, hunk: Hunk) -> Html:
    count = context.marks.number
    head = joined(
        [
            tag("a", f"hunk {number}", href=f"#{address}"),
            ": lines ",
            count(f"{at}/start_a"),
            " (",
            count(f"{at}/length_a"),
            ") → ",
            count(f"{at}/start_b"),
            " (",
            count(f"{at}/length_b"),
            ")",
        ]
    )
    lines = tag("pre", *(_line(line) for line in hunk.lines))
    return tag("figure", tag("figcaption", head), lines, class_="hunk", id=address)


def _line(line: Line) -> Html:
    """Return a line of a hunk, with the words marked that were edited."""
    element = _ELEMENTS[line.op]
    words: Iterator[Child] = marked(line.text, line.marks, "mark")
    return joined([tag(element, f"{line.op} ", *words), "\n"])


def _cell(cell: Cell) -> Html:
    elements = {"-": "del", "+": "ins", "": "span"}
    return joined((tag(elements[sign], word) for sign, word in cell), ", ")
