"""Who carries requests to backends, and how many at once.

An executor knows requests and completions only: no template, no database, no scorer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from promptlab.backends import Backend
from promptlab.types import Completion, Json, Request


class Work(Protocol):
    """Where requests come from and completions go. Pulled, so that memory stays flat."""

    async def take(self, backend: str, limit: int) -> Sequence[Request]:
        """Return up to `limit` requests that are ready for this backend.

        Waits while requests in flight may still lead to new ones; an empty answer is final.
        """

    def opening(self, backend: str) -> None:
        """Hear that a backend is about to load or connect, which may take a while."""

    def opened(self, backend: str, facts: Mapping[str, Json]) -> None:
        """Keep the facts that a backend told when it opened."""

    async def give(self, backend: str, request: Request, completion: Completion) -> None:
        """Hand in the completion of a request that was taken."""


class Executor(Protocol):
    """The contract of an executor."""

    async def execute(self, work: Work, backends: Mapping[str, Backend]) -> None:
        """Carry all of `work` to `backends`, until each has nothing left to do.

        A backend is opened when the first request for it is there: a run that the store answers
        alone loads no model.
        """
