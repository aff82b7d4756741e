"""A run of a renderer's plan with a real desk and store, answered by a function."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack

from promptlab.backends.echo import Echo, Options
from promptlab.core.budget import Budget
from promptlab.core.decision import Limits
from promptlab.core.types import Completion, Outcome, Request, Score, TrialResult, Turn
from promptlab.core.watch import NullWatch
from promptlab.runner.answers import Answers
from promptlab.runner.clerk import Clerk
from promptlab.runner.desk import Desk
from promptlab.runner.grading import AT_ONCE, Grading
from promptlab.runner.recorder import Recorder
from promptlab.runner.requests import Renderer
from promptlab.runner.stopping import Stopping
from promptlab.runner.trials import TrialWork
from promptlab.scorers.binding import bind
from promptlab.store import Store
from promptlab.templates.judge_prompts import JudgePrompts

Answer = Callable[[Request], Completion]


class Witness(NullWatch):
    """Records the answers that were measured, and how each trial ended."""

    def __init__(self) -> None:
        self.spoken: list[Turn] = []
        self.ended: dict[int, tuple[Turn, ...]] = {}
        self.errors: dict[int, str | None] = {}
        self.scores: dict[int, Mapping[str, Score]] = {}

    def answered(self, turn: Turn) -> None:
        self.spoken.append(turn)

    def finished(self, result: TrialResult) -> None:
        assert result.trial.seq not in self.ended
        self.ended[result.trial.seq] = result.turns
        self.errors[result.trial.seq] = result.error
        self.scores[result.trial.seq] = result.scores


def upper(request: Request) -> Completion:
    return Completion(Outcome.OK, request.messages[-1].text.upper())


async def work_off(work: TrialWork, answer: Answer, batch: int, backend: str = "echo") -> int:
    """Answer everything, `batch` requests at a time; return how many were taken."""
    taken = 0
    while requests := await work.take(backend, batch):
        taken += len(requests)
        for request in requests:
            await work.give(backend, request, answer(request))
    return taken


class Run(Witness):
    """A run of a renderer's plan with a real desk: its events and its work."""

    def __init__(
        self,
        renderer: Renderer,
        writing: ExitStack,
        store: Store,
        known: Mapping[str, Completion] | None = None,
        done: Iterable[int] = (),
        at_once: int = AT_ONCE,
        max_calls: int | None = None,
    ) -> None:
        super().__init__()
        plan, answers, run_id = renderer.plan, known or {}, f"run-{len(store.runs())}"
        scorers = bind(plan.scorers, prompts=JudgePrompts())
        backends = {spec.name: Echo(None, Options()) for spec in plan.backends}
        store.begin_run(run_id, plan)
        writer = writing.enter_context(store.writer(run_id))
        recorder = Recorder(writer, self, time.monotonic)
        self.desk = Desk(
            answers=Answers(
                lambda keys: {key: answers[key] for key in keys if key in answers}, writer.unstored
            ),
            clerk=Clerk(Budget(max_calls), backends, offline=False),
            stopping=Stopping(plan, Limits()),
            recorder=recorder,
            grading=Grading(plan, scorers, recorder.put_result, at_once),
        )
        self.work = TrialWork(renderer, self.desk, frozenset(done))


Begin = Callable[..., Run]


def carry(run: Run, answer: Answer = upper, batch: int = 3) -> int:
    return asyncio.run(work_off(run.work, answer, batch))
