"""What answers prompts. A backend is one module of this package, found by its name.

The module defines one class, `Backend`-shaped, under the name `backend`. Third parties register
theirs under the entry-point group `promptlab.backends`, or are named as `module:attr`: a class, or
a plain function (`foreign.function`). A class derived from `Backend` needs `generate` alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from promptlab.core.capacity import NO_ENVIRONMENT, Capacity, Health, Pace, Patience, Throughput
from promptlab.core.prices import Price
from promptlab.core.types import Completion, Json, Message, Outcome, Request, Sampling

__all__ = [
    "NO_ENVIRONMENT",
    "Backend",
    "Capacity",
    "Health",
    "NoOptions",
    "Pace",
    "Patience",
    "Price",
    "Throughput",
]

_GREETING = Request("check", (Message("user", "Say hello."),), Sampling(max_tokens=8))


class NoOptions(BaseModel):
    """The options of a kind that has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Backend(Protocol):
    """The contract of a backend, with a default for all but `generate`.

    Every member of the family passes `promptlab.testing.BackendContract`.
    """

    kind: ClassVar[str] = ""
    options_model: ClassVar[type[BaseModel]] = NoOptions
    """The options of this kind, as a pydantic model that forbids unknown keys."""

    def __init__(
        self, model: str | None, options: BaseModel, environment: Mapping[str, str] = NO_ENVIRONMENT
    ) -> None:
        """Take the configuration, and the environment that keys are looked up in.

        No file, network or heavy import is touched yet, and no key is looked at.
        """
        return

    @property
    def charges(self) -> bool:
        """Say whether its calls may cost money."""
        return False

    @property
    def weighs_answers(self) -> bool:
        """Say whether it tells how likely given answers are: takes requests with continuations."""
        return False

    @property
    def reads_images(self) -> bool:
        """Say whether a message may hold images."""
        return False

    @property
    def price(self) -> Price | None:
        """Return what its tokens cost, None where that is unknown."""
        return None

    @property
    def capacity(self) -> Capacity:
        """Return how much this backend wants at once."""
        return Capacity(calls=8, batch=1)

    @property
    def throughput(self) -> Throughput | None:
        """Return what it has done since it was opened, None where it computes elsewhere."""
        return None

    def identity(self) -> Mapping[str, Json]:
        """Return all that the answers depend on, cheaply and without loading a model.

        Raise `BackendError` where that cannot be known, for example when weights are missing. A
        backend of a project that does not say is known by its source, its model and its options.
        """
        return {"kind": self.kind}

    def count_tokens(self, request: Request) -> int | None:
        """Return the exact number of prompt tokens, or None where only the server knows."""
        return None

    def shortfalls(self, sampling: Sampling, schema: Mapping[str, Json] | None) -> Sequence[str]:
        """Say, a line each, what of this is not honoured and yet no reason to stop.

        Raise `BackendError` for what would make the answers something else than was asked for.
        """
        return [] if schema is None else ["output.schema is not enforced"]

    def notice(self) -> str | None:
        """Say what will take long when it is opened now, such as a download; None if nothing."""
        return None

    async def open(self) -> Mapping[str, Json]:
        """Load or connect. Return facts worth keeping with the run (device, dtype, revision).

        Raise `BackendError` when the backend cannot work at all.
        """
        return {}

    def generate(self, requests: Sequence[Request]) -> AsyncIterator[tuple[Request, Completion]]:
        """Yield each request with its completion as they finish, each exactly once.

        What goes wrong with one request is a completion with outcome `error`; it has a `failure`
        where asking again may help, which is the business of whoever carries the requests: each
        call here is one try. What stops the backend for good is raised as `BackendError`.
        """

    async def check(self) -> Health:
        """Say in one line whether the backend answers, and if not, how to mend it."""
        await self.open()
        async for _, completion in self.generate([_GREETING]):
            if completion.outcome is not Outcome.ERROR:
                return Health(True, "answers")
            return Health(False, completion.error or "it gives no reason")
        return Health(False, "it gives no answer")

    async def close(self) -> None:
        """Let go of what `open` took. After a cancelled `generate` this returns at once."""
        return
