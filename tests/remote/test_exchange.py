"""Single tries against a server that fails in every way, and what may come back from others."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import sys
import time
import tracemalloc
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest

from promptlab.backends.openai import OpenAI, Options
from promptlab.core.errors import BackendError
from promptlab.core.failure import Fault
from promptlab.core.types import Completion, Message, Outcome, Request, Sampling
from promptlab.remote.exchange import MAX_BYTES, CallError, Exchange, Reply
from promptlab.remote.transport import open_transport

from .fault_replies import FAULTS
from .fault_server import FaultServer
from .over_httpx import OverHttpx

SECRET = "sk-planted-0123456789"
LASTING = ("stalled", "drip", "silent")  # as long as one waits


async def ask(server: FaultServer, *prompts: str, **options: Any) -> list[Completion]:
    """Ask an `openai` backend for one try of each prompt, all at once."""
    given = {"base_url": server.base_url, "api_key_env": "KEY", "timeout_s": 15, **options}
    backend = OpenAI("some-model", Options.model_validate(given), {"KEY": SECRET})
    await backend.open()

    async def one(prompt: str) -> Completion:
        request = Request(prompt, (Message("user", prompt),), Sampling())
        [(_, completion)] = [pair async for pair in backend.generate([request])]
        return completion

    try:
        return await asyncio.gather(*map(one, prompts))
    finally:
        await backend.close()


def try_once(server: FaultServer, fault: str | None, **options: Any) -> Completion:
    server.fail(fault)
    if fault in LASTING:
        options = {"timeout_s": 0.3, **options}
    began = time.monotonic()
    try:
        [completion] = asyncio.run(ask(server, "the prompt", **options))
    finally:
        assert time.monotonic() - began < 10, "too slow"
    return completion


FAILURES = {
    "429": (Fault.BUSY, "HTTP 429: Too many requests"),
    "429-retry-after": (Fault.BUSY, "HTTP 429: Rate limit reached"),
    "500": (Fault.SERVER, "HTTP 500: The server had an error"),
    "503": (Fault.BUSY, "HTTP 503: The engine is overloaded"),
    "529": (Fault.BUSY, "HTTP 529: Overloaded"),
    "reset": (Fault.BROKEN, "the connection broke off: Connection reset by peer"),
    "cut": (Fault.BROKEN, "the connection broke off: in the middle of the reply"),
    "half-chunk": (Fault.BROKEN, "the connection broke off: in the middle of the reply"),
    "stalled": (Fault.TIMEOUT, "no complete answer within 0.3 s"),
    "drip": (Fault.TIMEOUT, "no complete answer within 0.3 s"),
    "silent": (Fault.TIMEOUT, "no complete answer within 0.3 s"),
    "html": (Fault.UNREADABLE, "a reply of text/html that is not JSON"),
    "half-json": (Fault.UNREADABLE, "a reply of application/json that is not JSON"),
    "empty": (Fault.UNREADABLE, "an empty reply"),
    "gzip-bomb": (Fault.UNREADABLE, "a reply of more than 16 MB"),
    "huge": (Fault.UNREADABLE, "a reply of more than 16 MB"),
    "huge-chunked": (Fault.UNREADABLE, "a reply of more than 16 MB"),
    "redirect": (Fault.UNREADABLE, "HTTP 307, a redirect to http://127.0.0.1"),
    "no-http": (Fault.UNREADABLE, "a reply that is not HTTP"),
    "error-in-200": (Fault.SERVER, "an error under HTTP 200: The model behind this router is away"),
    "gave-up": (Fault.SERVER, "the answer was cut off: abort"),
    "stream-cut": (Fault.BROKEN, "the stream ended before the answer did"),
    "context": (Fault.REJECTED, "HTTP 400: At most 16 tokens"),
}
ANSWERS = {
    "text-plain": (Outcome.OK, "stop"),
    "gzip": (Outcome.OK, "stop"),
    "streamed": (Outcome.OK, "stop"),
    "thinks-aloud": (Outcome.OK, "stop"),
    "no-usage": (Outcome.OK, "stop"),
    "null-content": (Outcome.EMPTY, "stop"),
    "refusal": (Outcome.REFUSED, "stop"),
    "content-filter": (Outcome.REFUSED, "content_filter"),
    "echo-key": (Outcome.OK, "stop"),
    "moderated": (Outcome.REFUSED, "HTTP 403: The input was flagged"),
}
FATAL = {"401": "check the key", "404": "check the name", "quota": "check the account's plan"}


def test_every_fault_is_looked_at() -> None:
    assert {*FAILURES, *ANSWERS, *FATAL} == set(FAULTS)
    assert set(FaultServer.PASSING) == {
        name for name, (fault, _) in FAILURES.items() if fault is not Fault.REJECTED
    }


@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_try_says_what_was_wrong(fault_server: FaultServer, name: str) -> None:
    fault, message = FAILURES[name]
    completion = try_once(fault_server, name)
    assert (completion.outcome, completion.text) == (Outcome.ERROR, "")
    assert completion.failure is not None
    assert completion.failure.fault is fault
    assert (completion.error or "").startswith(f"{fault}: {message}")
    assert SECRET not in str(completion)
    assert fault_server.requests == 1


@pytest.mark.parametrize("name", ANSWERS)
def test_a_strange_answer_is_an_answer(fault_server: FaultServer, name: str) -> None:
    outcome, finish = ANSWERS[name]
    completion = try_once(fault_server, name)
    assert (completion.outcome, completion.finish_reason, completion.failure) == (
        outcome,
        finish,
        None,
    )
    assert SECRET not in str(completion)
    if outcome is Outcome.OK and name != "echo-key":
        assert completion.text == fault_server.answer_to("the prompt")
    if name == "no-usage":
        assert (completion.usage.input_tokens, completion.usage.output_tokens) == (None, None)


@pytest.mark.parametrize("name", FATAL)
def test_what_is_fatal_is_raised(fault_server: FaultServer, name: str) -> None:
    with pytest.raises(BackendError) as caught:
        try_once(fault_server, name)
    assert (caught.value.hint or "").startswith(FATAL[name])
    assert SECRET not in str(caught.value)
    assert "you are Bearer [key]" in str(caught.value)


def test_a_wait_that_the_server_asks_for_is_handed_on(fault_server: FaultServer) -> None:
    fault_server.retry_after = "7.5"
    failure = try_once(fault_server, "429-retry-after").failure
    assert failure is not None
    assert failure.wait_s == 7.5


def test_a_drip_that_ends_in_time_is_an_answer(fault_server: FaultServer) -> None:
    fault_server.drip_s = 0.0
    completion = try_once(fault_server, "drip", timeout_s=15)
    assert completion.text == fault_server.answer_to("the prompt")


@contextmanager
def memory_below(limit: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("name", "megabytes"), [("gzip-bomb", 45), ("huge", 5), ("huge-chunked", 45)]
)
def test_memory_stays_bounded(fault_server: FaultServer, name: str, megabytes: int) -> None:
    try_once(fault_server, None)
    with memory_below(megabytes * 1_000_000):
        failure = try_once(fault_server, name).failure
    assert failure is not None
    assert failure.fault is Fault.UNREADABLE
    assert fault_server.bytes_sent < 2 * MAX_BYTES


@pytest.mark.slow
def test_each_prompt_gets_its_own_answer(fault_server: FaultServer) -> None:
    prompts = [f"number {number}" for number in range(300)]
    fault_server.latency_s = 0.1
    completions = asyncio.run(ask(fault_server, *prompts))
    assert [completion.text for completion in completions] == list(
        map(fault_server.answer_to, prompts)
    )
    assert {len(moments) for moments in fault_server.answered.values()} == {1}
    assert fault_server.requests == 300
    assert fault_server.most_in_flight > 100  # as aiohttp would bound them


def test_a_connection_is_used_again_until_it_breaks(fault_server: FaultServer) -> None:
    async def calls() -> None:
        exchange = Exchange(open_transport(fault_server.base_url), 15.0)
        try:
            for fault in (None, "500", "null-content", "cut", None):
                fault_server.fail(fault)
                if fault == "cut":
                    with pytest.raises(CallError):
                        await post(exchange, fault_server)
                else:
                    await post(exchange, fault_server)
        finally:
            await exchange.aclose()

    asyncio.run(calls())
    assert (fault_server.requests, fault_server.connections) == (5, 2)


async def post(exchange: Exchange, server: FaultServer, body: bytes = b"") -> Reply:
    content = body or json.dumps({"messages": [{"role": "user", "content": "x"}]}).encode()
    url = f"{server.base_url}/chat/completions"
    return await exchange.send("POST", url, {"x": "y"}, content)


def test_a_server_that_is_away_and_back(fault_server: FaultServer) -> None:
    try_once(fault_server, None)
    fault_server.down(0.4)
    gone = try_once(fault_server, None)
    assert gone.failure is not None
    assert gone.failure.fault is Fault.UNREACHABLE
    port = fault_server.port
    assert gone.error == f"unreachable: no connection: 127.0.0.1:{port}: Connection refused"
    deadline = time.monotonic() + 5
    while try_once(fault_server, None).outcome is not Outcome.OK:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_server_that_goes_away_breaks_off_what_it_holds(fault_server: FaultServer) -> None:
    async def call() -> Completion:
        calling = asyncio.create_task(ask(fault_server, "x"))
        while not fault_server.in_flight:
            await asyncio.sleep(0.01)
        fault_server.down(0.0)
        [completion] = await calling
        return completion

    fault_server.fail("silent")
    failure = asyncio.run(call()).failure
    assert failure is not None
    assert failure.fault is Fault.BROKEN


@pytest.mark.skipif(sys.platform != "linux", reason="others answer when their queue is full")
def test_a_server_that_accepts_no_connection() -> None:
    async def call(url: str) -> None:
        exchange = Exchange(open_transport(url), 0.3)
        with pytest.raises(CallError) as caught:
            await exchange.send("POST", url, {}, b"x")
        await exchange.aclose()
        assert caught.value.failure.fault is Fault.UNREACHABLE
        assert str(caught.value) == "unreachable: no connection: connecting took too long"

    with ExitStack() as opened:
        server = opened.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):  # more than the queue holds
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        asyncio.run(call(f"http://127.0.0.1:{server.getsockname()[1]}"))


def test_a_server_that_does_not_listen_to_the_end() -> None:
    async def call() -> None:
        over = asyncio.Event()

        async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
            await over.wait()
            writer.transport.abort()

        server = await asyncio.start_server(stall, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        exchange = Exchange(open_transport(url), 0.6)
        began = time.monotonic()
        with pytest.raises(CallError, match="timeout: no complete answer within"):
            await exchange.send("POST", url, {}, bytes(30_000_000))
        assert time.monotonic() - began < 10
        await exchange.aclose()
        over.set()
        server.close()
        await asyncio.sleep(0.05)

    asyncio.run(call())


@pytest.mark.slow
def test_a_long_body_arrives_whole(fault_server: FaultServer) -> None:
    text = "".join(map(str, range(500_000)))
    body = json.dumps({"messages": [{"role": "user", "content": text}]}).encode()

    async def call() -> Reply:
        exchange = Exchange(open_transport(fault_server.base_url), 15.0)
        try:
            return await post(exchange, fault_server, body)
        finally:
            await exchange.aclose()

    assert asyncio.run(call()).status == 200
    [received] = fault_server.received
    assert received.prompt == text
    assert received.headers["content-length"] == str(len(body))
    assert "transfer-encoding" not in received.headers


def test_a_call_that_is_cancelled_ends_at_once(fault_server: FaultServer) -> None:
    async def call() -> None:
        calling = asyncio.create_task(ask(fault_server, "x", timeout_s=60))
        while not fault_server.in_flight:
            await asyncio.sleep(0.01)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling

    fault_server.fail("silent")
    began = time.monotonic()
    asyncio.run(call())
    assert time.monotonic() - began < 10


def replies(status: int, content: bytes, **headers: str) -> Reply:
    """Return what an exchange makes of a reply that some server sends."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}

    async def call() -> Reply:
        stream = httpx.ByteStream(content)
        transport = httpx.MockTransport(
            lambda request: httpx.Response(status, headers=named, stream=stream)
        )
        return await Exchange(OverHttpx(transport), 15.0).send("GET", "http://x", {})

    return asyncio.run(call())


def packed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def bare_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


TEXT = b'{"text": "abc"}' * 9


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("gzip", packed(TEXT)),
        ("GZIP ", packed(TEXT)),
        ("x-gzip", packed(TEXT)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", bare_deflate(TEXT)),
        ("identity", TEXT),
        ("", TEXT),
    ],
    ids=["gzip", "GZIP", "x-gzip", "deflate", "bare deflate", "identity", "nothing"],
)
def test_a_packed_reply_is_unpacked(encoding: str, content: bytes) -> None:
    assert replies(200, content, content_encoding=encoding).content == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity"])
def test_a_reply_without_a_body_may_say_that_it_is_packed(encoding: str) -> None:
    assert replies(200, b"", content_encoding=encoding).content == b""


WRONG = [
    ("br", TEXT, "unreadable: a reply compressed as 'br', not requested"),
    ("gzip, gzip", TEXT, "unreadable: a reply compressed as 'gzip, gzip', not requested"),
    ("gzip", TEXT, "unreadable: a reply that is not valid gzip"),
    ("deflate", b"\xff\xff\xff", "unreadable: a reply that is not valid deflate"),
    ("gzip", packed(TEXT)[:-4], "broken: a reply with truncated gzip data"),
    ("gzip", packed(bytes(MAX_BYTES + 1)), "unreadable: a reply of more than 16 MB"),
]


@pytest.mark.parametrize(("encoding", "content", "message"), WRONG, ids=range(len(WRONG)))
def test_a_reply_that_cannot_be_unpacked(encoding: str, content: bytes, message: str) -> None:
    with pytest.raises(CallError) as caught:
        replies(200, content, content_encoding=encoding)
    assert str(caught.value) == message


@pytest.mark.parametrize(("encoding", "content", "message"), WRONG, ids=range(len(WRONG)))
def test_the_status_of_an_error_counts_whatever_its_body(
    encoding: str, content: bytes, message: str
) -> None:
    reply = replies(429, content, content_encoding=encoding, retry_after="3")
    assert (reply.status, reply.content, reply.headers["retry-after"]) == (429, b"", "3")


def test_of_a_long_error_only_the_beginning_is_read() -> None:
    pieces = Counter[str]()

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                pieces["sent"] += 1
                yield b"no " * 50_000

    async def call() -> Reply:
        transport = httpx.MockTransport(lambda request: httpx.Response(503, stream=Endless()))
        below = OverHttpx(transport)
        reply = await Exchange(below, 15.0).send("GET", "http://x", {})
        assert [sent.is_closed for sent in below.replies] == [True]
        return reply

    reply = asyncio.run(call())
    assert reply.status == 503
    assert reply.content.startswith(b"no no ")
    assert pieces["sent"] < 10


@pytest.mark.slow
def test_the_largest_reply_is_read_and_no_larger_one() -> None:
    assert len(replies(200, bytes(MAX_BYTES)).content) == MAX_BYTES
    assert len(replies(200, packed(bytes(MAX_BYTES)), content_encoding="gzip").content)
    with pytest.raises(CallError, match="a reply of more than 16 MB"):
        replies(200, bytes(MAX_BYTES + 1))
    with pytest.raises(CallError, match="a reply of more than 16 MB"):
        replies(200, b"x", content_length=str(MAX_BYTES + 1))
    assert replies(500, b"x", content_length=str(MAX_BYTES + 1)).content == b"x"
