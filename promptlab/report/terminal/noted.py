"""What people noted, as tables for a terminal."""

from __future__ import annotations

from rich.console import Console

from promptlab.report.terminal.tables import Column, print_fitted
from promptlab.report.terminal.text import plain_text
from promptlab.report.views.arm_names import ArmNames
from promptlab.report.views.noted import NotedRow, NotedView, What
from promptlab.report.wording import counted

_LONGEST = 36  # characters of a note in a table; --json has all of it
_NARROW = 14  # columns of an arm's name, beyond which arms are numbered
_TITLES: dict[What, str] = {"tag": "Tags", "note": "Notes"}


def print_noted(console: Console, view: NotedView) -> None:
    """Print how often each tag and each note was given, by arm."""
    names = _names(view)
    for what, title in _TITLES.items():
        rows = [row for row in view.rows if row.what == what]
        if rows:
            print_fitted(console, title, _columns(view, rows, names, what))
            console.print()
    for line in names.legend:
        console.print(plain_text(line))
    raters = counted(len(view.raters), "rater")
    console.print(plain_text(f"By {raters}: {', '.join(view.raters)}."))


def _names(view: NotedView) -> ArmNames:
    """Return the fullest names that leave room for the numbers."""
    for names in view.names:
        if all(len(name) <= _NARROW for name in names.names.values()):
            return names
    return view.names[-1]


def _columns(view: NotedView, rows: list[NotedRow], names: ArmNames, what: What) -> list[Column]:
    of = "rated"
    texts = [row.text for row in rows]
    shown = [text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..." for text in texts]
    columns = [Column(what, [*shown, of])]
    if view.arms:
        outputs = [row.outputs for row in rows] + [sum(view.rated.values())]
        columns.append(Column("outputs", [str(n) for n in outputs], number=True, rank=1))
    for place, arm in enumerate(view.arms):
        counts = [row.by_arm[arm.label] for row in rows] + [view.rated[arm.label]]
        name = names.names[arm.label]
        columns.append(Column(name, [str(n) for n in counts], number=True, rank=2 + place))
    if view.pairs:
        pairs = [row.pairs for row in rows] + [view.pairs]
        columns.append(Column("pairs", [str(n) for n in pairs], number=True, rank=1))
    return columns
