"""Carries a run out before the user's eyes: progress, interruption, result, exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from promptlab.cli.gatekeeper import failed_gates
from promptlab.cli.interrupt import Interruptible
from promptlab.cli.output import print_json, stdout
from promptlab.cli.progress import RunProgress, computed, duration
from promptlab.core.budget import Budget
from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.report.terminal.run import print_run
from promptlab.report.terminal.tables import counted
from promptlab.report.views.run import RunView, run_json, run_view
from promptlab.runner.flow import Job
from promptlab.workbench.carrying import Ended, begun_run, carry_out
from promptlab.workbench.jobs import Prepared
from promptlab.workbench.runs import RunResults, read_run

if TYPE_CHECKING:
    from promptlab.cli import conclusion
else:
    conclusion = lazy_module("promptlab.cli.conclusion")  # numpy, for what was decided early

GATE_FAILED = 1
SOME_FAILED = 4
INTERRUPTED = 130


def carry(prepared: Prepared, command: str, *, as_json: bool) -> int:
    """Carry a run out, show what came of it, and return the exit code.

    `command` is how the user calls promptlab, for commands that are told.
    """
    job = prepared.job
    progress = RunProgress(job.plan, job.backends.values(), sys.stderr)
    with Interruptible() as interruptible:
        try:
            with progress.showing():
                ended = interruptible.run(carry_out(prepared, progress))
        except KeyboardInterrupt:
            if not _tell_rest(job, command, "interrupted"):
                raise
            return INTERRUPTED
        except PromptlabError:
            _show_others(job, as_json=as_json)
            _tell_rest(job, command, "stopped")
            raise
    return _conclude(prepared, ended, progress, command, as_json=as_json)


def _conclude(
    prepared: Prepared, ended: Ended, progress: RunProgress, command: str, *, as_json: bool
) -> int:
    """Show a run that was not broken off, and judge it."""
    job, view = prepared.job, view_of(ended.results)
    failed = failed_gates(job.store, view, prepared.gates, prepared.rule)
    if as_json:
        print_json({**run_json(view, ended.spent.calls), "gates_failed": failed})
    else:
        print_run(stdout(), view)
        click.echo(
            f"{_ran(view)} in {duration(progress.elapsed_s)}; {_calls(view, ended, progress)}."
        )
        _tell_failures(ended.results, command)
        if ended.decided is not None:
            conclusion.tell(ended.results, ended.decided, progress.calls_a_trial)
    for text, times in progress.warnings.items():
        click.echo(f"warning: {text} ({counted(times, 'answer')})", err=True)
    if ended.limit is not None:
        rest = f"stopped at {ended.limit}, {_spent(job.budget)}"
        _tell_rest(job, command, rest, limit=ended.limit)
        return SOME_FAILED
    for text in failed:
        click.echo(f"gate failed: {text}", err=True)
    if failed:
        return GATE_FAILED
    return SOME_FAILED if ended.results.failed_trials or ended.results.failed_scores else 0


def view_of(results: RunResults) -> RunView:
    """Return what is shown of a run."""
    return run_view(results.run, results.plan, results.outcomes, results.scores)


def _show_others(job: Job, *, as_json: bool) -> None:
    """Show what was measured where one of several backends has ended the run."""
    begun = begun_run(job.store, job.run_id)
    if begun is not None and begun.stored and len(job.plan.backends) > 1 and not as_json:
        print_run(stdout(), view_of(read_run(job.store, job.run_id, job.plan)))


def _ran(view: RunView) -> str:
    """Say which run it was and how many trials there are of it."""
    side = "" if view.plan.split == "all" else f" on the {view.plan.split} side of the holdout"
    return f"Run {view.run.run_id}: {counted(sum(arm.trials for arm in view.arms), 'trial')}{side}"


def _calls(view: RunView, ended: Ended, progress: RunProgress) -> str:
    """Say how many calls were made, what came of them and what they cost."""
    now = ended.spent
    if now.calls == 0:
        why = "" if ended.limit else ": the store had every answer"
        return f"no model call was made{why}"
    told = counted(now.calls, "model call")
    if progress.answers != now.calls:
        told = f"{counted(progress.answers, 'answer')} in {told}"
    if progress.served:
        told += f", {counted(progress.served, 'answer')} reused"
    told = ", ".join([told, *computed(progress.throughput)])
    if not view.has_cost:
        return told
    if not progress.cost_known:
        return f"{told}, cost unknown"
    more = f" and more ({counted(now.unpriced, 'answer')} of unknown cost)" if now.unpriced else ""
    return f"{told}, {now.cost_usd:.4f} USD{more}"


def _tell_failures(results: RunResults, command: str) -> None:
    if trials := results.failed_trials:
        click.echo(
            f"{counted(trials, 'trial')} failed: {command} show --errors; {command} resume latest"
        )
    if scores := results.failed_scores:
        click.echo(f"{counted(scores, 'score')} failed: {command} show --errors --full")


def _spent(budget: Budget) -> str:
    spent = budget.spent
    calls = f"after {counted(spent.calls, 'call')}"
    if budget.max_cost is None:
        return calls
    guessed = "about " if spent.unpriced else ""
    return f"{calls} and {guessed}{spent.cost_usd:.4g} USD"


def _tell_rest(job: Job, command: str, how: str, limit: str | None = None) -> bool:
    """Say what is kept of a run and how to finish it; False if it had not begun."""
    run = begun_run(job.store, job.run_id)
    if run is None:
        return False
    larger = f" {limit.split()[0]} ..." if limit else ""
    click.echo(
        f"{how}: {run.stored:,} of {run.trials:,} trials are stored;"
        f" finish with{' a larger limit' if limit else ''}: {command} resume {job.run_id}{larger}",
        err=True,
    )
    return True
