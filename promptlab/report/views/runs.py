"""The list of runs as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from promptlab.core.results import RunInfo, RunLoss
from promptlab.core.types import Outcome
from promptlab.report.wording import counted, usd

_NAMED = 2  # versions or backends of a run
_TO_MINUTES = 16  # letters of a moment
_LABEL = 24  # letters of a label within a sentence


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run of the list: what was run on what, how much of it is done, how trials ended, its cost.

    All of it is in words. `not_ok` is the status of a run that is not finished, and how trials
    ended that are not `ok`; `date` is in UTC.
    """

    run: RunInfo
    what: str
    done: str
    outcomes: str
    cost: str
    label: str
    not_ok: str
    date: str


@dataclass(frozen=True, slots=True)
class RunsView:
    """Runs, the newest first.

    `has_cost` is set if cost is worth a column, `has_unpriced` if some of it is a lower bound,
    `all_done` if every run is finished with all of its trials, so that a status says little,
    `has_labels` if a run has a label.
    """

    rows: tuple[RunRow, ...]
    has_cost: bool
    has_unpriced: bool
    all_done: bool
    has_labels: bool


def runs_view(runs: Iterable[RunInfo]) -> RunsView:
    """Return the view of a list of runs."""
    listed = tuple(runs)
    return RunsView(
        rows=tuple(_row(run) for run in listed),
        has_cost=any(run.cost_usd is not None for run in listed),
        has_unpriced=any(run.cost_usd is not None and run.unpriced for run in listed),
        has_labels=any(run.label for run in listed),
        all_done=all(run.status == "finished" and run.stored == run.trials for run in listed),
    )


def loss_line(loss: RunLoss) -> str:
    """Return what deleting a run loses."""
    run = loss.run
    named = f" ({short_label(run.label, _LABEL)})" if run.label else ""
    parts = [counted(loss.trials, "trial"), counted(loss.scores, "score")]
    parts += [counted(loss.ratings, "rating")] * bool(loss.ratings)
    alone = counted(loss.answers, "answer")
    return (
        f"Run {run.run_id}{named} of suite {run.suite}: {', '.join(parts)};"
        f" {alone} that no other run has."
    )


def short_label(label: str, most: int) -> str:
    """Return a label as one line of at most so many letters, with dots for what is left out."""
    line = " ".join(label.split())
    return line if len(line) <= most else f"{line[: most - 3].rstrip()}..."


def _row(run: RunInfo) -> RunRow:
    ended = {
        outcome: f"{outcome} {run.outcomes[outcome]}"
        for outcome in Outcome
        if run.outcomes[outcome]
    }
    stored, trials = run.stored, run.trials
    return RunRow(
        run=run,
        what=f"{_versions(run.templates)} on {_several(run.backends, 'backends')}",
        done=f"{stored}" if stored == trials else f"{stored} of {trials}",
        outcomes=", ".join(ended.values()),
        cost=_cost(run),
        label=run.label or "",
        not_ok=", ".join(
            [
                *([run.status] if run.status != "finished" else []),
                *(said for outcome, said in ended.items() if outcome is not Outcome.OK),
            ]
        ),
        date=run.created_at[:_TO_MINUTES].replace("T", " "),
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
