"""How many calls a backend gets at once and how fast, learned while it answers.

The number in flight grows while all is well and halves when the server asks for less (additive
increase, multiplicative decrease, as in TCP; Chiu and Jain 1989). Occasional refusals that do not
depend on the number in flight are not such a signal: those calls are just retried. Halving tells
the two apart: if fewer calls are refused as often, sending less does not help, and the limit climbs
again. It knows nothing of requests or the network; the clock is passed in.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from promptlab.core.capacity import Pace
from promptlab.core.failure import Fault
from promptlab.core.types import Completion

_START = 32  # calls in flight at first; doubles after every round of good answers
# Refused calls per answered call. Up to the first they do not matter; above the second too many
# calls are in flight; in between, halving shows whether that makes a difference.
_STRAY, _MANY = 1 / 8, 1 / 2
_CLEARLY_LESS = 3 / 4  # of those in flight before: if refusals go on, it is not their number
_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 8.0  # if all are refused and the server names no delay
_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A call that was let in: how often the limit had been cut by then, and tokens reserved."""

    cuts: int
    tokens: float


class Throttle:
    """Lets in calls to one backend: as many as it can bear, at most `ceiling`, at `pace`.

    Used from one event loop; first come, first served.
    """

    def __init__(self, ceiling: int, pace: Pace, clock: Callable[[], float]) -> None:
        self.limit = float(min(ceiling, _START))
        self.active = 0
        self._ceiling = ceiling
        self._threshold = float(ceiling)  # below it the limit doubles, above it it grows slowly
        self._clock = clock
        self._requests = Meter(pace.requests_per_minute)
        self._tokens = Meter(pace.tokens_per_minute)
        self._paced = pace != Pace()
        self._waiting: deque[asyncio.Future[int]] = deque()
        self._closed_until = 0.0
        self._ended = asyncio.Event()
        self._cuts = 0
        self._cuts_in_a_row = 0  # without an answer in between
        self._refused = 0.0  # of the calls in flight together, decaying over time
        self._borne = 1.0  # the most in flight at which most, though not all, were answered
        self._in_vain = False  # the limit was halved, but as many are refused as before

    @property
    def refuses_all(self) -> bool:
        """Return whether the server, though fewer were sent, refused again and answered nothing."""
        return self._cuts_in_a_row > 1

    def end(self) -> None:
        """Let in at once all that wait or still come: they send nothing any more."""
        self._ended.set()
        self.limit = float("inf")
        self._let_in()

    async def enter(self, tokens: float = 0.0) -> Entry:
        """Wait for a place and for the pace. Each entry must be returned by `leave`."""
        cuts = self._cuts
        if self._waiting or self.active + 1 > self.limit:
            cuts = await self._place()
        else:
            self.active += 1
        try:
            if await self._time(tokens):
                cuts = self._cuts
        except asyncio.CancelledError:
            self._free()
            raise
        return Entry(cuts, tokens)

    def leave(self, entry: Entry, completion: Completion | None) -> None:
        """Return a place and learn from how the call ended; None means that it was cut off."""
        if completion is not None:
            failure = completion.failure
            if failure is None or failure.fault is Fault.REJECTED:
                self._grow()
            elif failure.fault is Fault.BUSY:
                self._shrink(entry, failure.wait_s)
            if self._paced:
                self._settle(entry, completion)
        self._free()

    async def _place(self) -> int:
        """Wait for a place; return how often the limit had been cut by the time there was one."""
        place: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._free()
            raise

    async def _time(self, tokens: float) -> bool:
        """Wait until a call may be made; return whether that took any time."""
        waited = await self._until(0.0)
        if self._paced:
            now = self._clock()
            moment = max(self._requests.reserve(now, 1.0), self._tokens.reserve(now, tokens))
            waited |= await self._until(moment)
        return waited

    async def _until(self, moment: float) -> bool:
        """Wait until `moment`, and for as long as the server is left alone."""
        waited = False
        while (wait := max(moment, self._closed_until) - self._clock()) > 0:
            waited = True
            try:
                async with asyncio.timeout(wait):
                    await self._ended.wait()
                break
            except TimeoutError:
                continue
        return waited

    def _free(self) -> None:
        self.active -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self.active + 1 <= self.limit:
            place = self._waiting.popleft()
            if not place.done():
                self.active += 1
                place.set_result(self._cuts)

    def _grow(self) -> None:
        self._cuts_in_a_row = 0
        self._refused *= 1.0 - 1.0 / self.limit
        if self.limit < self._ceiling:
            step = 1.0 if self.limit < self._threshold else 1.0 / self.limit
            self.limit = min(self.limit + step, float(self._ceiling))

    def _shrink(self, entry: Entry, wait_s: float | None) -> None:
        """Halve the limit if it is too high, once for all calls that were in flight together.

        A server that refuses again, with no answer in between, is left alone as long as it asks:
        then it was not just this call that was too much.
        """
        if entry.cuts != self._cuts:
            return
        self._refused += 1.0
        if not self._too_many():
            return
        if self._cuts_in_a_row > 0:
            pause = min(_PAUSE_S * 2.0**self._cuts_in_a_row, _LONGEST_PAUSE_S)
            pause = pause if wait_s is None else wait_s
            self._closed_until = max(self._closed_until, self._clock() + pause)
        self._cuts += 1
        self._cuts_in_a_row += 1
        self._refused = 0.0
        self._in_vain = False
        self._threshold = self.limit = max(1.0, self.limit / 2)

    def _too_many(self) -> bool:
        """Judge by the share of refusals whether fewer in flight would be refused less often.

        Some refusals are a reason to halve the limit. If there are as many with clearly fewer in
        flight, halving was in vain: they are not a reason any more, until the number is twice what
        it was then. So it does not fall below half of what was mostly answered.
        """
        share = self._refused / self.limit
        if share <= _STRAY:
            return False
        if share > _MANY or self._cuts_in_a_row > 0:
            self._borne = self.limit / 2
            return True
        if self.limit <= _CLEARLY_LESS * self._borne:
            self._in_vain = True
        if not self._in_vain:
            self._borne = self.limit
        elif self.limit >= self._borne:
            self._borne = 2.0 * self.limit
        return not self._in_vain

    def _settle(self, entry: Entry, completion: Completion) -> None:
        """Count the tokens that a call used instead of those reserved for it."""
        usage = completion.usage
        if usage.input_tokens is not None and usage.output_tokens is not None:
            self._tokens.correct(usage.input_tokens + usage.output_tokens - entry.tokens)


class Meter:
    """Spaces out what may be used per minute. Without a limit, everything at once."""

    def __init__(self, per_minute: float | None) -> None:
        self._seconds_each = 0.0 if per_minute is None else _MINUTE / per_minute
        self._free_at = 0.0

    def reserve(self, now: float, amount: float) -> float:
        """Reserve an amount and return the moment from which it may be used."""
        start = max(now, self._free_at)
        self._free_at = start + amount * self._seconds_each
        return start

    def correct(self, amount: float) -> None:
        """Add to, or subtract from, what was reserved."""
        self._free_at += amount * self._seconds_each
