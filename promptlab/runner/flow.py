"""The flow of a run, top to bottom: render all, skip what is stored, generate, store, score.

Everything it works with is passed in; it reads no file, clock or environment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from promptlab.backends import Backend
from promptlab.core.budget import Budget
from promptlab.core.decision import Limits
from promptlab.core.errors import PromptlabError, StoreBusy
from promptlab.core.runs import BackendFacts, RunSettings
from promptlab.core.types import Plan, TrialResult
from promptlab.core.watch import Watch
from promptlab.executors import Executor
from promptlab.runner.answers import Answers
from promptlab.runner.carrying import close_all, execute, storing
from promptlab.runner.check import check
from promptlab.runner.clerk import Clerk
from promptlab.runner.desk import Desk
from promptlab.runner.forecast import require_stored
from promptlab.runner.grading import Grading
from promptlab.runner.recorder import Recorder
from promptlab.runner.requests import Renderer
from promptlab.runner.samples import weighing
from promptlab.runner.stopping import Stopping
from promptlab.runner.storing import when_free
from promptlab.runner.trials import TrialWork
from promptlab.scorers.binding import BoundScorer
from promptlab.store import Store, Writer
from promptlab.templates.template import Template


@dataclass(frozen=True, slots=True)
class Job:
    """A run to carry out: its plan, the objects that the plan names, and where it is stored.

    `root` is the folder of its project. With `fresh`, answers of earlier runs do not count; with
    `offline`, only they do. `limits` set the least evidence that a run needs to stop early.
    """

    run_id: str
    plan: Plan
    templates: Mapping[str, Template]
    backends: Mapping[str, Backend]
    scorers: Sequence[BoundScorer]
    store: Store
    executor: Executor
    root: Path
    fresh: bool = False
    offline: bool = False
    budget: Budget = field(default_factory=Budget)
    limits: Limits = field(default_factory=Limits)


async def start(job: Job, watch: Watch, settings: RunSettings) -> None:
    """Check everything, then begin a new run and carry it out.

    `settings` are what was requested beyond the suite file; they are stored with the run.
    """
    renderer = _renderer(job)
    shortfalls = await check(renderer, job.backends)
    if job.offline:
        await require_stored(renderer, job.store.completions, job.backends)
    begin = partial(job.store.begin_run, job.run_id, job.plan, fresh=job.fresh, settings=settings)
    await when_free(job.store, begin, watch)
    for name, backend in job.backends.items():
        lines, in_batches = shortfalls.get(name, ()), backend.capacity.batch > 1
        if lines or in_batches:
            facts = BackendFacts(not_honoured=tuple(lines), in_batches=in_batches)
            keep = partial(job.store.keep_facts, job.run_id, name, facts)
            await when_free(job.store, keep, watch)
        if lines:
            watch.not_honoured(name, lines)
    await _carry_out(job, renderer, watch)


async def finish(job: Job, watch: Watch) -> None:
    """Carry out the rest of an interrupted run; trials that failed are tried again.

    The run must have been claimed by `Store.resume_run`.
    """
    await _carry_out(job, _renderer(job), watch)


def _renderer(job: Job) -> Renderer:
    return Renderer(job.plan, job.templates, job.root, job.scorers, weighing(job.backends))


async def _carry_out(job: Job, renderer: Renderer, watch: Watch) -> None:
    status: Literal["finished", "interrupted"] = "interrupted"
    done = frozenset(job.store.finished(job.run_id))
    watch.begun(len(done))
    writer = job.store.writer(job.run_id, lambda: job.budget.spent)
    try:
        async with storing(writer, watch) as ending:
            desk = _desk(job, writer, watch, done)
            ending.callback(desk.end)
            work = TrialWork(renderer, desk, done)
            await execute(job.executor, work, desk.grading, job.backends, watch)
        if not job.budget.refused:
            _require_all(job, len(done) + desk.recorder.trials + desk.stopping.left_out)
            status = "finished"
    finally:
        await close_all(job.backends, watch)
        end = partial(job.store.end_run, job.run_id, status)
        if status == "finished":
            await when_free(job.store, end, watch)
        else:  # nothing depends on it: a run whose process is gone counts as interrupted
            with suppress(StoreBusy), job.store.at_once():
                end()


def _desk(job: Job, writer: Writer, watch: Watch, done: frozenset[int]) -> Desk:
    """Put together the parties to a run."""
    fresh_run = job.run_id if job.fresh else None
    recorder = Recorder(writer, watch, asyncio.get_running_loop().time)
    stopping = Stopping(job.plan, job.limits)
    stopping.replay(job.store, job.run_id, done)

    def keep(result: TrialResult) -> None:
        recorder.put_result(result)
        stopping.record(result)

    return Desk(
        answers=Answers(partial(job.store.completions, fresh_run=fresh_run), writer.unstored),
        clerk=Clerk(job.budget, job.backends, offline=job.offline),
        stopping=stopping,
        recorder=recorder,
        grading=Grading(job.plan, job.scorers, keep),
    )


def _require_all(job: Job, kept: int) -> None:
    """Refuse to call a run finished if trials are missing."""
    if kept < job.plan.size:
        raise PromptlabError(
            f"{job.plan.size - kept} of {job.plan.size} trials were never carried out",
            hint="report it to the author of the executor, and resume the run",
        )
