"""Carries out a run for the terminal: progress, interruption, result, exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from promptlab.cli.output import print_json, say, stdout, tell
from promptlab.cli.progress import RunProgress, computed
from promptlab.core.budget import Budget
from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.core.visible import visible
from promptlab.report.documents.run import run_json
from promptlab.report.terminal.run import print_run
from promptlab.report.views.ending import CallsMade, run_ending
from promptlab.report.views.run import RunView, run_view
from promptlab.report.wording import counted, usd
from promptlab.runner.flow import Job
from promptlab.workbench.carrying import Ended, begun_run, carry_out
from promptlab.workbench.interruption import Interruptible
from promptlab.workbench.jobs import Prepared
from promptlab.workbench.runs import read_run

if TYPE_CHECKING:
    from promptlab.cli import conclusion
    from promptlab.report.documents import gates as gate_documents
    from promptlab.report.views import gates as gate_views
else:
    conclusion = lazy_module("promptlab.cli.conclusion")  # numpy, for early decisions
    gate_documents = lazy_module("promptlab.report.documents.gates")
    gate_views = lazy_module("promptlab.report.views.gates")

GATE_FAILED = 1
SOME_FAILED = 4
INTERRUPTED = 130


def carry(prepared: Prepared, command: str, *, as_json: bool) -> int:
    """Carry out a run, show its results, and return the exit code.

    `command` is how the user calls promptlab, for the commands that messages suggest.
    """
    job = prepared.job
    progress = RunProgress(job.plan, job.backends.values(), sys.stderr)
    with Interruptible() as interruptible:
        try:
            with progress.showing():
                ended = interruptible.run(carry_out(prepared, progress))
        except KeyboardInterrupt:
            if not _report_rest(job, command, "interrupted"):
                raise
            return INTERRUPTED
        except PromptlabError:
            _show_partial(job, as_json=as_json)
            _report_rest(job, command, "stopped")
            raise
    return _conclude(prepared, ended, progress, command, as_json=as_json)


def _conclude(
    prepared: Prepared, ended: Ended, progress: RunProgress, command: str, *, as_json: bool
) -> int:
    """Show a run that was not interrupted, and return the exit code that its gates imply."""
    view, gates = run_view(ended.results), [gate_views.gate_view(gate) for gate in ended.gates]
    failed = [line for gate in gates for line in gate.lines]
    if as_json:
        document = run_json(view, ended.spent.calls)
        print_json({**document, "gates_failed": failed, "gates": gate_documents.gates_json(gates)})
    else:
        _print(ended, view, progress, command)
    tell(*(f"Note: {visible(line)}" for line in ended.unasked))
    for text, times in progress.warnings.items():
        tell(f"warning: {text} ({counted(times, 'answer')})")
    if ended.limit is not None:
        rest = f"stopped at {ended.limit}, {_spent(prepared.job.budget)}"
        _report_rest(prepared.job, command, rest, limit=ended.limit)
        return SOME_FAILED
    for line in (line for gate in gates for line in gate.told):
        tell(line)
    if failed:
        return GATE_FAILED
    return SOME_FAILED if view.failed_trials or view.failed_scores else 0


def _print(ended: Ended, view: RunView, progress: RunProgress, command: str) -> None:
    print_run(stdout(), view)
    calls = CallsMade(
        calls=ended.spent.calls,
        answers=progress.answers,
        reused=progress.served,
        speed=tuple(computed(progress.throughput)),
        cost_usd=ended.spent.cost_usd if progress.cost_known else None,
        unpriced=ended.spent.unpriced,
        first_error=progress.first_error,
    )
    ending = run_ending(view, calls, progress.elapsed_s, command)
    for line in (ending.sentence, *ending.remedies):
        say(line)
    if ended.decided is not None:
        conclusion.print_decided(ended.results, ended.decided, progress.calls_a_trial, command)


def _show_partial(job: Job, *, as_json: bool) -> None:
    """Show what was measured when one of several backends stopped the run."""
    begun = begun_run(job.store, job.run_id)
    if begun is not None and begun.stored and len(job.plan.backends) > 1 and not as_json:
        print_run(stdout(), run_view(read_run(job.store, job.run_id, job.plan)))


def _spent(budget: Budget) -> str:
    spent = budget.spent
    calls = f"after {counted(spent.calls, 'call')}"
    if budget.max_cost is None:
        return calls
    about = "about " if spent.unpriced else ""
    return f"{calls} and {about}{usd(spent.cost_usd)} USD"


def _report_rest(job: Job, command: str, how: str, limit: str | None = None) -> bool:
    """Report what is stored of a run and how to finish it; return False if it had not begun."""
    run = begun_run(job.store, job.run_id)
    if run is None:
        return False
    larger = f" {limit.split()[0]} ..." if limit else ""
    tell(
        f"{how}: {run.stored:,} of {run.trials:,} trials are stored;"
        f" finish with{' a larger limit' if limit else ''}: {command} resume {job.run_id}{larger}"
    )
    return True
