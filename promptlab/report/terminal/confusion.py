"""How arms classify as tables for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from promptlab.report.terminal.tables import fits, plain_table
from promptlab.report.terminal.text import plain_text
from promptlab.report.views.arm_names import ArmNames, numbered
from promptlab.report.views.confusion import (
    BESIDE_NAMES,
    UNKNOWN_RIGHT,
    ArmConfusionView,
    ClassifiedView,
    ConfusionView,
    MatrixRow,
)
from promptlab.report.wording import counted, mean

_MOST_CONFUSIONS = 12
_RIGHT = "right answer"


def print_classified(console: Console, view: ClassifiedView) -> None:
    """Print for each scorer the figures of all arms, then those of the classes of each arm."""
    for scorer in view.scorers:
        _print_scorer(console, scorer, view.names)
    for scorer_name, reason in view.without.items():
        console.print(plain_text(f"{scorer_name}: {reason}"))


def _print_scorer(console: Console, view: ConfusionView, names: Sequence[ArmNames]) -> None:
    tables = [(each, _arms_table(view, each.names)) for each in names]
    shown, table = next((pair for pair in tables if fits(console, pair[1])), tables[-1])
    console.print(table)
    for line in shown.legend:
        console.print(plain_text(line))
    console.print()
    for arm in view.arms:
        console.print(_classes_table(arm, shown.names[arm.arm.label]))
        console.print()
        _print_matrix(console, view, arm)
        console.print()
    for note in view.notes:
        console.print(plain_text(note))
    console.print()


def _arms_table(view: ConfusionView, names: Mapping[str, str]) -> Table:
    numbers = ("n", "accuracy", "macro-F1")
    several = len(view.classes)
    title = f"{view.title}, {several} {'class' if several == 1 else 'classes'}"
    table = plain_table("arm", *numbers, title=title, right=numbers)
    for arm in view.arms:
        cells = (str(arm.n), _share(arm.accuracy), _share(arm.macro_f1))
        table.add_row(plain_text(names[arm.arm.label]), *cells)
    return table


def _classes_table(arm: ArmConfusionView, name: str) -> Table:
    numbers = ("n", "precision", "recall", "F1")
    table = plain_table(_RIGHT, *numbers, title=name, right=numbers)
    for each in arm.classes:
        shares = map(_share, (each.precision, each.recall, each.f1))
        table.add_row(plain_text(each.label), str(each.n), *shares)
    return table


def _print_matrix(console: Console, view: ConfusionView, arm: ArmConfusionView) -> None:
    """Print what was found for each right answer: as a table if it fits, or else what is most."""
    wide = _matrix_table(view, arm, view.classes)
    if fits(console, wide):
        console.print(wide)
        return
    marks = [f"#{place}" for place in range(1, len(view.classes) + 1)]
    numbers = _matrix_table(view, arm, marks)
    if fits(console, numbers):
        console.print(numbers)
        for line in numbered(view.classes):
            console.print(plain_text(line))
        return
    console.print(plain_text("Found instead of the right answer (--json has all):"))
    confused = _confused(arm)
    for count, right, found in confused[:_MOST_CONFUSIONS]:
        console.print(plain_text(f"{count:8,}  {right} -> {found}"))
    if len(confused) > _MOST_CONFUSIONS:
        console.print(f"... and {counted(len(confused) - _MOST_CONFUSIONS, 'pair')} more")


def _matrix_table(view: ConfusionView, arm: ArmConfusionView, marks: Sequence[str]) -> Table:
    beside = [BESIDE_NAMES[name] for name in view.beside]
    columns = (*marks, *beside)
    title = "found, by right answer" if marks is view.classes else "found, by number"
    table = plain_table(_RIGHT, *columns, title=title, right=columns)
    for row, mark in zip(arm.rows, [*marks, UNKNOWN_RIGHT], strict=False):
        counts = [*row.found.values(), *(row.beside[name] for name in view.beside)]
        table.add_row(plain_text(mark), *map(str, counts))
    return table


def _confused(arm: ArmConfusionView) -> list[tuple[int, str, str]]:
    """Return what was found instead of what is right, the most frequent first."""
    found = [pair for row in arm.rows for pair in _wrong(row)]
    return sorted(found, key=lambda pair: (-pair[0], *pair[1:]))


def _wrong(row: MatrixRow) -> list[tuple[int, str, str]]:
    right = UNKNOWN_RIGHT if row.right is None else row.right
    labels = [(count, right, label) for label, count in row.found.items() if label != row.right]
    beside = [(count, right, BESIDE_NAMES[name]) for name, count in row.beside.items()]
    return [each for each in (*labels, *beside) if each[0]]


def _share(value: float | None) -> str:
    return mean(value, is_rate=True)
