"""Carries a job out before the user's eyes: progress, interruption, result, exit code."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

import click

from promptlab.budget import Budget
from promptlab.cli.interrupt import Interruptible
from promptlab.cli.output import print_json, stdout
from promptlab.cli.progress import RunProgress, duration
from promptlab.errors import PromptlabError
from promptlab.gates import Gate
from promptlab.report.tables import counted
from promptlab.report.terminal import print_run
from promptlab.report.view import RunView, run_json, run_view
from promptlab.run import Job, Watch
from promptlab.store import Store
from promptlab.types import Outcome, Plan

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
    notes: tuple[str, ...] = ()


def carry_out(job: Job, flow: Flow, wanted: Wanted) -> int:
    """Run the flow, show what came of it, and return the exit code."""
    progress = RunProgress(job.plan, sys.stderr, wanted.notes)
    began = time.monotonic()
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
    return _conclude(job, wanted, progress, time.monotonic() - began)


def _conclude(job: Job, wanted: Wanted, progress: RunProgress, elapsed: float) -> int:
    """Show a run that was not broken off, and judge it."""
    view = read_view(job.store, job.run_id, job.plan)
    failed = _failed_gates(view, wanted.gates)
    if wanted.as_json:
        print_json({**run_json(view, progress.calls), "gates_failed": failed})
    else:
        print_run(stdout(), view)
        _tell_end(view, progress, elapsed)
        _tell_failures(view, wanted.command)
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


def _tell_end(view: RunView, progress: RunProgress, elapsed: float) -> None:
    trials = sum(arm.trials for arm in view.arms)
    if progress.calls == 0:
        calls = "no model call was made: the store had every answer"
    else:
        calls = counted(progress.calls, "model call")
        if progress.served:
            calls += f", {counted(progress.served, 'answer')} reused"
        if view.has_cost:
            calls += f", {progress.cost:.4f} USD" if progress.cost_known else ", cost unknown"
    side = "" if view.plan.split == "all" else f" on the {view.plan.split} side of the holdout"
    click.echo(
        f"Run {view.run.run_id}: {counted(trials, 'trial')}{side} in {duration(elapsed)}; {calls}."
    )


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
    calls = f"after {counted(budget.calls, 'call')}"
    return f"{calls} and {budget.cost:.4g} USD" if budget.max_cost is not None else calls


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


def _failed_gates(view: RunView, gates: tuple[Gate, ...]) -> list[str]:
    failed = []
    for gate in gates:
        for arm in view.arms:
            mean = next((s.mean for s in arm.scores if s.scorer == gate.scorer), None)
            if not gate.holds(mean):
                told = "no score" if mean is None else f"{mean:.4g}"
                failed.append(f"{gate.text}: {arm.arm.label} has {told}")
    return failed
