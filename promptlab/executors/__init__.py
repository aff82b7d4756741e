"""Who carries requests to backends, and how many at once.

An executor knows requests and completions only: no template, no database, no scorer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from promptlab.backends import Backend
from promptlab.core.errors import BackendError
from promptlab.core.types import Completion, Json, Request
from promptlab.core.watch import Watch


class Work(Protocol):
    """Where requests come from and completions go. Pulled, so that memory stays flat."""

    async def take(self, backend: str, limit: int) -> Sequence[Request]:
        """Return up to `limit` requests that are ready for this backend.

        Waits while requests in flight may still lead to new ones; an empty answer is final.
        Each request counts as one call of the run's budget.
        """

    def again(self, backend: str) -> bool:
        """Ask to make one call more, for a request that failed; False if the budget is spent.

        Such a request is then given up without an answer: nothing is said about it.
        """

    def confirm(self, backend: str) -> bool:
        """Ask, when a call that had to wait is about to be made, whether it still may be."""

    async def give(self, backend: str, request: Request, completion: Completion) -> None:
        """Hand in the completion of a request that was taken."""

    def keep_facts(self, backend: str, facts: Mapping[str, Json]) -> None:
        """Keep what a backend told of itself when it opened."""

    async def end(self, backend: str, error: BackendError) -> None:
        """Expect nothing more of a backend that failed; from now on `take` has nothing for it."""


class Executor(Protocol):
    """The contract of an executor."""

    def __init__(self, jobs: int | None = None) -> None:
        """Take how many calls each backend gets at once, None for what each wants itself."""

    async def execute(self, work: Work, backends: Mapping[str, Backend], watch: Watch) -> None:
        """Carry all of `work` to `backends`, until each has nothing left to do.

        A backend is opened when the first request for it is there: a run that the store answers
        alone loads no model. A call that failed for a passing reason is tried again, as the
        backend's `Patience` allows. A `BackendError` ends that backend; it is raised when the
        others have ended too. Cancelled, it sends nothing more and takes in what is in flight, as
        it may be paid for; cancelled once more, it ends at once. The `watch` is told when a backend
        opens, fails or has to wait, and what an interrupted run still waits for.
        """
