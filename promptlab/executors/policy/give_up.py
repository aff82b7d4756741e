"""When a backend is given up: not one request has failed, but the whole server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from promptlab.core.errors import BackendError
from promptlab.core.failure import Failure, Fault

_TRIES_TO_REACH = 3  # for a server that has never answered: report a wrong address soon
# As from a wrong address, or from one that speaks something else.
_NO_ANSWER = (Fault.UNREACHABLE, Fault.BROKEN, Fault.TIMEOUT, Fault.UNREADABLE, Fault.COMPLAINT)
_LOST = 3  # requests in a row that ended in a complaint: the server has no answer for any


@dataclass(frozen=True, slots=True)
class Failed:
    """A try of a request that failed: why, how many there were by then, whether it was the last."""

    key: str
    failure: Failure
    error: str | None
    tries: int
    last: bool


class GiveUp:
    """Watches the calls of one backend. The clock, in seconds, is passed in."""

    def __init__(self, backend: str, limit_s: float, clock: Callable[[], float]) -> None:
        """`limit_s` is how long one request may take with all its tries."""
        self._backend = backend
        self._limit_s = limit_s
        self._clock = clock
        self._answered_at: float | None = None
        self._lost = 0
        self._serves = False
        self._refused: set[str] = set()  # requests, since the last answer

    def heard(self, failure: Failure | None) -> None:
        """Note that a call ended: the server is there, unless nothing came that could be read."""
        if failure is None or failure.fault not in _NO_ANSWER:
            self._answered_at = self._clock()
            self._lost = 0
        if failure is None or failure.fault is Fault.REJECTED:
            self._serves = True
            self._refused.clear()

    def check(self, failed: Failed, *, refuses_all: bool, more: bool) -> None:
        """Raise BackendError where no further call makes sense.

        `refuses_all` says that the server lets no call in at present, `more` that other requests
        may be waiting behind those that are tried.
        """
        failure, error, tries, last = failed.failure, failed.error, failed.tries, failed.last
        if failure.fault is Fault.UNREADABLE:
            self._check_readable(error, tries)
        elif failure.fault is Fault.COMPLAINT:
            self._check_content(error, tries, last=last)
        elif failure.fault is Fault.BROKEN:
            self._check_present(error, tries)
        elif failure.fault is Fault.UNREACHABLE:
            self._check_reachable(error, tries, last=last)
        elif failure.fault is Fault.BUSY:
            self._refused.add(failed.key)
            if refuses_all and self._refuses_any(more):
                self._check_admitted(failure, error, last=last)

    def _check_readable(self, error: str | None, tries: int) -> None:
        """Give up on unreadable replies, unless others could be read."""
        if self._answered_at is None and tries >= _TRIES_TO_REACH:
            raise BackendError(
                f"backend {self._backend!r} sends no readable reply: {error}",
                hint="check base_url, then resume the run",
            )

    def _check_content(self, error: str | None, tries: int, *, last: bool) -> None:
        """Give up on a server that has only complaints, though it calls them successes."""
        self._lost += last
        if (self._answered_at is None and tries >= _TRIES_TO_REACH) or self._lost >= _LOST:
            raise BackendError(
                f"backend {self._backend!r} answers with an error: {error}",
                hint="check base_url and the model, then resume the run",
            )

    def _check_present(self, error: str | None, tries: int) -> None:
        """Give up on a server that ends every connection, as one does that speaks only https."""
        if self._answered_at is None and tries >= _TRIES_TO_REACH:
            raise BackendError(
                f"backend {self._backend!r} ends every connection before its answer: {error}",
                hint="does base_url need https://, or another port? Correct that, then resume",
            )

    def _check_reachable(self, error: str | None, tries: int, *, last: bool) -> None:
        if self._answered_at is None:
            unreachable = last or tries >= _TRIES_TO_REACH
        else:
            unreachable = last and self._clock() - self._answered_at > self._limit_s / 2
        if unreachable:
            raise BackendError(
                f"backend {self._backend!r} cannot be reached: {error}",
                hint="start the server or check base_url, then resume the run",
            )

    def _refuses_any(self, more: bool) -> bool:
        """Return whether the server would refuse any request, and not these few alone.

        One request that is refused for ever, or the last few of a server that has answered all the
        others, fail by themselves: nothing waits for them.
        """
        return len(self._refused) > 1 and (more or not self._serves)

    def _check_admitted(self, failure: Failure, error: str | None, *, last: bool) -> None:
        """Give up on a server that refuses everything for longer than the time limit."""
        wait_s, limit_s = failure.wait_s or 0.0, self._limit_s
        if wait_s > limit_s:
            raise BackendError(
                f"backend {self._backend!r} asks to be left alone for {wait_s:.0f} s: {error}",
                hint=f"resume the run after that; it waits at most time_limit_s, {limit_s:g} s",
            )
        if last:
            raise BackendError(
                f"backend {self._backend!r} refuses every call: {error}",
                hint=f"resume the run later; it waited for time_limit_s, {limit_s:g} s",
            )
