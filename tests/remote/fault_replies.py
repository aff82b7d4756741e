"""What the fault server says and does for each of its faults, by name; see `fault_server`."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
import time
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .fault_server import FaultServer

PASSING = (
    "429", "429-retry-after", "500", "503", "529", "reset", "cut", "half-chunk", "stalled", "drip",
    "silent", "html", "half-json", "empty", "gzip-bomb", "huge", "huge-chunked", "redirect",
    "no-http", "error-in-200", "gave-up", "stream-cut",
)  # fmt: skip
ANSWERS = (
    "text-plain", "gzip", "no-usage", "null-content", "refusal", "content-filter", "echo-key",
    "streamed", "thinks-aloud",
)  # fmt: skip
REJECTED = ("context", "moderated")
FATAL = ("401", "404", "quota")
FAULTS = (*PASSING, *ANSWERS, *REJECTED, *FATAL)

HUGE = 50_000_000
_CHUNK = bytes(50_000)
_CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Call:
    """A request: its number from 1, and the how-manyeth try it is of its prompt, from 1."""

    number: int
    prompt: str
    tries: int
    head: bytes
    body: Any

    @property
    def path(self) -> str:
        return self.head.split(b" ", 2)[1].decode()

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines if line)
        return {name.lower(): value.strip() for name, _, value in pairs}


@dataclass(frozen=True, slots=True)
class Line:
    """The two ends of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


def answer_to(prompt: str) -> str:
    """Return the answer to a prompt: eight hexadecimal digits that belong to it alone."""
    return f"{zlib.crc32(prompt.encode()):08x}"


def usage_of(prompt: str) -> tuple[int, int]:
    """Return the tokens of a prompt and of its answer, as the server counts them."""
    return len(prompt.split()), 3


async def play(fault: str | None, server: FaultServer, call: Call, line: Line) -> None:
    """Answer a call, or do to it what the fault of that name is."""
    if fault in _ON_THE_LINE:
        await _ON_THE_LINE[fault](server, call, line)
        return
    if fault is None or fault in ANSWERS:
        server.answered[call.prompt].append(time.monotonic())
    await line.write(_answer(server, call) if fault is None else _REPLIES[fault](server, call))


def _http(status: int, content: bytes, kind: str = "application/json", **headers: str) -> bytes:
    more = "".join(f"{name.replace('_', '-')}: {text}\r\n" for name, text in headers.items())
    head = f"HTTP/1.1 {status} Whatever\r\ncontent-type: {kind}\r\n{more}"
    return f"{head}content-length: {len(content)}\r\n\r\n".encode() + content


def _body(
    server: FaultServer, call: Call, finish: str = "stop", counted: bool = True, **message: Any
) -> bytes:
    read, written = usage_of(call.prompt)
    usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    asked = isinstance(call.body, dict) and call.body.get("logprobs")
    likely = {"content": [{"token": "x", "logprob": -0.5}]} if asked and server.logprobs else None
    said = {"role": "assistant", "content": server.say(call), **message}
    body = {
        "id": f"chatcmpl-{call.number}",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "fault-server-1",
        "choices": [{"index": 0, "message": said, "logprobs": likely, "finish_reason": finish}],
        "usage": usage if counted else None,
    }
    return json.dumps(body).encode()


def _streamed(server: FaultServer, call: Call) -> list[str]:
    """Return an answer as server-sent events: two halves, why it ended, and the usage."""
    body = json.loads(_body(server, call))
    text = body["choices"][0]["message"]["content"]
    half = len(text) // 2
    deltas = [({"content": text[:half]}, None), ({"content": text[half:]}, None), ({}, "stop")]
    events = [
        {**body, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": None}
        for delta, finish in deltas
    ]
    lines = [json.dumps(event) for event in (*events, {**body, "choices": []})]
    return [f"data: {line}\n\n" for line in (*lines, "[DONE]")]


def _answer(
    server: FaultServer, call: Call, finish: str = "stop", counted: bool = True, **message: Any
) -> bytes:
    # A cookie, as services behind a CDN set it: nobody may send it back.
    return _http(
        200, _body(server, call, finish, counted, **message), set_cookie="session=1; Path=/"
    )


Reply = Callable[["FaultServer", Call], bytes]


def _error(status: int, message: str, kind: str, code: str | None = None) -> Reply:
    def reply(server: FaultServer, call: Call) -> bytes:
        text = f"{message} (you are {call.headers.get('authorization')})"
        error = {"message": text, "type": kind, "param": None, "code": code}
        later = {"retry_after": server.retry_after} if code == _LATER else {}
        return _http(status, json.dumps({"error": error}).encode(), **later)

    return reply


_LATER = "rate_limit_exceeded"
_MODERATED = {
    "code": 403,
    "message": "The input was flagged",
    "metadata": {"reasons": ["violence"], "flagged_input": "..", "provider_name": "x"},
}
_REPLIES: dict[str, Reply] = {
    "429": _error(429, "Too many requests", "requests"),
    "429-retry-after": _error(429, "Rate limit reached", "requests", _LATER),
    "500": _error(500, "The server had an error", "server_error"),
    "503": _error(503, "The engine is overloaded", "server_error"),
    "529": _error(529, "Overloaded", "overloaded_error"),
    "html": lambda server, call: _http(
        200, b"<html><title>Welcome</title><p>No API here.</p></html>", "text/html"
    ),
    "half-json": lambda server, call: _http(200, _body(server, call)[:-40]),
    "empty": lambda server, call: _http(200, b""),
    "redirect": lambda server, call: _http(307, b"", location=f"{server.base_url}/there?key=x"),
    "no-http": lambda server, call: b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "error-in-200": _error(200, "The model behind this router is away", "server_error"),
    "gave-up": lambda server, call: _answer(server, call, "abort", content="And so"),
    "stream-cut": lambda server, call: _http(
        200, "".join(_streamed(server, call)[:2]).encode(), "text/event-stream"
    ),
    "streamed": lambda server, call: _http(
        200, "".join(_streamed(server, call)).encode(), "text/event-stream"
    ),
    "thinks-aloud": lambda server, call: _answer(
        server, call, content=f"<think>\nNo, that is wrong.\n</think>\n\n{server.say(call)}"
    ),
    "text-plain": lambda server, call: _http(200, _body(server, call), "text/plain"),
    "gzip": lambda server, call: _http(
        200, gzip.compress(_body(server, call)), content_encoding="gzip"
    ),
    "no-usage": lambda server, call: _answer(server, call, counted=False),
    "null-content": lambda server, call: _answer(server, call, content=None),
    "refusal": lambda server, call: _answer(
        server, call, content=None, refusal="I will not do that."
    ),
    "content-filter": lambda server, call: _answer(server, call, "content_filter", content=None),
    "echo-key": lambda server, call: _answer(
        server, call, content=call.headers.get("authorization")
    ),
    "context": _error(400, "At most 16 tokens", "invalid_request_error", "context_length_exceeded"),
    "moderated": lambda server, call: _http(403, json.dumps({"error": _MODERATED}).encode()),
    "401": _error(401, "Incorrect API key", "invalid_request_error", "invalid_api_key"),
    "404": _error(404, "No such model", "invalid_request_error", "model_not_found"),
    "quota": _error(429, "The quota is used up", "insufficient_quota", "insufficient_quota"),
}


async def _reset(server: FaultServer, call: Call, line: Line) -> None:
    opened = line.writer.get_extra_info("socket")
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.writer.transport.abort()


async def _cut(server: FaultServer, call: Call, line: Line) -> None:
    await line.write(_answer(server, call)[:-40])
    line.writer.close()


async def _half_chunk(server: FaultServer, call: Call, line: Line) -> None:
    await line.write(_CHUNKED + b"%x\r\n" % 400 + _body(server, call)[:100])
    line.writer.close()


async def _stalled(server: FaultServer, call: Call, line: Line) -> None:
    await line.write(_answer(server, call).partition(b"{")[0])
    await _silent(server, call, line)


async def _silent(server: FaultServer, call: Call, line: Line) -> None:
    await line.reader.read()
    line.writer.close()


async def _drip(server: FaultServer, call: Call, line: Line) -> None:
    for byte in _answer(server, call):
        await line.write(bytes([byte]))
        await asyncio.sleep(server.drip_s)
    server.answered[call.prompt].append(time.monotonic())


async def _bomb(server: FaultServer, call: Call, line: Line) -> None:
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    megabyte = packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    await line.write(_http(200, head + 1000 * megabyte, content_encoding="gzip"))


async def _huge(server: FaultServer, call: Call, line: Line) -> None:
    await line.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % HUGE)
    await _pour(server, line, _CHUNK)


async def _huge_chunked(server: FaultServer, call: Call, line: Line) -> None:
    await line.write(_CHUNKED)
    await _pour(server, line, b"%x\r\n" % len(_CHUNK) + _CHUNK + b"\r\n")
    await line.write(b"0\r\n\r\n")


async def _pour(server: FaultServer, line: Line, piece: bytes) -> None:
    for _ in range(HUGE // len(_CHUNK)):
        await line.write(piece)
        server.bytes_sent += len(_CHUNK)


_ON_THE_LINE: dict[str | None, Callable[[FaultServer, Call, Line], Awaitable[None]]] = {
    "reset": _reset,
    "cut": _cut,
    "half-chunk": _half_chunk,
    "stalled": _stalled,
    "silent": _silent,
    "drip": _drip,
    "gzip-bomb": _bomb,
    "huge": _huge,
    "huge-chunked": _huge_chunked,
}
