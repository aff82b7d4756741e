"""One trial by itself, heard while it is answered: stored like any other, and no part of a run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from promptlab.backends import Backend, stream_of
from promptlab.core.budget import Budget
from promptlab.core.decision import Limits
from promptlab.core.runs import BackendFacts
from promptlab.core.types import Arm, Completion, Outcome, Plan, Request, Trial, TrialResult, Turn
from promptlab.core.watch import Watch
from promptlab.executors import Executor
from promptlab.runner.answers import Answers
from promptlab.runner.carrying import close_all, execute
from promptlab.runner.clerk import Clerk
from promptlab.runner.desk import Desk
from promptlab.runner.grading import Grading
from promptlab.runner.questions import OpenTurn
from promptlab.runner.recorder import Recorder
from promptlab.runner.requests import Renderer
from promptlab.runner.stopping import Stopping
from promptlab.runner.trials import TrialWork
from promptlab.scorers.binding import BoundScorer
from promptlab.store import Store


class Listener(Protocol):
    """Whoever hears the answers of one trial as they come. What scorers ask aside is not heard."""

    def opened(self, name: str) -> None:
        """Note that the answer of this name is asked for next."""

    def began(self) -> None:
        """Note that its text begins: again, if a call broke off and is made once more."""

    def heard(self, piece: str) -> None:
        """Take the next piece of its text."""

    def answered(self, turn: Turn) -> None:
        """Take the whole answer, which alone counts."""


class Deaf:
    """A listener that waits for the whole answer."""

    def opened(self, name: str) -> None:
        """Ignore which answer comes."""

    def began(self) -> None:
        """Ignore that it begins."""

    def heard(self, piece: str) -> None:
        """Ignore its pieces."""

    def answered(self, turn: Turn) -> None:
        """Ignore it: the result has it."""


@dataclass(frozen=True, slots=True)
class Trying:
    """What one trial is answered with. With `fresh`, stored answers do not count."""

    store: Store
    backends: Mapping[str, Backend]
    scorers: Sequence[BoundScorer]
    executor: Executor
    budget: Budget
    fresh: bool = False
    offline: bool = False


async def try_once(
    renderer: Renderer, trying: Trying, listener: Listener, watch: Watch
) -> TrialResult | None:
    """Carry out the only trial of a plan; None if the budget ends it."""
    results: list[TrialResult] = []
    script = _Told(renderer, listener)
    records = _Records(trying.store)
    grading = Grading(renderer.plan, trying.scorers, results.append)
    desk = Desk(
        answers=Answers(_nothing if trying.fresh else records.stored, _nothing),
        clerk=Clerk(trying.budget, trying.backends, offline=trying.offline),
        stopping=Stopping(renderer.plan, Limits()),
        recorder=Recorder(records, watch, asyncio.get_running_loop().time),
        grading=grading,
    )
    heard = {
        name: cast(Backend, _Heard(backend, script)) for name, backend in trying.backends.items()
    }
    try:
        await execute(trying.executor, TrialWork(script, desk), grading, heard, watch)
    finally:
        desk.end()
        await close_all(trying.backends, watch)
    for result in results:
        script.tell(result.turns)
        return result
    return None


def _nothing(keys: Sequence[str]) -> Mapping[str, Completion]:
    return {}


class _Told:
    """The script of the trial, which tells the listener what is asked and answered."""

    def __init__(self, renderer: Renderer, listener: Listener) -> None:
        self.plan: Plan = renderer.plan
        self.asks_others = renderer.asks_others
        self.listener = listener
        self.open = ""  # the key of the request that is heard
        self._renderer = renderer
        self._told = 0

    def lane_of(self, arm: Arm) -> str:
        return self._renderer.lane_of(arm)

    def begin(self, trial: Trial) -> list[Turn]:
        return self._renderer.begin(trial)

    def next(self, trial: Trial, turns: Sequence[Turn]) -> OpenTurn | None:
        self.tell(turns)
        opened = self._renderer.next(trial, turns)
        self.open = ""
        if opened is not None and not opened.aside:
            self.open = opened.request.key
            self.listener.opened(opened.name)
        return opened

    def tell(self, turns: Sequence[Turn]) -> None:
        """Tell of the turns that are new."""
        new, self._told = turns[self._told :], len(turns)
        for turn in new:
            if not turn.aside:
                self.listener.answered(turn)


class _Heard:
    """A backend whose answer is passed on piece by piece, if it has a stream."""

    def __init__(self, backend: Backend, script: _Told) -> None:
        self._backend = backend
        self._script = script

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    async def generate(
        self, requests: Sequence[Request]
    ) -> AsyncIterator[tuple[Request, Completion]]:
        stream = stream_of(self._backend)
        for request in requests:
            if stream is None or request.continuations or request.key != self._script.open:
                async for pair in self._backend.generate((request,)):
                    yield pair
                continue
            self._script.listener.began()
            async for piece in stream(request):
                if isinstance(piece, str):
                    self._script.listener.heard(piece)
                else:
                    yield request, piece


class _Records:
    """Stores the answers of the trial at once, and nothing else: there is no run."""

    has_room = True
    ended = False

    def __init__(self, store: Store) -> None:
        self._store = store

    def stored(self, keys: Sequence[str]) -> Mapping[str, Completion]:
        return self._store.completions(keys, None)

    def put_facts(self, backend: str, facts: BackendFacts) -> None:
        return

    def put_turn(self, turn: Turn) -> None:
        if turn.completion.outcome is not Outcome.ERROR:
            self._store.answers.keep(turn)

    def put_result(self, result: TrialResult) -> None:
        return
