"""The work of one backend, and the trials that are in it.

A trial under way is in the lane of the backend that it asks next. It changes lanes where a scorer
asks another backend, and comes back where it asks the first one again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from promptlab.core.types import Completion, Request, Trial, Turn
from promptlab.runner.requests import OpenTurn


@dataclass(slots=True)
class Conversation:
    """A trial under way: the turns so far, and the one that was asked last."""

    trial: Trial
    turns: list[Turn] = field(default_factory=list)
    asked: OpenTurn = field(init=False)

    @property
    def visits(self) -> bool:
        """Tell whether this asks another backend than the trial's own."""
        return self.asked.backend is not None

    def hear(self, completion: Completion, *, cached: bool) -> Turn:
        """Take in the answer to what was asked."""
        turn = self.asked.answered(completion, cached=cached)
        self.turns.append(turn)
        return turn


@dataclass(slots=True)
class Lane:
    """Trials not begun, those that are here by the state of their request, and who waits."""

    waiting: Iterator[Trial]
    unchecked: deque[Conversation] = field(default_factory=deque)
    ready: deque[Request] = field(default_factory=deque)
    in_flight: dict[str, list[Conversation]] = field(default_factory=dict)
    here: int = 0  # trials in this lane, also while they are looked up or graded
    begun: bool = False  # all trials that wait for this lane
    closed: bool = False  # the backend works no more, or the budget is spent
    failure: Completion | None = None  # what is heard of a backend that works no more
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def busy(self) -> bool:
        """Tell whether a trial in this lane may still ask something."""
        return not self.closed and (self.here > 0 or not self.begun)

    def enter(self, conversation: Conversation) -> None:
        """Take in a trial that asks something here; its answer may be stored."""
        self.here += 1
        self.unchecked.append(conversation)

    def send(self, conversation: Conversation) -> None:
        """Have a request sent, unless the same one is on its way."""
        request = conversation.asked.request
        if request.key in self.in_flight:
            self.in_flight[request.key].append(conversation)
        else:
            self.in_flight[request.key] = [conversation]
            self.ready.append(request)

    def drop(self, unwanted: Callable[[Conversation], bool]) -> list[Conversation]:
        """Take out the requests that nobody wants any more; return the trials that made them."""
        dropped: list[Conversation] = []
        ready, self.ready = self.ready, deque()
        for request in ready:
            if all(map(unwanted, self.in_flight[request.key])):
                dropped += self.in_flight.pop(request.key)
            else:
                self.ready.append(request)
        self.here -= len(dropped)
        return dropped

    def give_up(self, failure: Completion) -> list[Conversation]:
        """Send nothing more; return the trials that are here for a scorer, and wait in vain.

        Trials of this backend's own stay as they are: they are carried out when the run is resumed.
        """
        self.failure = failure
        self.close()
        waits = [list(self.unchecked), *self.in_flight.values()]
        left = [each for waiting in waits for each in waiting if each.visits]
        self.unchecked = deque(each for each in self.unchecked if not each.visits)
        for waiting in self.in_flight.values():
            waiting[:] = [each for each in waiting if not each.visits]
        return left

    def close(self) -> None:
        """Send no more: whoever waits here is let go."""
        self.closed = True
        self.changed.set()
