"""A table of cases and arms for a terminal: a case is a line, a verdict is a sign."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table

from promptlab.core.visible import visible
from promptlab.report.terminal.tables import BETWEEN
from promptlab.report.terminal.text import plain_text
from promptlab.report.views.arm_names import numbered
from promptlab.report.views.asked import question_of
from promptlab.report.views.matrix import FAILED, PASSED, MatrixView, legend, mark
from promptlab.report.wording import counted

_CASE = "case"
_ID = 24  # columns of a case's id; a longer one goes on in the next line
_QUESTION = 16  # columns of a question at least; with fewer it says nothing
_FAMILIAR = 40  # columns of a question that are worth a longer name of the arms
_COLOURS = {PASSED: "green", FAILED: "red", "error": "red"}


def print_matrix(console: Console, view: MatrixView) -> None:
    """Print the table, with a legend of its signs and of arms whose names are too long.

    If the arms are too many for one table, there are several, one below the other.
    """
    if not view.rows:
        console.print(plain_text(f"{view.scorer}: no case was measured"))
        return
    cells = [
        [mark(cell, arm) for cell, arm in zip(row.cells, view.arms, strict=True)]
        for row in view.rows
    ]
    ids = [visible(_line(row.case_id)) for row in view.rows]
    beside = console.width - min(max(map(cell_len, [*ids, _CASE])), _ID)
    names, of_names = _names(view, cells, beside)
    widths = _widths(names, cells)
    room = beside - sum(widths) - BETWEEN
    asked = [clipped(visible(_line(question_of(row.vars))), room) for row in view.rows]
    questions = asked if room >= _QUESTION and any(asked) else None
    console.print(plain_text(view.title, style="bold"))
    for first, last in _blocks(widths, beside):
        if first:
            console.print()
        marks = [line[first:last] for line in cells]
        console.print(_table(ids, questions, names[first:last], marks))
    for line in (*legend(cells), *of_names, *_rest(view)):
        console.print(plain_text(line))


def _table(
    ids: Sequence[str],
    questions: Sequence[str] | None,
    names: Sequence[str],
    cells: Sequence[Sequence[str]],
) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column(_CASE, overflow="fold", max_width=_ID)
    if questions is not None:
        table.add_column("asked", no_wrap=True)
    for name in names:
        table.add_column(plain_text(name), justify="center", no_wrap=True)
    for at, (case, marks) in enumerate(zip(ids, cells, strict=True)):
        asked = [] if questions is None else [plain_text(questions[at])]
        table.add_row(
            plain_text(case), *asked, *(plain_text(m, _COLOURS.get(m, "")) for m in marks)
        )
    return table


def _blocks(widths: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """Yield the first arm of each table, and the one behind its last; all of them fit."""
    first, taken = 0, 0
    for place, width in enumerate(widths):
        if place > first and taken + width > room:
            yield first, place
            first, taken = place, 0
        taken += width
    yield first, len(widths)


def clipped(text: str, width: int) -> str:
    """Return a line of at most this many columns, with dots where something is left out."""
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 3).rstrip()}..."


def _line(text: str) -> str:
    return " ".join(text.split())


def _names(
    view: MatrixView, cells: Sequence[Sequence[str]], width: int
) -> tuple[list[str], list[str]]:
    """Return names of the arms and a legend: the fullest names beside which questions fit."""
    full = [arm.label for arm in view.arms]
    templates = {arm.arm.template for arm in view.arms}
    choices: list[tuple[list[str], list[str]]] = [(full, [])]
    if len(templates) == 1:
        (template,) = templates
        short = [name.removeprefix(f"{template}@") for name in full]
        choices.append((short, [f"All are versions of {template}."]))
    numbers = [f"#{place}" for place in range(1, len(full) + 1)]
    most = max(width - _FAMILIAR, sum(_widths(numbers, cells)))
    for names, below in choices:
        shown = [visible(name) for name in names]
        if sum(_widths(shown, cells)) <= most:
            return shown, below
    return numbers, numbered(full)


def _widths(names: Sequence[str], cells: Sequence[Sequence[str]]) -> list[int]:
    """Return what each arm takes, with the space before it."""
    return [
        BETWEEN + max(map(cell_len, (name, *column)))
        for name, column in zip(names, zip(*cells, strict=True), strict=True)
    ]


def _rest(view: MatrixView) -> Iterator[str]:
    if view.more:
        left = counted(view.cases - len(view.rows), "more case")
        yield f"{left}: -n N shows N of them, --json all."
