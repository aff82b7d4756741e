"""The flow of a run, top to bottom: render all, minus what is stored, generate, store, score.

Everything it works with is passed in; it reads no file, clock or environment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from promptlab.backends import Backend
from promptlab.core.budget import Budget
from promptlab.core.decision import Limits
from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.core.prices import highest_cost
from promptlab.core.types import Completion, Json, Outcome, Plan, Score, Trial, TrialResult, Turn
from promptlab.executors import Executor
from promptlab.runner.forecast import check, require_stored
from promptlab.runner.requests import Renderer, graded_turn
from promptlab.runner.trials import TrialWork
from promptlab.scorers import Sample
from promptlab.scorers.binding import BoundScorer
from promptlab.store import Store, Writer
from promptlab.templates.template import Template

if TYPE_CHECKING:
    from promptlab.analysis import race
else:
    race = lazy_module("promptlab.analysis.race")  # numpy, for runs that may stop early alone

_GRADED_AT_ONCE = 64

# More answers than the writer ever holds back, so that none is asked for twice.
_RECENT = 5_000


class Watch(Protocol):
    """Whoever wants to see a run go on: the progress display, a test."""

    def begun(self, done: int) -> None:
        """Hear that a run begins or goes on, with so many trials done before."""

    def opening(self, backend: str, notice: str | None) -> None:
        """Hear that a backend is loading, and what will take long about it, if anything."""

    def opened(self, backend: str) -> None:
        """Hear that a backend has loaded."""

    def failed(self, backend: str, error: BackendError) -> None:
        """Hear that a backend works no more; others may go on."""

    def left_open(self, backend: str, error: PromptlabError) -> None:
        """Hear why a backend could not be closed at the end of the run."""

    def waiting(self, backend: str, text: str) -> None:
        """Hear, in a few words, why a call of a backend waits to be tried again."""

    def draining(self, calls: int) -> None:
        """Hear that an interrupted run waits for so many answers in flight."""

    def not_honoured(self, backend: str, lines: Sequence[str]) -> None:
        """Hear, before the run begins, what a backend will not honour."""

    def spoke(self, turn: Turn) -> None:
        """See an answer that was just measured."""

    def finished(self, result: TrialResult) -> None:
        """See a trial that was just graded."""


@dataclass(frozen=True, slots=True)
class Job:
    """A run to be done: its plan, the objects that the plan names, and where it is kept.

    `root` is the folder of its project. With `fresh`, answers of earlier runs do not count; with
    `offline`, only they do. `limits` say what evidence a run that may stop early needs at least.
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


async def start(job: Job, watch: Watch, overrides: Mapping[str, Json]) -> None:
    """Check everything, then begin a new run and carry it out.

    `overrides` is what was asked for beyond the suite file; it is kept with the run.
    """
    renderer = Renderer(job.plan, job.templates, job.root, job.scorers)
    shortfalls = await check(renderer, job.scorers, job.backends)
    if job.offline:
        await require_stored(renderer, job.store.completions, job.backends)
    job.store.begin_run(job.run_id, job.plan, fresh=job.fresh, overrides=overrides)
    for backend, lines in shortfalls.items():
        job.store.keep_facts(job.run_id, backend, {"not_honoured": [*lines]})
        watch.not_honoured(backend, lines)
    await _carry_out(job, renderer, watch)


async def finish(job: Job, watch: Watch) -> None:
    """Carry out what an interrupted run has left; trials that failed are tried again.

    The run must have been claimed by `Store.resume_run`.
    """
    await _carry_out(job, Renderer(job.plan, job.templates, job.root, job.scorers), watch)


async def _carry_out(job: Job, renderer: Renderer, watch: Watch) -> None:
    status: Literal["finished", "interrupted"] = "interrupted"
    done = frozenset(job.store.finished(job.run_id))
    watch.begun(len(done))
    try:
        with job.store.writer(job.run_id, lambda: job.budget.spent) as writer:
            desk = _Desk(job, writer, watch)
            try:
                await job.executor.execute(TrialWork(renderer, desk, done), job.backends)
                await desk.graded()
            finally:
                desk.drop()
        if not job.budget.refused:
            _require_all(job, len(done) + desk.kept + desk.left_out)
            status = "finished"
    finally:
        for name, backend in job.backends.items():
            await _close(name, backend, watch)
        job.store.end_run(job.run_id, status)


async def _close(name: str, backend: Backend, watch: Watch) -> None:
    """Close a backend; one that cannot be closed takes nothing from what was measured."""
    try:
        await backend.close()
    except PromptlabError as error:
        watch.left_open(name, error)


def _require_all(job: Job, kept: int) -> None:
    """Refuse to call a run finished from which trials are missing."""
    if kept < job.plan.size:
        raise PromptlabError(
            f"{job.plan.size - kept} of {job.plan.size} trials were never carried out",
            hint="tell the author of the executor, and resume the run",
        )


class _Desk:
    """Takes down what happens in a run: answers, facts of backends, graded trials."""

    def __init__(self, job: Job, writer: Writer, watch: Watch) -> None:
        self.kept = 0
        self._job = job
        self._writer = writer
        self._watch = watch
        self._fresh_run = job.run_id if job.fresh else None
        self._recent: dict[str, Completion] = {}
        self._quick = all(scorer.scorer.ours for scorer in job.scorers)
        self._batched = {name: each.capacity.batch > 1 for name, each in job.backends.items()}
        self._slots = asyncio.Semaphore(_GRADED_AT_ONCE)
        self._grading: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self.left_out = 0
        self._race = _race(job)

    def wanted(self, trial: Trial) -> bool:
        """Say whether the arm of a trial has something left to decide."""
        return self._race is None or self._race.wanted(trial.arm)

    def skipped(self, trial: Trial) -> None:
        self.left_out += 1

    def stored(self, keys: Sequence[str]) -> Mapping[str, Completion]:
        """Look answers up in the store and among those on their way into it."""
        found = self._job.store.completions(keys, self._fresh_run)
        found.update((key, self._recent[key]) for key in keys if key in self._recent)
        return found

    def opening(self, backend: str) -> None:
        if self._job.offline:
            raise PromptlabError(
                f"an answer of backend {backend!r} is not stored",
                hint="run without --offline to measure it",
            )
        self._watch.opening(backend, self._job.backends[backend].notice())

    def opened(self, backend: str, facts: Mapping[str, Json]) -> None:
        self._job.store.keep_facts(self._job.run_id, backend, facts)
        self._watch.opened(backend)

    def reserve(self, calls: int) -> int:
        return self._job.budget.reserve(calls)

    def confirm(self) -> bool:
        return self._job.budget.confirm()

    def failed(self, backend: str, error: BackendError) -> None:
        self._watch.failed(backend, error)

    def waiting(self, backend: str, text: str) -> None:
        self._watch.waiting(backend, text)

    def draining(self, calls: int) -> None:
        self._watch.draining(calls)

    def spoke(self, backend: str, turn: Turn) -> None:
        self._job.budget.heard(batched=self._batched[backend])
        if turn.completion.outcome is not Outcome.ERROR:
            self._writer.put_turn(turn)
            self._remember(turn)
            self._charge(backend, turn)
        self._watch.spoke(turn)

    def _charge(self, backend: str, turn: Turn) -> None:
        """Count what an answer cost; where the server does not tell, what it may have cost."""
        cost, asked = turn.completion.cost_usd, self._job.backends[backend]
        known = cost is not None or (asked.price is None and not asked.charges)
        if cost is None and asked.price is not None:
            cost = highest_cost(turn.request, asked.price)
        self._job.budget.charge(cost or 0.0, known=known)

    def _remember(self, turn: Turn) -> None:
        """Keep an answer at hand while it may still be on its way into the store."""
        self._recent[turn.request.key] = turn.completion
        if len(self._recent) > _RECENT:
            del self._recent[next(iter(self._recent))]

    async def finish(self, trial: Trial, turns: tuple[Turn, ...], error: str | None) -> None:
        """Grade and keep a trial that ended, or failed by `error`.

        Scorers of the user's may be slow: they grade beside the run, a bounded number at once.
        """
        if self._quick or error is not None:
            await self._keep(trial, turns, error)
            return
        await self._slots.acquire()
        self._raise_failure()
        task = asyncio.create_task(self._keep(trial, turns, error))
        self._grading.add(task)
        task.add_done_callback(self._end_grading)

    def _end_grading(self, task: asyncio.Task[None]) -> None:
        self._slots.release()
        self._grading.discard(task)
        if self._failure is None and not task.cancelled():
            self._failure = task.exception()

    def _raise_failure(self) -> None:
        """Raise what went wrong beside the run: a scorer's error is none, a full disk is."""
        if self._failure is not None:
            raise self._failure

    async def graded(self) -> None:
        """Wait until every trial that ended is graded."""
        await asyncio.gather(*self._grading, return_exceptions=True)
        self._raise_failure()

    def drop(self) -> None:
        """Give up what is still being graded; nothing is, unless the run breaks off."""
        for task in self._grading:
            task.cancel()

    async def _keep(self, trial: Trial, turns: tuple[Turn, ...], error: str | None) -> None:
        graded = None if error else graded_turn(turns, self._job.plan.grade)
        if graded is None:
            error = error or f"the trial ended without the answer {self._job.plan.grade!r}"
            result = TrialResult(trial, turns, None, Outcome.ERROR, error, {})
        else:
            outcome = turns[graded].completion.outcome
            scores = await self._grade(trial, turns, graded)
            result = TrialResult(trial, turns, graded, outcome, None, scores)
        self._writer.put_result(result)
        self.kept += 1
        if self._race is not None:
            score = result.scores.get(self._job.plan.primary)
            self._race.saw(trial.arm, trial.case, None if score is None else score.value)
        self._watch.finished(result)

    async def _grade(self, trial: Trial, turns: tuple[Turn, ...], graded: int) -> dict[str, Score]:
        completion = turns[graded].completion
        case = self._job.plan.cases[trial.case]
        sample = Sample(completion.text, case, completion.outcome, turns)
        return {scorer.spec.label: await scorer.score(sample) for scorer in self._job.scorers}


def _race(job: Job) -> race.Race | None:
    """Make what decides when arms stop, with all that the run has stored before."""
    if job.plan.sequential is None:
        return None
    found = race.Race(job.plan, job.limits)
    found.replay(job.store.measured(job.run_id))
    return found
