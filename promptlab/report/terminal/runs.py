"""The list of runs, and the forecast of one, for a terminal."""

from __future__ import annotations

from rich.console import Console

from promptlab.report.terminal.tables import plain_table
from promptlab.report.views.forecast import ForecastView
from promptlab.report.views.runs import RunsView


def print_runs(console: Console, view: RunsView) -> None:
    """Print a list of runs."""
    columns = ("run", "suite", "status", "trials", "outcomes", *(["USD"] * view.has_cost))
    table = plain_table(*columns, right=("trials", "USD"), whole=("run", "status"))
    for row in view.rows:
        cells = [row.run.run_id, row.run.suite, row.run.status, row.done, row.outcomes]
        table.add_row(*cells, *[row.cost] * view.has_cost)
    console.print(table)
    if view.has_unpriced:
        console.print("+: and more; the cost of some answers is unknown.")


def print_forecast(console: Console, view: ForecastView) -> None:
    """Print what a run would do."""
    table = plain_table(
        "arm",
        "trials",
        "calls",
        "stored",
        "prompt tokens",
        title=f"Plan of {view.plan.suite}",
        right=("trials", "calls", "stored", "prompt tokens"),
    )
    own = [(row.label, row) for row in view.rows]
    asked = [(f"scorers, asking {row.label}", row) for row in view.asked]
    for label, row in (*own, *asked):
        calls = row.forecast
        numbers = (str(calls.trials), str(calls.calls), str(calls.stored), row.prompt_tokens)
        table.add_row(label, *numbers)
    console.print(table)
    console.print()
    if view.cost is not None:
        console.print(view.cost)
    console.print(view.total)
