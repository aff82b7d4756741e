"""The trials of a plan as a stream of requests: rendered when wanted, minus what is stored.

Each trial is a conversation: its template says what to ask, the answer leads to the next request
or to the end. This module holds that loop for all trials at once and knows no backend, no
scorer's name and no SQL.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.types import Completion, Outcome, Request, Trial, Turn
from promptlab.runner.answers import Answers
from promptlab.runner.clerk import Clerk
from promptlab.runner.grading import Grading
from promptlab.runner.recorder import Recorder
from promptlab.runner.requests import Ask, Renderer
from promptlab.runner.stopping import Stopping

_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
LOOK_UP = 500  # requests that are looked up in the store at once
_STEP = 64  # requests that a run which may stop early hands out at once, at most


@dataclass(frozen=True, slots=True)
class Desk:
    """Those who take part in a run beside the trials, each with one job."""

    answers: Answers
    clerk: Clerk
    stopping: Stopping
    recorder: Recorder
    grading: Grading


def _storable(completion: Completion) -> Completion:
    """Mend a text that neither SQLite nor a prompt can hold as it is: NUL, halves of a character.

    Done once, where an answer comes in: what is graded, stored, shown and asked on from is one.
    """
    text = completion.text
    if (text.isascii() and "\0" not in text) or not _NOT_STORABLE.search(text):
        return completion
    return replace(completion, text=_NOT_STORABLE.sub("\N{REPLACEMENT CHARACTER}", text))


@dataclass(slots=True)
class _Conversation:
    """A trial under way: the turns so far, and the call that waits for its answer."""

    trial: Trial
    turns: list[Turn] = field(default_factory=list)
    asked: Ask | None = None

    @property
    def request(self) -> Request:
        """Return what was asked."""
        assert self.asked is not None
        return self.asked.request

    def hear(self, completion: Completion, *, cached: bool) -> Turn:
        """Take in the answer to what was asked."""
        assert self.asked is not None
        turn = self.asked.answered(completion, cached=cached)
        self.turns.append(turn)
        return turn


@dataclass(slots=True)
class _Lane:
    """The work of one backend: trials not begun, requests by their state, and who waits."""

    waiting: Iterator[Trial]
    unchecked: deque[_Conversation] = field(default_factory=deque)
    ready: deque[Request] = field(default_factory=deque)
    in_flight: dict[str, list[_Conversation]] = field(default_factory=dict)
    looked_up: int = 0  # look-ups under way, whose trials may still want to be sent
    closed: bool = False  # the backend works no more, or the budget is spent
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def close(self) -> None:
        """Send no more: whoever waits here is let go."""
        self.closed = True
        self.changed.set()


class TrialWork:
    """The requests of all unfinished trials, as an executor takes them.

    The `desk` looks answers up and takes in what happens. Trials in `done` are left out.
    Identical requests in flight are sent once.
    """

    def __init__(self, renderer: Renderer, desk: Desk, done: frozenset[int] = frozenset()) -> None:
        self.keep_facts = desk.recorder.keep_facts
        self._renderer = renderer
        self._desk = desk
        arms: defaultdict[str, set[int]] = defaultdict(set)
        for index, arm in enumerate(renderer.plan.arms):
            arms[arm.backend].add(index)
        self._lanes = {
            name: _Lane(self._trials(frozenset(indices), done)) for name, indices in arms.items()
        }

    def _trials(self, arms: frozenset[int], done: frozenset[int]) -> Iterator[Trial]:
        plan = self._renderer.plan
        trials = (plan.trial(seq) for seq in range(plan.size) if seq not in done)
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
        if self._renderer.plan.sequential is not None:
            limit = min(limit, _STEP)
        while not lane.closed:
            self._drop_unwanted(lane)
            while len(lane.ready) < limit and self._fill(lane):
                await self._look_up(lane)
                self._drop_unwanted(lane)
            if lane.ready:
                if count := self._desk.clerk.reserve(backend, min(limit, len(lane.ready))):
                    return [lane.ready.popleft() for _ in range(count)]
                lane.close()
            elif not (lane.in_flight or lane.looked_up):
                lane.changed.set()
                return []
            else:
                lane.changed.clear()
                await lane.changed.wait()
        return []

    def again(self, backend: str) -> bool:
        """Ask to make one call more, for a request that failed."""
        lane = self._lanes[backend]
        if not lane.closed and not self._desk.clerk.reserve(backend, 1):
            lane.close()
        return not lane.closed

    def confirm(self, backend: str) -> bool:
        """Ask whether a call that had to wait may still be made."""
        if not self._desk.clerk.confirm():
            self._lanes[backend].close()
            return False
        return True

    async def end(self, backend: str, error: BackendError) -> None:
        """End the work of a backend that works no more."""
        self._lanes[backend].close()

    async def give(self, backend: str, request: Request, completion: Completion) -> None:
        """Take an answer in: every trial that waits for it goes on or ends."""
        lane = self._lanes[backend]
        completion = _storable(completion)
        conversations = lane.in_flight[request.key]
        for place, conversation in enumerate(conversations):
            shared = place > 0 and completion.outcome is not Outcome.ERROR
            turn = conversation.hear(completion, cached=shared)
            if place == 0:
                self._take_down(backend, turn)
            await self._advance(lane, conversation)
        del lane.in_flight[request.key]
        lane.changed.set()

    def _take_down(self, backend: str, turn: Turn) -> None:
        """Charge, keep and remember an answer that was measured."""
        self._desk.clerk.charge(backend, turn)
        self._desk.recorder.put_turn(turn)
        self._desk.answers.remember(turn)

    def _drop_unwanted(self, lane: _Lane) -> None:
        """Leave out requests that no wanted trial waits for any more."""
        if self._renderer.plan.sequential is None:
            return
        ready = list(lane.ready)
        lane.ready.clear()
        for request in ready:
            waiting = lane.in_flight[request.key]
            if any(self._desk.stopping.wanted(conversation.trial) for conversation in waiting):
                lane.ready.append(request)
                continue
            for conversation in lane.in_flight.pop(request.key):
                self._desk.stopping.leave_out(conversation.trial)

    def _fill(self, lane: _Lane) -> bool:
        """Render trials until a look-up is worth it; False when there is none to look up."""
        for trial in lane.waiting:
            self._ask(lane, _Conversation(trial))
            if len(lane.unchecked) >= LOOK_UP:
                break
        return bool(lane.unchecked)

    def _ask(self, lane: _Lane, conversation: _Conversation) -> bool:
        """Render the next call of a trial; False at its end."""
        conversation.asked = self._renderer.next(conversation.trial, conversation.turns)
        if conversation.asked is None:
            return False
        lane.unchecked.append(conversation)
        return True

    async def _look_up(self, lane: _Lane) -> None:
        """Answer from the store what it knows; the rest is ready to be sent."""
        asked = list(lane.unchecked)
        lane.unchecked.clear()
        lane.looked_up += 1
        try:
            await self._sort(lane, asked)
        finally:
            lane.looked_up -= 1
            lane.changed.set()
        await asyncio.sleep(0)  # a run answered by the store alone must still hear Ctrl-C

    async def _sort(self, lane: _Lane, asked: Sequence[_Conversation]) -> None:
        known = self._desk.answers.find([conversation.request.key for conversation in asked])
        for conversation in asked:
            request = conversation.request
            completion = known.get(request.key)
            if completion is not None:
                conversation.hear(completion, cached=True)
                await self._advance(lane, conversation)
            elif request.key in lane.in_flight:
                lane.in_flight[request.key].append(conversation)
            else:
                lane.in_flight[request.key] = [conversation]
                lane.ready.append(request)

    async def _advance(self, lane: _Lane, conversation: _Conversation) -> None:
        """Let a trial that heard an answer ask on, or end.

        An answer that the template cannot go on from fails this trial alone. What failed aside is
        missed by the scorer that asked, and by nobody else.
        """
        heard = conversation.turns[-1]
        failed = heard.completion.outcome is Outcome.ERROR and not heard.aside
        error = heard.completion.error if failed else None
        try:
            if error is None and self._ask(lane, conversation):
                return
        except PromptlabError as failure:
            error = str(failure)
        await self._desk.grading.finish(conversation.trial, tuple(conversation.turns), error)
