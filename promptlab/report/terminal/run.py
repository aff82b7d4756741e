"""A run as tables for a terminal of 80 columns, readable without colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from rich.console import Console
from rich.table import Table

from promptlab.core.types import Outcome
from promptlab.report.terminal.tables import plain_table
from promptlab.report.views.run import ArmView, RunView, ScoreTable, ScoreView
from promptlab.report.wording import counted, mean, mean_interval, quantity, usd

_PLOT_WIDTH = 15
_PLOT_SCALE = "0 %" + "100 %".rjust(_PLOT_WIDTH - 3)
_UNBOUNDED = 10_000
_PLOT_FROM = 72  # columns of the terminal; a narrower one has no room for a plot
_HEADINGS = {
    Outcome.OK: "ok",
    Outcome.TRUNCATED: "trunc",
    Outcome.REFUSED: "refus",
    Outcome.EMPTY: "empty",
    Outcome.ERROR: "error",
}
_Column = tuple[str, Callable[[ArmView], str]]
"""A column of numbers: its heading, and its cell for an arm."""


def print_run(console: Console, view: RunView) -> None:
    """Print how each arm scored, by scorer, and how its trials ended and what they took."""
    for scores in view.tables:
        _print_scores(console, scores)
        console.print()
    _print_outcomes(console, view)
    console.print()


def _print_scores(console: Console, scores: ScoreTable) -> None:
    if not scores.rows:
        console.print(f"{scores.title}: nothing is scored yet")
        return
    plotted = console.width >= _PLOT_FROM and scores.are_rates
    columns = ["arm", "n", "mean", "95 % interval", *([_PLOT_SCALE] * plotted)]
    table = plain_table(*columns, title=scores.title, right=("n", "mean"), whole=tuple(columns[3:]))
    for arm, score in scores.rows:
        interval = mean_interval(score.low, score.high, is_rate=score.is_rate)
        cells = [str(score.n), mean(score.mean, is_rate=score.is_rate), interval]
        table.add_row(arm.name, *cells, *([_plot(score)] if plotted else []))
    console.print(table)
    if scores.failed:
        outputs = counted(scores.failed, "output")
        console.print(f"{scores.scorer} failed on {outputs}: `show --errors --full` shows why")
    if scores.in_groups:
        console.print("The cases come in groups; these intervals take them as independent.")


def _print_outcomes(console: Console, view: RunView) -> None:
    outcomes = [outcome for outcome, count in view.outcomes.items() if count]
    ended: list[_Column] = [("trials", lambda arm: str(arm.trials))]
    ended += [(_HEADINGS[outcome], partial(_count, outcome)) for outcome in outcomes]
    taken: list[_Column] = [
        ("tokens in", lambda arm: quantity(arm.input_tokens.mean)),
        ("out", lambda arm: quantity(arm.output_tokens.mean)),
        ("latency s", lambda arm: quantity(arm.latency_s.mean, 2)),
    ]
    if view.has_cost:
        taken.append(("USD", _money))
    together = _arm_table(view, "Outcomes, and a trial's mean", [*ended, *taken])
    if _fits(console, together):
        console.print(together)
    else:
        console.print(_arm_table(view, "Outcomes", ended))
        console.print()
        console.print(_arm_table(view, "A trial's mean", taken))


def _fits(console: Console, table: Table) -> bool:
    """Return whether a table fits without breaking a line."""
    unbounded = console.options.update_width(_UNBOUNDED)
    return console.measure(table, options=unbounded).maximum <= console.width


def _arm_table(view: RunView, title: str, columns: Sequence[_Column]) -> Table:
    headings = tuple(heading for heading, _ in columns)
    table = plain_table("arm", *headings, title=title, right=headings)
    for arm in view.arms:
        table.add_row(arm.name, *(cell(arm) for _, cell in columns))
    return table


def _count(outcome: Outcome, arm: ArmView) -> str:
    return str(arm.outcomes[outcome])


def _money(arm: ArmView) -> str:
    return "unknown" if arm.cost_usd.mean is None else usd(arm.cost_usd.mean, 6)


def _plot(score: ScoreView) -> str:
    """Draw a rate and its interval on a line from 0 to 1."""
    if score.mean is None or score.low is None or score.high is None:
        return ""
    low, middle, high = (
        round(value * (_PLOT_WIDTH - 1)) for value in (score.low, score.mean, score.high)
    )
    line = ["·"] * _PLOT_WIDTH
    line[low : high + 1] = "─" * (high - low + 1)
    line[middle] = "●"
    return "".join(line)
