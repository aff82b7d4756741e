"""What an API has of its own: how its calls are written, and how its answers are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from promptlab.core.failure import Fault
from promptlab.core.types import Completion, Json, Request
from promptlab.remote.exchange import CallError
from promptlab.remote.streams import Event, said_in


class Dialect(ABC):
    """What a vendor's class says of its API. All of it is pure."""

    kind: ClassVar[str]

    @abstractmethod
    def path(self) -> str:
        """Return the path of calls, relative to the base URL: `/chat/completions`."""

    def stream_path(self) -> str:
        """Return the path of calls whose answer is to come as a stream."""
        return self.path()

    @property
    def thinks(self) -> bool | None:
        """Return whether the options tell the model to think; None if they do not say."""
        return None

    @abstractmethod
    def authorization(self, key: str) -> Mapping[str, str]:
        """Return the headers that carry the key."""

    @abstractmethod
    def body(self, request: Request) -> dict[str, Any]:
        """Return the body of a call, before the options add or omit keys."""

    @abstractmethod
    def read(self, body: Mapping[str, Any]) -> Completion:
        """Read an answer. Raise CallError(UNREADABLE) if the body is not one.

        LookupError and TypeError have the same effect: a body may lack any part of the format.
        """

    def join(self, events: Sequence[Event]) -> Mapping[str, Any]:
        """Return the events of a stream as the body that `read` takes. It fails like `read`."""
        raise CallError(Fault.UNREADABLE, f"a stream, which {self.kind} does not read")

    def said(self, event: Event) -> str:
        """Return what an event of a stream adds to the answer, thoughts aside; "" if nothing.

        LookupError, TypeError and AttributeError mean nothing, too.
        """
        return said_in(event)

    def stream_keys(self) -> Mapping[str, Any]:
        """Return the body keys that ask for a stream."""
        return {"stream": True}

    def variant(self) -> Mapping[str, Json]:
        """Return the vendor's own options that affect answers."""
        return {}

    def extra_headers(self) -> Mapping[str, str]:
        """Return the headers of every call to this vendor."""
        return {}

    def logprob_keys(self) -> Mapping[str, Any] | None:
        """Return the body keys that request log-probabilities; None if there are none."""
        return None
