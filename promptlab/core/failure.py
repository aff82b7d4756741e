"""What was wrong with a call that brought no answer: for whoever decides whether to ask again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What was wrong with a call that brought no answer."""

    UNREACHABLE = "unreachable"  # no connection
    BROKEN = "broken"  # a connection that ended before the answer did
    TIMEOUT = "timeout"
    BUSY = "busy"  # too many requests, or an overloaded server
    SERVER = "server"  # the server's own mistake
    UNREADABLE = "unreadable"  # a reply that is no answer of this interface
    REJECTED = "rejected"  # this request, for what it is: asking again changes nothing


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call has no answer, and how long the server wants to be left alone, if it says so."""

    fault: Fault
    wait_s: float | None = None

    @property
    def passing(self) -> bool:
        """Say whether the same call may succeed later."""
        return self.fault is not Fault.REJECTED
