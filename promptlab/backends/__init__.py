"""Backends answer prompts. Each is one module of this package, looked up by its name.

The module exports one class with the interface of `Backend` under the name `backend`. Third
parties register theirs in the entry-point group `promptlab.backends` or are named as `module:attr`:
a class, or a plain function (`foreign.function`). A subclass of `Backend` needs only `generate`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from promptlab.core.capacity import NO_ENVIRONMENT, Capacity, Health, Pace, Patience, Throughput
from promptlab.core.prices import Price
from promptlab.core.raw_prompt import RawPrompt
from promptlab.core.types import Completion, Json, Message, Outcome, Request, Sampling

__all__ = [
    "NO_ENVIRONMENT",
    "Backend",
    "Capacity",
    "Health",
    "Live",
    "NoOptions",
    "Pace",
    "Patience",
    "Price",
    "Throughput",
    "Transparent",
]

_GREETING = Request("check", (Message("user", "Say hello."),), Sampling(max_tokens=8))


class NoOptions(BaseModel):
    """The options of a kind without any."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Backend(Protocol):
    """The contract of a backend, with defaults for everything but `generate`.

    Every member of the family passes `promptlab.testing.BackendContract`.
    """

    kind: ClassVar[str] = ""
    options_model: ClassVar[type[BaseModel]] = NoOptions
    """The options of this kind, as a pydantic model that forbids unknown keys."""

    def __init__(
        self, model: str | None, options: BaseModel, environment: Mapping[str, str] = NO_ENVIRONMENT
    ) -> None:
        """Store the configuration, and the environment in which keys are looked up.

        This must not touch files, the network, heavy imports or keys yet.
        """
        return

    @property
    def charges(self) -> bool:
        """Return whether its calls may cost money."""
        return False

    @property
    def weighs_answers(self) -> bool:
        """Return whether it can weigh given answers, that is, takes requests with continuations."""
        return False

    @property
    def reads_images(self) -> bool:
        """Return whether messages may contain images."""
        return False

    @property
    def price(self) -> Price | None:
        """Return the price of its tokens, None if unknown."""
        return None

    @property
    def capacity(self) -> Capacity:
        """Return how much work this backend wants at once."""
        return Capacity(calls=8, batch=1)

    @property
    def throughput(self) -> Throughput | None:
        """Return the work done since it was opened, None if it computes elsewhere."""
        return None

    def identity(self) -> Mapping[str, Json]:
        """Return everything that affects the answers, cheaply and without loading a model.

        Raise `BackendError` if that cannot be known, for example if weights are missing. A
        user-defined backend without this method is identified by its source, model and options.
        """
        return {"kind": self.kind}

    def count_tokens(self, request: Request) -> int | None:
        """Return the exact number of prompt tokens, or None if only the server knows."""
        return None

    def shortfalls(self, sampling: Sampling, schema: Mapping[str, Json] | None) -> Sequence[str]:
        """Describe, one line each, what is not honoured but is no reason to stop.

        Raise `BackendError` if the answers would not be what was asked for.
        """
        return [] if schema is None else ["output.schema is not enforced"]

    def notice(self) -> str | None:
        """Describe what would take long if opened now, such as a download; None if nothing."""
        return None

    async def open(self) -> Mapping[str, Json]:
        """Load or connect. Return facts to store with the run (device, dtype, revision).

        Raise `BackendError` if the backend cannot work at all.
        """
        return {}

    def generate(self, requests: Sequence[Request]) -> AsyncIterator[tuple[Request, Completion]]:
        """Yield each request with its completion as they finish, each exactly once.

        A problem with one request is a completion with outcome `error`. It has a `failure` if a
        retry may help; retrying is the executor's business, and each call here is one attempt. A
        problem that stops the backend for good is raised as `BackendError`.
        """

    async def check(self) -> Health:
        """Report in one line whether the backend answers, and if not, how to fix it."""
        await self.open()
        async for _, completion in self.generate([_GREETING]):
            if completion.outcome is not Outcome.ERROR:
                return Health(True, "answers")
            return Health(False, completion.error or "it gives no reason")
        return Health(False, "it gives no answer")

    async def close(self) -> None:
        """Release what `open` acquired. After a cancelled `generate` this returns at once."""
        return


def repeats_itself(backend: object) -> bool:
    """Return whether a backend surely gives the same answer again at temperature 0.

    It says so by a member `repeats_itself` that is true. A server may batch answers otherwise.
    """
    return getattr(backend, "repeats_itself", None) is True


def is_pinned(backend: object) -> bool:
    """Return whether a backend can never become another model under the identity that it has.

    It says so by a member `pinned` that is true: the identity names the weights that compute here.
    """
    return getattr(backend, "pinned", None) is True


class Live(Protocol):
    """What a backend has besides if an answer can be read while it comes."""

    def stream(self, request: Request) -> AsyncIterator[str | Completion]:
        """Yield the pieces of an answer's text as they come, and in the end its completion.

        It is the attempt that `generate` would make, with the same answer; only the completion
        counts. It may yield nothing else, where thoughts come first or a call failed.
        """


Streams = Callable[[Request], AsyncIterator[str | Completion]]


def stream_of(backend: object) -> Streams | None:
    """Return the `stream` of a backend, None if it has none and answers at once."""
    stream: Streams | None = getattr(backend, "stream", None)
    return stream


@runtime_checkable
class Transparent(Protocol):
    """What a backend has besides if it knows what its model will read, token by token."""

    def losses(self, messages: Sequence[Message]) -> Sequence[str]:
        """Describe, one line each, what the model would not be given of messages of these roles.

        Asked before a run, once for each sequence of roles. Raise `BackendError` if the answers
        would not be what was asked for.
        """

    def raw(self, messages: Sequence[Message]) -> RawPrompt:
        """Return the tokens that the model reads for these messages.

        Raise `BackendError` if it cannot take them.
        """
