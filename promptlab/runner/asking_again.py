"""Asks what scorers want to know of stored answers, in the way of every call, and grades by it.

What is answered is stored at once: a grading that was broken off asks nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from promptlab.backends import Backend
from promptlab.core.budget import Budget, Spent
from promptlab.core.decision import Limits
from promptlab.core.errors import PromptlabError
from promptlab.core.types import Arm, Plan, Trial, TrialResult, Turn
from promptlab.core.watch import Watch
from promptlab.executors import Executor
from promptlab.runner.answers import Answers
from promptlab.runner.carrying import close_all, execute, storing
from promptlab.runner.clerk import Clerk
from promptlab.runner.desk import Desk, Script
from promptlab.runner.grading import Grading
from promptlab.runner.questions import OpenTurn, Questions
from promptlab.runner.recorder import Recorder
from promptlab.runner.regrading import Graded, Stored
from promptlab.runner.stopping import Stopping
from promptlab.runner.trials import TrialWork
from promptlab.scorers.binding import BoundScorer

_MOST_BEGUN = 2_000  # trials in progress, each with its whole conversation


@dataclass(frozen=True, slots=True)
class Means:
    """What questions are asked with. `backends` are those that may be asked, by name.

    With `offline` they may not be called: a question that is not stored is an error. `before` is
    what the run has spent beside the budget, by default all that is stored of it.
    """

    backends: Mapping[str, Backend]
    executor: Executor
    budget: Budget = field(default_factory=Budget)
    offline: bool = False
    before: Spent | None = None


async def ask_rest(
    stored: Stored, scorers: Sequence[BoundScorer], graded: Graded, means: Means, watch: Watch
) -> None:
    """Ask the open questions of scorers, and add the scores to what is graded.

    Where the budget does not suffice, trials stay open. Raise `PromptlabError` if a backend fails.
    """
    asking = [scorer for scorer in scorers if scorer.may_ask]
    script = _Script(stored, asking, means.backends)

    def keep(result: TrialResult) -> None:
        seq = result.trial.seq
        if result.error is not None:
            graded.error = graded.error or result.error
        else:
            graded.asides[seq] = result.turns[script.stored[seq] :]
            graded.add(seq, result.scores)
        del graded.open[seq]
        watch.finished(result)

    done = frozenset(range(stored.plan.size)) - graded.open.keys()
    watch.begun(0)
    await ask_all(stored, script, Grading(stored.plan, asking, keep), means, watch, done)


async def ask_all(
    stored: Stored,
    script: Script,
    grading: Grading,
    means: Means,
    watch: Watch,
    done: frozenset[int] = frozenset(),
) -> None:
    """Carry out the trials of a script that are not `done`, and close the backends.

    What is answered is stored with the run.
    """
    before = stored.store.spent(stored.run_id) if means.before is None else means.before
    writer = stored.store.writer(stored.run_id, lambda: sum_of(before, means.budget.spent))
    try:
        async with storing(writer, watch) as ending:
            desk = Desk(
                answers=Answers(stored.answers, writer.unstored),
                clerk=Clerk(means.budget, means.backends, offline=means.offline),
                stopping=Stopping(script.plan, Limits()),
                recorder=Recorder(writer, watch, asyncio.get_running_loop().time),
                grading=grading,
            )
            ending.callback(desk.end)
            work = TrialWork(script, desk, done, most_begun=_MOST_BEGUN)
            await execute(means.executor, work, grading, means.backends, watch)
    finally:
        await close_all(means.backends, watch)


class _Script:
    """Trials that begin with what is stored of them, and go on with the questions of scorers."""

    asks_others = True

    def __init__(
        self, stored: Stored, scorers: Sequence[BoundScorer], backends: Mapping[str, Backend]
    ) -> None:
        specs = tuple(spec for spec in stored.plan.backends if spec.name in backends)
        self.plan: Plan = replace(stored.plan, backends=specs, sequential=None)
        self.stored: dict[int, int] = {}
        self._source = stored
        self._questions = Questions(stored.plan, scorers, stored.weighing)
        self._names = [spec.name for spec in specs]

    def lane_of(self, arm: Arm) -> str:
        """Return the backend in whose lane the trials of an arm begin: one that can be asked."""
        return arm.backend if arm.backend in self._names else self._names[0]

    def begin(self, trial: Trial) -> list[Turn]:
        """Return the stored turns of a trial, without the questions that had no answer."""
        turns = self._source.conversations([trial.seq], again=True)[trial.seq]
        self.stored[trial.seq] = len(turns)
        return turns

    def next(self, trial: Trial, turns: Sequence[Turn]) -> OpenTurn | None:
        """Return the next question about a trial."""
        opened = self._questions.next(trial, turns)
        if opened is not None:
            name = opened.backend or self.plan.arms[trial.arm].backend
            if name not in self._names:
                raise PromptlabError(
                    f"scorer {opened.name!r} asks backend {name!r} as well, which cannot be asked",
                    hint="run the suite again: what is stored costs nothing",
                )
        return opened


def sum_of(before: Spent, now: Spent) -> Spent:
    """Return what a run has spent before and now."""
    return Spent(
        before.calls + now.calls, before.cost_usd + now.cost_usd, before.unpriced + now.unpriced
    )
