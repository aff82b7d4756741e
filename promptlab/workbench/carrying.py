"""Carries out a prepared run, and returns its results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from promptlab.core.budget import NOTHING, Spent
from promptlab.core.lazy import lazy_module
from promptlab.core.results import RunInfo, RunResults
from promptlab.store import Store
from promptlab.workbench.gates import judge
from promptlab.workbench.jobs import Prepared
from promptlab.workbench.progress import Progress
from promptlab.workbench.runs import read_run

if TYPE_CHECKING:
    from promptlab.analysis.judged import Judged
    from promptlab.runner import asking_again, regrading
    from promptlab.runner.flow import Job
    from promptlab.workbench import anchors, conclusions
else:
    asking_again = lazy_module("promptlab.runner.asking_again")  # for runs that judges graded
    regrading = lazy_module("promptlab.runner.regrading")
    anchors = lazy_module("promptlab.workbench.anchors")
    conclusions = lazy_module("promptlab.workbench.conclusions")  # numpy, for runs that stop early


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that was carried out, as far as its budget allowed.

    `spent` is what this process has spent. `limit` is the limit that stopped the run, None
    if it is finished. `gates` were judged on what is stored. `decided` holds the comparisons of a
    finished run that could stop early. `unasked` says which judges could not be asked whether they
    still say what they said before.
    """

    results: RunResults
    spent: Spent
    limit: str | None
    gates: tuple[Judged, ...]
    decided: conclusions.Compared | None
    unasked: tuple[str, ...] = ()


async def carry_out(prepared: Prepared, progress: Progress) -> Ended:
    """Carry out the run while `progress` watches; keep what was measured, whatever happens."""
    job = prepared.job
    before = job.budget.spent
    progress.notes = prepared.notes
    await prepared.flow(job, progress)
    results = read_run(job.store, job.run_id, job.plan)
    finished = results.run.status == "finished"
    unasked = await _anchors(job, progress) if finished else ()
    spent = job.budget.spent
    return Ended(
        results=results,
        spent=Spent(
            spent.calls - before.calls, progress.cost_usd, spent.unpriced - before.unpriced
        ),
        limit=None if finished else job.budget.limit,
        gates=judge(job.store, results, prepared.gates, prepared.rule),
        decided=_decided(prepared, results.run) if finished else None,
        unasked=unasked,
    )


async def _anchors(job: Job, progress: Progress) -> tuple[str, ...]:
    """Ask the judges of a finished run, if it has any, whether they have moved."""
    if not any(scorer.spec.judge for scorer in job.scorers):
        return ()
    stored = regrading.Stored(job.store, job.run_id, job.plan, fresh=False)
    means = asking_again.Means(
        job.backends, job.executor, job.budget, offline=job.offline, before=NOTHING
    )
    known = job.store.judges
    judges = anchors.judges_of(job.plan, job.scorers, known.said_of_their_own(job.run_id))
    return await anchors.ask_anchors(stored, judges, known.said_anew(job.run_id), means, progress)


def _decided(prepared: Prepared, run: RunInfo) -> conclusions.Compared | None:
    """Compare the arms of a run that could stop early."""
    if prepared.job.plan.sequential is None:
        return None
    return conclusions.compare_one(prepared.job.store, run.run_id, prepared.rule)


def begun_run(store: Store, run_id: str) -> RunInfo | None:
    """Return a run that was interrupted; None if it had not begun."""
    return next((run for run in store.runs() if run.run_id == run_id), None)
