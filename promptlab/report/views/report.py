"""A report as plain data: what runs show, the cases behind it, the texts, and how it came about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from promptlab.analysis.reported import Reported, TextStep, TrialKey
from promptlab.core.shown import Tallies
from promptlab.report.views.comparison import ComparisonView, comparison_view
from promptlab.report.views.diff import DiffView, diff_view
from promptlab.report.views.flips import FlipsView, flips_view
from promptlab.report.views.ledger import LedgerView, ledger_view
from promptlab.report.views.made import Made, command, made_run
from promptlab.report.views.matrix import MatrixView, matrix_view
from promptlab.report.views.past_scores import History, Rounds, histories, rounds_of
from promptlab.report.views.practices import PracticesView, practices_view
from promptlab.report.views.run import RunView, run_view
from promptlab.report.views.trial_detail import TrialDetail, trial_detail
from promptlab.report.wording import counted


@dataclass(frozen=True, slots=True)
class Step:
    """What a version changed of its parent, hunk by hunk, and the cases that it won and lost."""

    diff: DiffView
    hunks: FlipsView
    won: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """A report. Parts that there is nothing to say about are None or empty.

    `headline` is what all comes to, `incomparable` why nothing is compared. The `matrix` has the
    cases that are shown, `trials` every trial of theirs; `left_out` says what is not shown and how
    to see it.
    """

    title: str
    headline: str
    incomparable: str | None
    comparison: ComparisonView | None
    practices: PracticesView | None
    runs: tuple[RunView, ...]
    matrix: MatrixView
    trials: Mapping[TrialKey, TrialDetail]
    tallies: Tallies
    left_out: tuple[str, ...]
    histories: tuple[History, ...]
    rounds: tuple[Rounds, ...]
    steps: tuple[Step, ...]
    ledgers: tuple[LedgerView, ...]
    made: Made

    @property
    def run_ids(self) -> tuple[str, ...]:
        """Return the ids of the runs."""
        return tuple(view.run.run_id for view in self.runs)


def report_view(parts: Reported) -> ReportView:
    """Return the view of a report."""
    runs = tuple(map(run_view, parts.runs))
    shown = parts.shown
    comparison = None
    if parts.comparisons:
        comparison = comparison_view(parts.basis, parts.comparisons, parts.rule)
    practices = None
    if parts.practices is not None:
        practices = practices_view(parts.basis, parts.practices, parts.rule)
    suites = listed_suites(runs)
    graded = {
        row.scorer: row.graded
        for trial in shown.trials.values()
        for row in trial.rows
        if row.scorer is not None and row.graded is not None
    }
    longest = max((trial.turns for trial in shown.trials.values()), key=len, default=())
    turns = [turn.name for turn in longest if not turn.aside]
    return ReportView(
        title=f"{suites}: {parts.basis.scores}",
        headline=comparison.headline if comparison else _nothing_compared(parts, runs),
        incomparable=parts.incomparable,
        comparison=comparison,
        practices=practices,
        runs=runs,
        matrix=matrix_view(shown.grid),
        trials={key: trial_detail(trial) for key, trial in shown.trials.items() if trial.rows},
        tallies=shown.tallies,
        left_out=tuple(_left_out(parts)),
        histories=histories(
            [*runs, *map(run_view, parts.earlier)], parts.labels, parts.basis.scorer
        ),
        rounds=tuple(each for view in runs for each in rounds_of(view, graded, turns)),
        steps=tuple(map(step_view, parts.steps)),
        ledgers=tuple(ledger_view(*each) for each in parts.ledgers.items()),
        made=Made(
            runs=tuple(map(made_run, runs)),
            compare=("compare", *parts.words),
            report=("report", *parts.words, "-o", "report.html"),
            cases=parts.cases,
            n_cases=len(shown.grid.table.cases),
            versions=parts.versions,
        ),
    )


def step_view(step: TextStep) -> Step:
    """Return the view of what a version changed."""
    hunks = flips_view(step.hunks)
    return Step(diff_view(step.diff, None, None), hunks, step.won, step.lost)


def listed_suites(runs: Sequence[RunView]) -> str:
    """Return the names of the suites of runs."""
    return ", ".join(dict.fromkeys(view.run.suite for view in runs))


def _nothing_compared(parts: Reported, runs: Sequence[RunView]) -> str:
    arms = len(parts.shown.grid.table.arms)
    trials = sum(view.trials for view in runs)
    return f"{counted(arms, 'arm')}, {counted(trials, 'trial')}: nothing is compared."


def _left_out(parts: Reported) -> Iterator[str]:
    """Say by what the cases were chosen, where not all are shown, and which commands show them."""
    tallies = parts.shown.tallies
    if tallies.shown == tallies.all:
        return
    yield (
        "Of the cases that arms score differently, those with the widest differences are shown; of"
        " the others, as many as fit, evenly spaced."
    )
    for run_id in parts.basis.run_ids:
        most = parts.shown.tallies.all
        yield f"`{command(('show', run_id, '--matrix', '--limit', str(most)))}` shows all of them,"
        yield f"`{command(('show', run_id, '--case', 'ID', '--full'))}` one of them in full."
