"""The list of runs as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from promptlab.core.results import RunInfo
from promptlab.core.types import Outcome
from promptlab.report.wording import usd


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run of the list: how much of it is done, how trials ended and what it cost, in words."""

    run: RunInfo
    done: str
    outcomes: str
    cost: str


@dataclass(frozen=True, slots=True)
class RunsView:
    """Runs, the newest first.

    `has_cost` is set if cost is worth a column, `has_unpriced` if some of it is a lower bound.
    """

    rows: tuple[RunRow, ...]
    has_cost: bool
    has_unpriced: bool


def runs_view(runs: Iterable[RunInfo]) -> RunsView:
    """Return the view of a list of runs."""
    listed = tuple(runs)
    return RunsView(
        rows=tuple(_row(run) for run in listed),
        has_cost=any(run.cost_usd is not None for run in listed),
        has_unpriced=any(run.cost_usd is not None and run.unpriced for run in listed),
    )


def _row(run: RunInfo) -> RunRow:
    ended = (f"{outcome} {run.outcomes[outcome]}" for outcome in Outcome if run.outcomes[outcome])
    stored, trials = run.stored, run.trials
    return RunRow(
        run=run,
        done=f"{stored}" if stored == trials else f"{stored} of {trials}",
        outcomes=", ".join(ended),
        cost=_cost(run),
    )


def _cost(run: RunInfo) -> str:
    """Return what a run cost, with a plus if the cost of some answers is unknown."""
    if run.cost_usd is None:
        return "unknown"
    return f"{usd(run.cost_usd)}{'+' if run.unpriced else ''}"
