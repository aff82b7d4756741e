"""Grades trials that have ended: at once if that is quick, otherwise concurrently."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from promptlab.core.types import Outcome, Plan, Trial, TrialResult, Turn
from promptlab.runner.samples import Samples, graded_turn
from promptlab.scorers.binding import BoundScorer

AT_ONCE = 64


class Grading:
    """Turns trials into results. Slow scorers grade a bounded number of trials concurrently."""

    def __init__(
        self,
        plan: Plan,
        scorers: Sequence[BoundScorer],
        keep: Callable[[TrialResult], None],
        at_once: int = AT_ONCE,
    ) -> None:
        """`keep` receives every trial that is graded."""
        self._plan = plan
        self._samples = Samples(plan)
        self._scorers = scorers
        self._keep = keep
        self._quick = all(scorer.inline for scorer in scorers)
        self._slots = asyncio.Semaphore(at_once)
        self._in_progress: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None

    async def finish(self, trial: Trial, turns: tuple[Turn, ...], error: str | None) -> None:
        """Grade a trial that ended, or failed with `error`."""
        if self._quick or error is not None:
            await self._grade(trial, turns, error)
            return
        await self._slots.acquire()
        self._raise_failure()
        task = asyncio.create_task(self._grade(trial, turns, error))
        self._in_progress.add(task)
        task.add_done_callback(self._end)

    async def finished(self) -> None:
        """Wait until every trial that ended is graded."""
        await asyncio.gather(*self._in_progress, return_exceptions=True)
        self._raise_failure()

    def drop(self) -> None:
        """Give up what is still being graded, which is nothing unless the run was cut short."""
        for task in self._in_progress:
            task.cancel()

    def _end(self, task: asyncio.Task[None]) -> None:
        self._slots.release()
        self._in_progress.discard(task)
        if self._failure is None and not task.cancelled():
            self._failure = task.exception()

    def _raise_failure(self) -> None:
        """Raise a failure of concurrent grading, such as a full disk; not a scorer's error."""
        if self._failure is not None:
            raise self._failure

    async def _grade(self, trial: Trial, turns: tuple[Turn, ...], error: str | None) -> None:
        graded = None if error else graded_turn(turns, self._plan.grade)
        if graded is None:
            error = error or f"the trial ended without the answer {self._plan.grade!r}"
            self._keep(TrialResult(trial, turns, None, Outcome.ERROR, error, {}))
            return
        sample = self._samples.of(trial, turns, graded)
        scores = {
            scorer.spec.label: await scorer.score(sample)
            for scorer in self._scorers
            if scorer.grades(sample.case)
        }
        self._keep(TrialResult(trial, turns, graded, sample.outcome, None, scores))
