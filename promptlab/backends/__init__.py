"""What answers prompts. A backend is one module of this package, found by its name.

The module defines one class, `Backend`-shaped, under the name `backend`. Third parties register
theirs under the entry-point group `promptlab.backends`, or are named as `module:attr`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import ClassVar, Protocol

from pydantic import BaseModel

from promptlab.core.capacity import NO_ENVIRONMENT, Capacity, Health, Pace, Patience, Throughput
from promptlab.core.prices import Price
from promptlab.core.types import Completion, Json, Request, Sampling

__all__ = [
    "NO_ENVIRONMENT",
    "Backend",
    "Capacity",
    "Health",
    "Pace",
    "Patience",
    "Price",
    "Throughput",
]


class Backend(Protocol):
    """The contract of a backend. Every member of the family passes `tests/contract`."""

    kind: ClassVar[str]
    options_model: ClassVar[type[BaseModel]]
    """The options of this kind, as a pydantic model that forbids unknown keys."""
    charges: ClassVar[bool]
    """Whether its calls may cost money."""
    weighs_answers: ClassVar[bool]
    """Whether it tells how likely given answers are: takes requests with continuations."""

    def __init__(
        self, model: str | None, options: BaseModel, environment: Mapping[str, str] = NO_ENVIRONMENT
    ) -> None:
        """Take the configuration, and the environment that keys are looked up in.

        No file, network or heavy import is touched yet, and no key is looked at.
        """

    @property
    def reads_images(self) -> bool:
        """Say whether a message may hold images."""

    @property
    def price(self) -> Price | None:
        """Return what its tokens cost, None where that is unknown."""

    @property
    def capacity(self) -> Capacity:
        """Return how much this backend wants at once."""

    @property
    def throughput(self) -> Throughput | None:
        """Return what it has done since it was opened, None where it computes elsewhere."""

    def identity(self) -> Mapping[str, Json]:
        """Return all that the answers depend on, cheaply and without loading a model.

        Raise `BackendError` where that cannot be known, for example when weights are missing.
        """

    def count_tokens(self, request: Request) -> int | None:
        """Return the exact number of prompt tokens, or None where only the server knows."""

    def shortfalls(self, sampling: Sampling, schema: Mapping[str, Json] | None) -> Sequence[str]:
        """Say, a line each, what of this is not honoured and yet no reason to stop.

        Raise `BackendError` for what would make the answers something else than was asked for.
        """

    def notice(self) -> str | None:
        """Say what will take long when it is opened now, such as a download; None if nothing."""

    async def open(self) -> Mapping[str, Json]:
        """Load or connect. Return facts worth keeping with the run (device, dtype, revision).

        Raise `BackendError` when the backend cannot work at all.
        """

    def generate(self, requests: Sequence[Request]) -> AsyncIterator[tuple[Request, Completion]]:
        """Yield each request with its completion as they finish, each exactly once.

        What goes wrong with one request is a completion with outcome `error`; it has a `failure`
        where asking again may help, which is the business of whoever carries the requests: each
        call here is one try. What stops the backend for good is raised as `BackendError`.
        """

    async def check(self) -> Health:
        """Say in one line whether the backend answers, and if not, how to mend it."""

    async def close(self) -> None:
        """Let go of what `open` took. After a cancelled `generate` this returns at once."""
