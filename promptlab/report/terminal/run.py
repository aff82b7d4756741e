"""A run as tables for a terminal of 80 columns, readable without colour."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from rich.console import Console
from rich.table import Table

from promptlab.core.types import Outcome
from promptlab.report.terminal.tables import fits, plain_table
from promptlab.report.terminal.text import plain_text
from promptlab.report.views.arm_names import ArmNames
from promptlab.report.views.run import ArmView, RunView, ScoreTable, ScoreView, money
from promptlab.report.views.throughput import throughput_lines
from promptlab.report.wording import counted, mean, mean_interval, quantity

_PLOT_WIDTH = 15
_PLOT_SCALE = "0 %" + "100 %".rjust(_PLOT_WIDTH - 3)
_PLOT_FROM = 72  # columns of the terminal; a narrower one has no room for a plot
_Column = tuple[str, Callable[[ArmView], str]]
"""A column of numbers: its heading, and its cell for an arm."""


def print_run(console: Console, view: RunView) -> None:
    """Print how each arm scored, by scorer, and how its trials ended and what they took."""
    layout = _layout(console, view)
    for scores in view.tables:
        _print_scores(console, scores, layout)
        console.print()
    _print_outcomes(console, view, layout.names.names)
    for line in layout.names.legend:
        console.print(line)
    for line in throughput_lines(view.batched):
        console.print(plain_text(line))
    console.print()


def print_scores(console: Console, heading: str, view: RunView) -> None:
    """Print how each arm scored, by scorer, below a heading."""
    layout = _layout(console, view)
    console.print(plain_text(heading))
    for scores in view.tables:
        _print_scores(console, scores, layout)
        console.print()


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the tables of a run have room for: names of arms, and whether rates are drawn."""

    names: ArmNames
    plotted: bool


def _layout(console: Console, view: RunView) -> _Layout:
    """Return the fullest layout in which no row of any table is broken."""
    *named, numbers = view.names
    wide = console.width >= _PLOT_FROM
    layouts = [_Layout(names, wide) for names in named]
    layouts += [_Layout(names, plotted=False) for names in named[-1:]]
    for layout in layouts:
        tables = [_score_table(scores, layout) for scores in view.tables if scores.rows]
        ended, taken = _outcome_columns(view)
        names = layout.names.names
        tables += [_arm_table(view, "", columns, names) for columns in (ended, taken)]
        if all(fits(console, table) for table in tables):
            return layout
    return _Layout(numbers, wide)


def _print_scores(console: Console, scores: ScoreTable, layout: _Layout) -> None:
    if not scores.rows:
        console.print(f"{scores.title}: nothing is scored yet")
        return
    console.print(_score_table(scores, layout))
    if scores.failed:
        outputs = counted(scores.failed, "output")
        console.print(f"{scores.scorer} failed on {outputs}: `show --errors --full` shows why")
    if scores.order_agreement is not None:
        console.print(f"{scores.scorer}: {scores.order_agreement}.")
    if scores.without_scores is not None:
        console.print(scores.without_scores)
    if scores.in_groups:
        console.print("The cases come in groups: these intervals allow for it.")


def _score_table(scores: ScoreTable, layout: _Layout) -> Table:
    plotted = layout.plotted and scores.are_rates
    columns = ["arm", "n", "mean", "95 % interval", *([_PLOT_SCALE] * plotted)]
    table = plain_table(*columns, title=scores.title, right=("n", "mean"), whole=tuple(columns[3:]))
    for arm, score in scores.rows:
        interval = mean_interval(score.low, score.high, is_rate=score.is_rate)
        cells = [str(score.n), mean(score.mean, is_rate=score.is_rate), interval]
        name = layout.names.names[arm.arm.label]
        table.add_row(name, *cells, *([_plot(score)] if plotted else []))
    return table


def _print_outcomes(console: Console, view: RunView, names: Mapping[str, str]) -> None:
    ended, taken = _outcome_columns(view)
    together = _arm_table(view, "Outcomes, and a trial's mean", [*ended, *taken], names)
    if fits(console, together):
        console.print(together)
    else:
        console.print(_arm_table(view, "Outcomes", ended, names))
        console.print()
        console.print(_arm_table(view, "A trial's mean", taken, names))


def _outcome_columns(view: RunView) -> tuple[list[_Column], list[_Column]]:
    """Return the columns of how trials ended, and of what they took."""
    outcomes = [outcome for outcome, count in view.outcomes.items() if count]
    ended: list[_Column] = [("trials", lambda arm: str(arm.trials))]
    ended += [(outcome.value, partial(_count, outcome)) for outcome in outcomes]
    taken: list[_Column] = [
        ("tokens in", lambda arm: quantity(arm.input_tokens.mean)),
        ("out", lambda arm: quantity(arm.output_tokens.mean)),
        ("latency s", lambda arm: quantity(arm.latency_s.mean, 2)),
    ]
    if view.has_cost:
        taken.append(("USD", money))
    return ended, taken


def _arm_table(
    view: RunView, title: str, columns: Sequence[_Column], names: Mapping[str, str]
) -> Table:
    headings = tuple(heading for heading, _ in columns)
    table = plain_table("arm", *headings, title=title, right=headings)
    for arm in view.arms:
        table.add_row(names[arm.arm.label], *(cell(arm) for _, cell in columns))
    return table


def _count(outcome: Outcome, arm: ArmView) -> str:
    return str(arm.outcomes[outcome])


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
