"""The stream of a user-defined backend: passed on, and whatever it does reported as its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from promptlab.backends import Backend, NoOptions, stream_of
from promptlab.backends.foreign.guarded import GuardedBackend
from promptlab.core.errors import BackendError
from promptlab.core.types import Completion, Message, Outcome, Request, Sampling

HELLO = Request("k", (Message("user", "Hello?"),), Sampling())


class Whole(Backend):
    async def generate(
        self, requests: Sequence[Request]
    ) -> AsyncIterator[tuple[Request, Completion]]:
        for request in requests:
            yield request, Completion(Outcome.OK, "so it is")


class Streaming(Whole):
    pieces: tuple[Any, ...] = ("so ", "it ", "is", Completion(Outcome.OK, "so it is"))

    async def generate(
        self, requests: Sequence[Request]
    ) -> AsyncIterator[tuple[Request, Completion]]:
        for request in requests:
            yield request, Completion(Outcome.OK, "so it is")

    async def stream(self, request: Request) -> AsyncIterator[Any]:
        for piece in self.pieces:
            if isinstance(piece, BaseException):
                raise piece
            yield piece


class Other(Streaming):
    """Answers otherwise than the stream that it inherits."""

    async def generate(
        self, requests: Sequence[Request]
    ) -> AsyncIterator[tuple[Request, Completion]]:
        for request in requests:
            yield request, Completion(Outcome.OK, "no")


def heard(*pieces: Any) -> list[Any]:
    backend = Streaming(None, NoOptions())
    if pieces:
        backend.pieces = pieces
    stream = stream_of(GuardedBackend("mine", backend, {}))
    assert stream is not None

    async def listen() -> list[Any]:
        return [piece async for piece in stream(HELLO)]

    return asyncio.run(listen())


def test_pieces_and_the_answer_are_passed_on() -> None:
    *pieces, completion = heard()
    assert (pieces, completion.text) == (["so ", "it ", "is"], "so it is")


@pytest.mark.parametrize("kind", [Whole, Other])
def test_a_stream_that_would_give_other_answers_is_not_used(kind: type[Backend]) -> None:
    assert stream_of(GuardedBackend("mine", kind(None, NoOptions()), {})) is None


@pytest.mark.parametrize(
    ("pieces", "error"),
    [
        (("so ", ValueError("boom")), "its stream fails: ValueError: boom"),
        (("so ",), "gives no answer"),
        ((7,), "gives int"),
        ((SystemExit(3),), "its stream fails: SystemExit: 3"),
    ],
)
def test_what_goes_wrong_is_an_answer_with_an_error(pieces: tuple[Any, ...], error: str) -> None:
    completion = heard(*pieces)[-1]
    assert completion.outcome is Outcome.ERROR
    assert error in completion.error


def test_a_backend_that_has_stopped_says_so() -> None:
    with pytest.raises(BackendError, match="gone"):
        heard(BackendError("gone"))
