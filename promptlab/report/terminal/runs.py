"""The list of runs, and the forecast of one, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from promptlab.report.terminal.tables import fits, plain_table
from promptlab.report.views.arm_names import ArmNames, arm_names
from promptlab.report.views.forecast import ForecastView
from promptlab.report.views.runs import RunsView, short_label

_LABELS = (60, 24, 16, 12, 9, 7, 5)  # columns of a label, the widest first
_DOTS = "..."


def print_runs(console: Console, view: RunsView) -> None:
    """Print a list of runs; on a narrow terminal without what matters less.

    A row is a line, if there is room for that; else outcomes and labels are wrapped. The date is
    in the id of a run too.
    """
    layouts = list(_shown(view))
    shown = next((each for each in layouts if fits(console, _runs(view, *each))), layouts[-1])
    columns, label = shown
    suites = ("suite",) if fits(console, _runs(view, *shown), wrapped=True) else ()
    console.print(_runs(view, columns, label, suites))
    if view.has_unpriced and "USD" in columns:
        console.print("+: and more; the cost of some answers is unknown.")


def _shown(view: RunsView) -> Iterator[tuple[Sequence[str], int]]:
    """Yield columns with the width of labels, the fullest first.

    A long label is shortened before all runs lose what was run on what, or their labels.
    """
    for full in (True, False):
        layouts = [each for each in _layouts(view) if ("what" in each) == full]
        labelled = [each for each in layouts if "label" in each]
        yield from ((each, width) for width in _LABELS for each in labelled)
        yield from ((each, 0) for each in layouts if each not in labelled)


def _layouts(view: RunsView) -> list[list[str]]:
    """Return which columns a list may have, the fullest first.

    What was run on what goes before how all was well: `not ok` says only where it was not.
    """
    label = ["label"] * view.has_labels
    cost = ["USD"] * view.has_cost
    status = ["status"] * (not view.all_done)
    long = ["run", "suite", *label, "what", "status", "trials", "outcomes", *cost]
    layouts = [[*long, "date"], long]
    layouts += [["run", "suite", *label, "what", *status, "trials", "outcomes", *cost]]
    layouts += [["run", "suite", *label, "what", *status, "trials", "outcomes"]]
    layouts += [["run", "suite", *label, "what", "trials", "not ok"]]
    layouts += [["run", "suite", *label, *status, "trials", "outcomes"]]
    layouts += [["run", "suite", *status, "trials", "outcomes"]]
    return [*layouts, ["run", "suite", "trials", "outcomes"]]


def _runs(
    view: RunsView, columns: Sequence[str], label: int, whole: tuple[str, ...] = ("suite",)
) -> Table:
    """Return a table of which only outcomes, and what else is not `whole`, may be wrapped."""
    table = plain_table(*columns, right=("trials", "USD"), whole=("run", *whole, "what", "status"))
    for row in view.rows:
        cells = {
            "run": row.run.run_id,
            "suite": row.run.suite,
            "what": row.what,
            "status": row.run.status,
            "trials": row.done,
            "outcomes": row.outcomes,
            "not ok": row.not_ok,
            "label": _label(row.label, label),
            "date": row.date,
            "USD": row.cost,
        }
        table.add_row(*(cells[column] for column in columns))
    return table


def _label(label: str, width: int) -> str:
    """Return a label of at most so many columns: some letters take two."""
    letters = (short_label(label, most) for most in range(width, len(_DOTS), -1))
    return next((each for each in letters if cell_len(each) <= width), _DOTS)


def print_forecast(console: Console, view: ForecastView) -> None:
    """Print what a run would do."""
    labels = ArmNames({row.label: row.label for row in view.rows})
    namings = [labels, *arm_names(view.plan.arms)[1:]]
    naming = next((each for each in namings if fits(console, _forecast(view, each))), namings[-1])
    console.print(_forecast(view, naming))
    for line in naming.legend:
        console.print(line)
    console.print()
    if view.cost is not None:
        console.print(view.cost)
    console.print(view.total)


def _forecast(view: ForecastView, naming: ArmNames) -> Table:
    table = plain_table(
        "arm",
        "trials",
        "calls",
        "stored",
        "prompt tokens",
        title=f"Plan of {view.plan.suite}",
        right=("trials", "calls", "stored", "prompt tokens"),
    )
    own = [(naming.names[row.label], row) for row in view.rows]
    asked = [(f"scorers, asking {row.label}", row) for row in view.asked]
    for label, row in (*own, *asked):
        calls = row.forecast
        numbers = (str(calls.trials), str(calls.calls), str(calls.stored), row.prompt_tokens)
        table.add_row(label, *numbers)
    return table
