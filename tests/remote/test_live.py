"""Answers that are heard while they come: pieces by format, and what breaks them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from promptlab.core.failure import Fault
from promptlab.core.types import Completion, Message, Outcome, Request, Sampling
from promptlab.remote.backend import RemoteBackend
from promptlab.remote.exchange import Exchange
from promptlab.remote.streams import Incoming, said_in

from .over_httpx import OverHttpx
from .test_streams import KINDS, STREAMS

HELLO = Request("k", (Message("user", "Hello?"),), Sampling(max_tokens=8))


class InPieces(httpx.AsyncByteStream):
    """A body of which every byte comes by itself."""

    def __init__(self, content: bytes, size: int = 1) -> None:
        self.content, self.size = content, size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for place in range(0, len(self.content), self.size):
            await asyncio.sleep(0)
            yield self.content[place : place + self.size]


class Server(httpx.AsyncBaseTransport):
    def __init__(self, *replies: httpx.Response) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[httpx.Headers, Any]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.headers, json.loads(await request.aread())))
        return self.replies.pop(0)


def listen(place: int, *replies: httpx.Response) -> tuple[list[str], Completion, Server]:
    model, _, _ = STREAMS[place]
    backend: RemoteBackend = type(model)("m", model.options)
    server = Server(*replies)

    async def all_of_it() -> list[str | Completion]:
        backend._headers, backend._price = dict(backend.headers()), None
        backend._exchange = Exchange(OverHttpx(server), 10.0)
        return [piece async for piece in backend.stream(HELLO)]

    *pieces, completion = asyncio.run(all_of_it())
    assert isinstance(completion, Completion)
    return [str(piece) for piece in pieces], completion, server


@pytest.mark.parametrize(("kind", "place"), [(kind, at) for at, kind in enumerate(KINDS)])
def test_the_pieces_of_every_format_are_its_answer(kind: str, place: int) -> None:
    _, events, write = STREAMS[place]
    reply = httpx.Response(200, stream=InPieces(write(*events)))
    pieces, completion, server = listen(place, reply)
    assert completion.text == "yes"
    assert "".join(pieces) == "yes"
    assert completion.outcome is Outcome.OK
    assert server.asked[0][0]["accept-encoding"] == "identity"


def test_a_server_that_does_not_stream_is_asked_for_the_whole_answer() -> None:
    refusal = {"error": {"message": "streaming is not supported for this model"}}
    whole = {"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}
    pieces, completion, server = listen(
        KINDS.index("chat"), httpx.Response(400, json=refusal), httpx.Response(200, json=whole)
    )
    assert (pieces, completion.text) == ([], "yes")
    assert [bool(body.get("stream")) for _, body in server.asked] == [True, False]


def test_any_other_refusal_is_asked_once() -> None:
    refusal = {"error": {"message": "bad value"}}
    pieces, completion, server = listen(KINDS.index("chat"), httpx.Response(422, json=refusal))
    assert (pieces, completion.outcome, len(server.asked)) == ([], Outcome.ERROR, 1)


def test_a_stream_that_breaks_off_is_no_answer_but_may_be_asked_again() -> None:
    place = KINDS.index("chat")
    _, events, write = STREAMS[place]
    cut = write(*events)[: len(write(*events[:2]))]
    pieces, completion, _ = listen(place, httpx.Response(200, stream=InPieces(cut)))
    assert completion.outcome is Outcome.ERROR
    assert completion.failure is not None
    assert completion.failure.fault in (Fault.BROKEN, Fault.UNREADABLE)
    assert all(piece in "yes" for piece in pieces)


def test_letters_of_several_bytes_and_events_of_several_lines_come_whole() -> None:
    incoming = Incoming()
    data = 'data: {"choices": [{"delta":\ndata:  {"content": "é語"}}]}\r\n\r\ndata: [DONE]\n\n'
    parts = [bytes([byte]) for byte in data.encode()]
    assert [said_in(event) for part in parts for event in incoming.feed(part)] == ["é語"]


@pytest.mark.parametrize(
    "noise", [b"data: {\n\n", b": ping\n\n", b"{]\n", b"\xff\xfe\n", b"data: 7\n\n"]
)
def test_what_is_no_event_is_passed_over(noise: bytes) -> None:
    incoming = Incoming()
    assert list(incoming.feed(noise)) == []
    [event] = incoming.feed(b'{"message": {"content": "a"}, "done": false}\n')
    assert said_in(event) == "a"


@pytest.mark.parametrize("odd", [None, 7, [], {}, "x", [None], [7], {"delta": 3}])
def test_odd_events_say_nothing_and_break_nothing(odd: Any) -> None:
    event = {"choices": odd, "done": False, "message": odd, "candidates": odd}
    data = f"data: {json.dumps(event)}\n\ndata: [DONE]\n\n".encode()
    for place in range(len(KINDS)):
        pieces, completion, _ = listen(place, httpx.Response(200, stream=InPieces(data, 9)))
        assert completion.outcome is Outcome.ERROR or completion.text in ("", *pieces)
