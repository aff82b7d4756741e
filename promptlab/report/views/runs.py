"""The list of runs as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from promptlab.core.results import RunInfo
from promptlab.core.types import Outcome
from promptlab.report.wording import usd

_NAMED = 2  # versions or backends of a run


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run of the list: what was run on what, how much of it is done, how trials ended, its cost.

    All of it is in words.
    """

    run: RunInfo
    what: str
    done: str
    outcomes: str
    cost: str


@dataclass(frozen=True, slots=True)
class RunsView:
    """Runs, the newest first.

    `has_cost` is set if cost is worth a column, `has_unpriced` if some of it is a lower bound,
    `all_done` if every run is finished with all of its trials, so that a status says little.
    """

    rows: tuple[RunRow, ...]
    has_cost: bool
    has_unpriced: bool
    all_done: bool


def runs_view(runs: Iterable[RunInfo]) -> RunsView:
    """Return the view of a list of runs."""
    listed = tuple(runs)
    return RunsView(
        rows=tuple(_row(run) for run in listed),
        has_cost=any(run.cost_usd is not None for run in listed),
        has_unpriced=any(run.cost_usd is not None and run.unpriced for run in listed),
        all_done=all(run.status == "finished" and run.stored == run.trials for run in listed),
    )


def _row(run: RunInfo) -> RunRow:
    ended = (f"{outcome} {run.outcomes[outcome]}" for outcome in Outcome if run.outcomes[outcome])
    stored, trials = run.stored, run.trials
    return RunRow(
        run=run,
        what=f"{_versions(run.templates)} on {_several(run.backends, 'backends')}",
        done=f"{stored}" if stored == trials else f"{stored} of {trials}",
        outcomes=", ".join(ended),
        cost=_cost(run),
    )


def _versions(templates: Sequence[str]) -> str:
    """Return the versions of a run; without their template, if it is the only one."""
    one = len({name.partition("@")[0] for name in templates}) == 1
    names = [name.partition("@")[2] if one else name for name in templates]
    return _several(names, "versions")


def _several(names: Sequence[str], what: str) -> str:
    return ", ".join(names) if len(names) <= _NAMED else f"{len(names)} {what}"


def _cost(run: RunInfo) -> str:
    """Return what a run cost, with a plus if the cost of some answers is unknown."""
    if run.cost_usd is None:
        return "unknown"
    return f"{usd(run.cost_usd)}{'+' if run.unpriced else ''}"
