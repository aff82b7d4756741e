"""What answers prompts. A backend is one module of this package, found by its name.

The module defines one class, `Backend`-shaped, under the name `backend`. Third parties register
theirs under the entry-point group `promptlab.backends`, or are named as `module:attr`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from pydantic import BaseModel

from promptlab.types import Completion, Json, Request


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much a backend wants at once: `calls` of `generate` side by side, of `batch` requests.

    A remote backend takes many calls of one request; a local model one call of all there is.
    """

    calls: int
    batch: int


@dataclass(frozen=True, slots=True)
class Health:
    """What `backend check` found: one line, `ok` or not, and the remedy."""

    ok: bool
    detail: str
    hint: str | None = None


class Backend(Protocol):
    """The contract of a backend. Every member of the family passes `tests/contract`."""

    kind: ClassVar[str]
    options_model: ClassVar[type[BaseModel]]
    """The options of this kind, as a pydantic model that forbids unknown keys."""
    reads_images: ClassVar[bool]

    def __init__(self, model: str | None, options: BaseModel) -> None:
        """Take the configuration. No file, network or heavy import is touched yet."""

    @property
    def capacity(self) -> Capacity:
        """Return how much this backend wants at once."""

    def identity(self) -> Mapping[str, Json]:
        """Return all that the answers depend on, cheaply and without loading a model.

        Raise `BackendError` where that cannot be known, for example when weights are missing.
        """

    def count_tokens(self, request: Request) -> int | None:
        """Return the exact number of prompt tokens, or None where only the server knows."""

    def notice(self) -> str | None:
        """Say what will take long when it is opened now, such as a download; None if nothing."""

    async def open(self) -> Mapping[str, Json]:
        """Load or connect. Return facts worth keeping with the run (device, dtype, revision).

        Raise `BackendError` when the backend cannot work at all.
        """

    def generate(self, requests: Sequence[Request]) -> AsyncIterator[tuple[Request, Completion]]:
        """Yield each request with its completion as they finish, each exactly once.

        What goes wrong with one request is a completion with outcome `error`; what stops the
        backend for good is raised as `BackendError`.
        """

    async def check(self) -> Health:
        """Say in one line whether the backend answers, and if not, how to mend it."""

    async def close(self) -> None:
        """Let go of what `open` took. After a cancelled `generate` this returns at once."""
