"""The trials of a plan as a stream of requests: rendered on demand, minus what is stored.

Each trial is a conversation: its template says what to ask, the answer leads to the next request,
and then scorers may ask more, also of other backends. This module runs that loop for all trials at
once, and knows nothing of particular backends, scorers or SQL.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from promptlab.core.answers import received
from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.types import Completion, Outcome, Request, Trial, Turn
from promptlab.runner.answers import Portion
from promptlab.runner.desk import Desk, Script
from promptlab.runner.lanes import Conversation, Lane

_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
LOOK_UP = 500  # requests that are looked up in the store at once
_PAUSE_S = 0.02  # between two looks at whether there is room in the store again
_STEP = 64  # most requests that a run which may stop early hands out at once


def _received(request: Request, completion: Completion) -> Completion:
    """Return an answer as all that follows sees it: storable, and with its thoughts apart.

    Done once, where an answer arrives. A backend that knows better takes the thoughts out itself.
    """
    if completion.thoughts is None:
        completion = received(request, completion)
    text = _storable(completion.text)
    thoughts = completion.thoughts and _storable(completion.thoughts)
    if text == completion.text and thoughts == completion.thoughts:
        return completion
    return replace(completion, text=text, thoughts=thoughts)


def _storable(text: str) -> str:
    """Replace what neither SQLite nor a prompt can hold: NUL and lone surrogates."""
    if text.isascii() and "\0" not in text:
        return text
    return _NOT_STORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


class TrialWork:
    """The requests of all unfinished trials, in the form that an executor takes.

    The `desk` looks answers up and records what happens. Trials in `done` are left out, and no more
    than `most_begun` are in progress. Identical requests in flight are sent once.
    """

    def __init__(
        self,
        script: Script,
        desk: Desk,
        done: frozenset[int] = frozenset(),
        most_begun: int | None = None,
    ) -> None:
        self.keep_facts = desk.recorder.keep_facts
        self._portion = Portion(LOOK_UP)
        self._script = script
        self._desk = desk
        self._most_begun = most_begun
        arms: defaultdict[str, set[int]] = defaultdict(set)
        for index, arm in enumerate(script.plan.arms):
            arms[script.lane_of(arm)].add(index)
        self._lanes = {
            spec.name: Lane(self._trials(frozenset(arms[spec.name]), done))
            for spec in script.plan.backends
        }

    def _trials(self, arms: frozenset[int], done: frozenset[int]) -> Iterator[Trial]:
        plan = self._script.plan
        trials = (plan.trial(seq) for seq in range(plan.size if arms else 0) if seq not in done)
        for trial in trials:
            if trial.arm not in arms:
                continue
            if self._desk.stopping.wanted(trial):
                yield trial
            else:
                self._desk.stopping.leave_out(trial)

    async def take(self, backend: str, limit: int) -> Sequence[Request]:
        """Return up to `limit` requests to send; wait while answers may lead to more."""
        lane = self._lanes[backend]
        if self._script.plan.sequential is not None:
            limit = min(limit, _STEP)
        while not lane.closed:
            await self._room(lane)
            self._drop_unwanted(lane)
            while len(lane.ready) < limit and await self._fill(lane):
                await self._look_up(lane)
                await self._room(lane)
                self._drop_unwanted(lane)
            if lane.ready:
                if count := self._desk.clerk.reserve(backend, min(limit, len(lane.ready))):
                    self._desk.recorder.hand_out(backend, count)
                    return [lane.ready.popleft() for _ in range(count)]
                self._close(lane)
            elif not self._is_fed(lane):
                self._wake(lane)
                return []
            else:
                lane.changed.clear()
                await lane.changed.wait()
        return []

    def storable(self) -> bool:
        """Return whether answers can be stored at present."""
        return self._desk.recorder.has_room

    async def _room(self, lane: Lane) -> None:
        """Wait while answers could not be stored soon."""
        while not (self.storable() or lane.closed):
            await asyncio.sleep(_PAUSE_S)

    def _is_fed(self, lane: Lane) -> bool:
        """Return whether trials in progress may still ask something in a lane."""
        if self._script.asks_others:
            return any(other.busy for other in self._lanes.values())
        return lane.busy

    def _wake(self, lane: Lane) -> None:
        """Wake the workers that wait in a lane, and in other lanes that it may have fed."""
        for other in self._lanes.values() if self._script.asks_others else (lane,):
            other.changed.set()

    def _close(self, lane: Lane) -> None:
        lane.close()
        self._wake(lane)

    def again(self, backend: str) -> bool:
        """Return whether one more call may be made, for a request that failed."""
        lane = self._lanes[backend]
        if not lane.closed and not self._desk.clerk.reserve(backend, 1):
            self._close(lane)
        return not lane.closed

    def confirm(self, backend: str) -> bool:
        """Return whether a call that had to wait may still be made."""
        if not self._desk.clerk.confirm():
            self._close(self._lanes[backend])
            return False
        return True

    async def end(self, backend: str, error: BackendError) -> None:
        """End the work of a backend that failed; what scorers asked of it fails too."""
        lane = self._lanes[backend]
        failure = Completion(Outcome.ERROR, error=f"backend {backend!r} has failed: {error}")
        for conversation in lane.give_up(failure):
            conversation.receive(failure, cached=False)
            await self._advance(lane, conversation)
        self._wake(lane)

    async def give(self, backend: str, request: Request, completion: Completion) -> None:
        """Hand an answer to every trial that waits for it; each continues or ends."""
        lane = self._lanes[backend]
        completion = _received(request, completion)
        waiting = lane.in_flight[request.key]
        if not waiting:  # the backend was given up, but this answer still arrived
            self._store(Turn(backend, request, completion, cached=False, aside=True), backend)
        first = True
        while waiting:
            conversation = waiting.pop(0)
            shared = not first and completion.outcome is not Outcome.ERROR
            turn = conversation.receive(completion, cached=shared)
            if first:
                self._store(turn, backend)
            first = False
            await self._advance(lane, conversation)
        del lane.in_flight[request.key]
        self._wake(lane)

    def _store(self, turn: Turn, backend: str) -> None:
        """Charge and store an answer that was measured."""
        self._desk.clerk.charge(backend, turn)
        self._desk.recorder.put_turn(turn, backend)

    def _drop_unwanted(self, lane: Lane) -> None:
        """Leave out trials that have nothing left to decide."""
        if self._script.plan.sequential is None:
            return
        wanted = self._desk.stopping.wanted
        for conversation in lane.drop(lambda waiting: not wanted(waiting.trial)):
            self._desk.stopping.leave_out(conversation.trial)

    async def _fill(self, lane: Lane) -> bool:
        """Begin trials until a look-up pays off; False if there is nothing to look up."""
        while len(lane.unchecked) < self._portion.size and not self._is_crowded:
            trial = next(lane.waiting, None)
            if trial is None:
                lane.begun = True
                break
            conversation = Conversation(trial, self._script.begin(trial))
            if not self._ask(conversation):  # what it begins with leaves nothing to ask
                await self._finish(conversation, None)
            elif self._lane_of(conversation) is not lane:
                self._wake(lane)
        return bool(lane.unchecked)

    @property
    def _is_crowded(self) -> bool:
        if self._most_begun is None:
            return False
        return sum(lane.here for lane in self._lanes.values()) >= self._most_begun

    def _ask(self, conversation: Conversation) -> bool:
        """Render the next call of a trial; False at its end."""
        while True:
            opened = self._script.next(conversation.trial, conversation.turns)
            if opened is None:
                return False
            conversation.pending = opened
            lane = self._lane_of(conversation)
            if lane.failure is None or not conversation.visits:
                lane.enter(conversation)
                return True
            key = conversation.pending.request.key
            completion = self._desk.answers.find([key]).get(key, lane.failure)
            conversation.receive(completion, cached=completion is not lane.failure)

    def _lane_of(self, conversation: Conversation) -> Lane:
        own = self._script.plan.arms[conversation.trial.arm].backend
        return self._lanes[conversation.pending.backend or own]

    async def _look_up(self, lane: Lane) -> None:
        """Answer what the store knows; make the rest ready to send."""
        conversations = list(lane.unchecked)
        lane.unchecked.clear()
        await self._sort(lane, conversations)
        self._wake(lane)
        await asyncio.sleep(0)  # so that a run answered by the store alone still reacts to Ctrl-C

    async def _sort(self, lane: Lane, conversations: Sequence[Conversation]) -> None:
        keys = [conversation.pending.request.key for conversation in conversations]
        known = self._desk.answers.find(keys)
        self._portion.learn(known.values())
        for conversation in conversations:
            completion = known.get(conversation.pending.request.key)
            if completion is None and conversation.visits:
                completion = lane.failure  # it may have been given up in the meantime
            if completion is None:
                lane.send(conversation)
            else:
                conversation.receive(completion, cached=completion is not lane.failure)
                await self._advance(lane, conversation)

    async def _advance(self, lane: Lane, conversation: Conversation) -> None:
        """Let a trial that got an answer ask more, or end; `lane` is where it was.

        An answer from which the template cannot continue fails only this trial. A question aside
        that failed concerns only the scorer that asked it.
        """
        last = conversation.turns[-1]
        failed = last.completion.outcome is Outcome.ERROR and not last.aside
        error = last.completion.error if failed else None
        try:
            goes_on = error is None and self._ask(conversation)
        except PromptlabError as failure:
            goes_on, error = False, str(failure)
        if not goes_on:
            await self._finish(conversation, error)
        lane.here -= 1

    async def _finish(self, conversation: Conversation, error: str | None) -> None:
        turns = tuple(conversation.turns)
        await self._desk.grading.finish(conversation.trial, turns, error)
