"""The work of one backend, and the trials that are in it.

A trial in progress is in the lane of the backend that it asks next. It changes lanes when a scorer
asks another backend, and comes back when it asks the first one again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from promptlab.core.types import Completion, Request, Trial, Turn
from promptlab.runner.questions import OpenTurn


@dataclass(slots=True)
class Conversation:
    """A trial in progress: the turns so far, and the one that waits for its answer."""

    trial: Trial
    turns: list[Turn] = field(default_factory=list)
    pending: OpenTurn = field(init=False)

    @property
    def visits(self) -> bool:
        """Return whether this asks a backend other than the trial's own."""
        return self.pending.backend is not None

    def receive(self, completion: Completion, *, cached: bool) -> Turn:
        """Add the answer to the pending turn."""
        turn = self.pending.answered(completion, cached=cached)
        self.turns.append(turn)
        return turn


@dataclass(slots=True)
class Lane:
    """Trials not begun, those here by the state of their request, and the lane's own state."""

    waiting: Iterator[Trial]
    unchecked: deque[Conversation] = field(default_factory=deque)
    ready: deque[Request] = field(default_factory=deque)
    in_flight: dict[str, list[Conversation]] = field(default_factory=dict)
    here: int = 0  # trials in this lane, also while they are looked up or graded
    begun: bool = False  # all trials that waited for this lane
    closed: bool = False  # the backend has failed, or the budget is spent
    failure: Completion | None = None  # the answer to every question to a failed backend
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def busy(self) -> bool:
        """Return whether a trial in this lane may still ask something."""
        return not self.closed and (self.here > 0 or not self.begun)

    def enter(self, conversation: Conversation) -> None:
        """Add a trial that asks something here; its answer may be stored."""
        self.here += 1
        self.unchecked.append(conversation)

    def send(self, conversation: Conversation) -> None:
        """Queue a request, unless the same one is in flight."""
        request = conversation.pending.request
        if request.key in self.in_flight:
            self.in_flight[request.key].append(conversation)
        else:
            self.in_flight[request.key] = [conversation]
            self.ready.append(request)

    def drop(self, unwanted: Callable[[Conversation], bool]) -> list[Conversation]:
        """Remove the requests that no trial wants any more; return the trials that made them."""
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

        The backend's own trials stay as they are: they are carried out when the run is resumed.
        """
        self.failure = failure
        self.close()
        waits = [list(self.unchecked), *self.in_flight.values()]
        left = [guest for waiting in waits for guest in waiting if guest.visits]
        self.unchecked = deque(own for own in self.unchecked if not own.visits)
        for waiting in self.in_flight.values():
            waiting[:] = [own for own in waiting if not own.visits]
        return left

    def close(self) -> None:
        """Send nothing more, and release the workers that wait here."""
        self.closed = True
        self.changed.set()
