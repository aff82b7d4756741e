"""Carries a job out before the user's eyes: progress, interruption, result, exit code."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from promptlab.cli.gatekeeper import failed_gates
from promptlab.cli.interrupt import Interruptible
from promptlab.cli.output import print_json, stdout
from promptlab.cli.progress import RunProgress, duration
from promptlab.core.budget import Budget, Spent
from promptlab.core.decision import Rule
from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.core.types import Outcome, Plan
from promptlab.core.watch import Watch
from promptlab.experiments.gates import Gate
from promptlab.report.terminal.run import print_run
from promptlab.report.terminal.tables import counted
from promptlab.report.views.run import RunView, run_json, run_view
from promptlab.runner.flow import Job
from promptlab.store import Store

if TYPE_CHECKING:
    from promptlab.cli import conclusion
else:
    conclusion = lazy_module("promptlab.cli.conclusion")  # numpy, for what was decided early

GATE_FAILED = 1
SOME_FAILED = 4
INTERRUPTED = 130

Flow = Callable[[Job, Watch], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user wants of a run beside its results, and what is told when it begins."""

    command: str
    gates: tuple[Gate, ...]
    as_json: bool
    rule: Rule
    notes: tuple[str, ...] = ()


def carry_out(job: Job, flow: Flow, wanted: Wanted) -> int:
    """Run the flow, show what came of it, and return the exit code."""
    progress = RunProgress(job.plan, sys.stderr, wanted.notes, job.backends.values())
    before, began = job.budget.spent, time.monotonic()
    with Interruptible() as interruptible:
        try:
            with progress.showing():
                interruptible.run(flow(job, progress))
        except KeyboardInterrupt:
            if not _tell_rest(job, wanted.command, "interrupted"):
                raise
            return INTERRUPTED
        except PromptlabError:
            _show_others(job, as_json=wanted.as_json)
            _tell_rest(job, wanted.command, "stopped")
            raise
    spent = job.budget.spent
    now = Spent(spent.calls - before.calls, progress.cost, spent.unpriced - before.unpriced)
    return _conclude(job, wanted, progress, now, time.monotonic() - began)


def _conclude(job: Job, wanted: Wanted, progress: RunProgress, now: Spent, elapsed: float) -> int:
    """Show a run that was not broken off, and judge it. `now` is what this process has spent."""
    view = read_view(job.store, job.run_id, job.plan)
    failed = failed_gates(job.store, view, wanted.gates, wanted.rule)
    if wanted.as_json:
        print_json({**run_json(view, now.calls), "gates_failed": failed})
    else:
        print_run(stdout(), view)
        click.echo(f"{_ran(view)} in {duration(elapsed)}; {_calls(view, progress, now)}.")
        _tell_failures(view, wanted.command)
        if job.plan.sequential is not None:
            conclusion.tell(job.store, job.run_id, wanted.rule, progress.calls_a_trial)
    for text, times in progress.warnings.items():
        click.echo(f"warning: {text} ({counted(times, 'answer')})", err=True)
    if view.run.status != "finished":
        rest = f"stopped at {job.budget.limit}, {_spent(job.budget)}"
        _tell_rest(job, wanted.command, rest, more=" a larger limit")
        return SOME_FAILED
    for text in failed:
        click.echo(f"gate failed: {text}", err=True)
    if failed:
        return GATE_FAILED
    return SOME_FAILED if _failed_trials(view) or _failed_scores(view) else 0


def _show_others(job: Job, *, as_json: bool) -> None:
    """Show what was measured where one of several backends has ended the run."""
    begun = any(run.run_id == job.run_id and run.stored for run in job.store.runs())
    if begun and len(job.plan.backends) > 1 and not as_json:
        print_run(stdout(), read_view(job.store, job.run_id, job.plan))


def read_view(store: Store, run_id: str, plan: Plan) -> RunView:
    """Read a run with all that is said of its arms."""
    run = store.run(run_id)
    return run_view(run, plan, store.arm_outcomes(run_id), store.arm_scores(run_id))


def _ran(view: RunView) -> str:
    """Say which run it was and how many trials there are of it."""
    side = "" if view.plan.split == "all" else f" on the {view.plan.split} side of the holdout"
    return f"Run {view.run.run_id}: {counted(sum(arm.trials for arm in view.arms), 'trial')}{side}"


def _calls(view: RunView, progress: RunProgress, now: Spent) -> str:
    """Say how many calls were made, what came of them and what they cost."""
    if now.calls == 0:
        why = ": the store had every answer" if view.run.status == "finished" else ""
        return f"no model call was made{why}"
    told = counted(now.calls, "model call")
    if progress.answers != now.calls:
        told = f"{counted(progress.answers, 'answer')} in {told}"
    if progress.served:
        told += f", {counted(progress.served, 'answer')} reused"
    told = ", ".join([told, *progress.computed()])
    if not view.has_cost:
        return told
    if not progress.cost_known:
        return f"{told}, cost unknown"
    more = f" and more ({counted(now.unpriced, 'answer')} of unknown cost)" if now.unpriced else ""
    return f"{told}, {now.cost_usd:.4f} USD{more}"


def _tell_failures(view: RunView, command: str) -> None:
    if trials := _failed_trials(view):
        click.echo(
            f"{counted(trials, 'trial')} failed: {command} show --errors; {command} resume latest"
        )
    if scores := _failed_scores(view):
        click.echo(f"{counted(scores, 'score')} failed: {command} show --errors --full")


def _failed_trials(view: RunView) -> int:
    return sum(arm.outcomes[Outcome.ERROR] for arm in view.arms)


def _failed_scores(view: RunView) -> int:
    return sum(score.failed for arm in view.arms for score in arm.scores)


def _spent(budget: Budget) -> str:
    spent = budget.spent
    calls = f"after {counted(spent.calls, 'call')}"
    if budget.max_cost is None:
        return calls
    guessed = "about " if spent.unpriced else ""
    return f"{calls} and {guessed}{spent.cost_usd:.4g} USD"


def _tell_rest(job: Job, command: str, how: str, more: str = "") -> bool:
    """Say what is kept of a run and how to finish it; False if it had not begun."""
    known = [run for run in job.store.runs() if run.run_id == job.run_id]
    if not known:
        return False
    click.echo(
        f"{how}: {known[0].stored:,} of {known[0].trials:,} trials are stored;"
        f" finish with{more}: {command} resume {job.run_id}"
        + (f" {job.budget.limit.split()[0]} ..." if more else ""),
        err=True,
    )
    return True
