"""What went wrong with a call that got no answer, for whoever decides whether to retry."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What went wrong with a call that got no answer."""

    UNREACHABLE = "unreachable"  # no connection
    BROKEN = "broken"  # a connection that ended before the answer did
    TIMEOUT = "timeout"
    BUSY = "busy"  # too many requests, or an overloaded server
    SERVER = "server"  # the server's own error
    UNREADABLE = "unreadable"  # a reply that is not a valid answer of this API
    COMPLAINT = "complaint"  # an error in a reply that succeeded, and nothing says that it passes
    REJECTED = "rejected"  # the request itself is at fault: retrying changes nothing


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call has no answer, and how long the server asks to wait, if it says so."""

    fault: Fault
    wait_s: float | None = None

    @property
    def passing(self) -> bool:
        """Return whether the same call may succeed later."""
        return self.fault is not Fault.REJECTED
