"""Who carries requests to backends, and how many at once.

An executor knows only requests and completions: no templates, database or scorers.
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

        Waits while requests in flight may still lead to new ones; an empty result is final.
        Each request counts as one call of the run's budget.
        """

    def again(self, backend: str) -> bool:
        """Return whether one more call may be made for a request that failed.

        False means that the budget is spent: give the request up without an answer.
        """

    def confirm(self, backend: str) -> bool:
        """Return whether a call that had to wait, and is about to be made, still may be."""

    def storable(self) -> bool:
        """Return whether answers can be stored at present; while they cannot, send nothing."""

    async def give(self, backend: str, request: Request, completion: Completion) -> None:
        """Hand in the completion of a request that was taken."""

    def keep_facts(self, backend: str, facts: Mapping[str, Json]) -> None:
        """Store the facts that a backend reported when it opened."""

    async def end(self, backend: str, error: BackendError) -> None:
        """Expect nothing more from a backend that failed; from now on `take` has nothing for it."""


class Executor(Protocol):
    """The contract of an executor."""

    def __init__(self, jobs: int | None = None) -> None:
        """Take how many calls each backend gets at once; None means its own capacity."""

    async def execute(self, work: Work, backends: Mapping[str, Backend], watch: Watch) -> None:
        """Carry all of `work` to `backends`, until each has nothing left to do.

        A backend is opened when there is a first request for it: a run answered by the store alone
        loads no model. A call that failed for a transient reason is tried again, as the backend's
        `Patience` allows. A `BackendError` ends that backend; it is raised when the others have
        ended too. Cancelled, it sends nothing more and waits for what is in flight, which may have
        been paid for; cancelled again, it ends at once. It notifies the `watch` when a backend
        opens, fails or has to wait, and of what an interrupted run still waits for.
        """
