"""How two versions differ, for a terminal: readable at 80 columns and without colour."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from promptlab.report.terminal.diff_lines import HEAD, STYLES, print_hunk, print_line
from promptlab.report.terminal.diff_measured import print_measured
from promptlab.report.terminal.flips import print_flips
from promptlab.report.terminal.tables import plain_table
from promptlab.report.terminal.text import (
    BOLD,
    DIM,
    evidence_lines,
    plain_text,
    print_lines,
    rests_on,
)
from promptlab.report.views.diff import CaseView, Cell, DiffView, SizeView
from promptlab.templates.diff import FileDiff, VersionDiff
from promptlab.templates.text_diff import Line


def print_diff(console: Console, view: DiffView, *, full: bool = False) -> None:
    """Print how two versions differ: on the chosen case, or else in everything."""
    if view.case is None:
        print_files(console, view)
        if not view.version.same:
            print_table(console, view)
    else:
        print_case(console, view.version, view.case)
        if view.size is not None:
            print_size_note(console, view.size)
    if view.measured or view.flips:
        console.print()
        for line in rests_on(view.evidence):
            console.print(plain_text(line))
        print_measured(console, view.measured, view.flips, full=full)
        warnings = [note.line for note in view.notes if note.reason.code.weight != "refused"]
        print_lines(console, [*warnings, *(question.line for question in view.open)])
        print_lines(console, evidence_lines(view.evidence))
    if view.hunks is not None:
        print_flips(console, view.hunks, full=full)


def print_files(console: Console, view: DiffView) -> None:
    """Print how the texts of two versions differ, file by file, or that they do not."""
    version = view.version
    if version.same:
        line = f"{version.a} and {version.b} are the same text (digest {version.digest_a})"
        console.print(plain_text(line), soft_wrap=True)
        return
    for file in version.files:
        _print_file(console, file)
        console.print()
    if view.is_in_writing_alone:
        console.print("Only how the front matter is written differs: --patch shows it.")
        console.print()


def print_table(console: Console, view: DiffView) -> None:
    """Print what else differs between two versions: front matter, practices, variables, size."""
    version, size = view.version, view.size
    table = plain_table("", version.a, version.b, whole=("",))
    for row in view.rows:
        table.add_row(plain_text(row.key), _cell(row.a), _cell(row.b))
    if size is not None:
        table.add_row(plain_text(size.size.unit), plain_text(size.a), plain_text(size.b))
    if table.row_count:
        console.print(table)
    if size is not None:
        console.print()
        print_size_note(console, size)


def print_case(console: Console, version: VersionDiff, view: CaseView) -> None:
    """Print how the conversations of two versions on one case differ."""
    print_line(console, Line("-", f"-- {version.a} on case {view.case.case_id}"), BOLD)
    print_line(console, Line("+", f"++ {version.b} on case {view.case.case_id}"), BOLD)
    for message in view.messages:
        console.print(plain_text(message.head, style=HEAD))
        for hunk in message.message.hunks:
            print_hunk(console, hunk, head=len(message.message.hunks) > 1)
    console.print()


def print_size_note(console: Console, size: SizeView) -> None:
    """Print what was counted in the prompts, and by what."""
    console.print(plain_text(size.note))


def _print_file(console: Console, file: FileDiff) -> None:
    print_line(console, Line("-", f"-- {file.path_a or '/dev/null'}"), BOLD)
    print_line(console, Line("+", f"++ {file.path_b or '/dev/null'}"), BOLD)
    for hunk in file.hunks:
        print_hunk(console, hunk, head=True)


def _cell(cell: Cell) -> Text:
    if not cell:
        return plain_text("-", style=DIM)
    return plain_text(" ").join(
        plain_text(sign + word, style=STYLES[sign] if sign else "") for sign, word in cell
    )
