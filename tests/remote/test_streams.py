"""Replies that come as streams, in all formats, asked and unasked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from promptlab.backends.anthropic import Anthropic
from promptlab.backends.anthropic import Options as AnthropicOptions
from promptlab.backends.gemini import Gemini
from promptlab.backends.gemini import Options as GeminiOptions
from promptlab.backends.ollama import Ollama
from promptlab.backends.ollama import Options as OllamaOptions
from promptlab.backends.openai import OpenAI, Options
from promptlab.core.failure import Fault
from promptlab.core.types import Completion, Message, Outcome, Request, Sampling, Usage
from promptlab.remote.backend import RemoteBackend
from promptlab.remote.exchange import CallError, Exchange, Reply
from promptlab.remote.streams import events_of, only_streams

from .over_httpx import OverHttpx

HELLO = Request("k", (Message("user", "Is it wet?"),), Sampling())


def sse(*events: Any, names: bool = False, end: str = "\n") -> bytes:
    lines = []
    for event in events:
        if names:
            lines.append(f"event: {event['type']}")
        data = event if isinstance(event, str) else json.dumps(event)
        lines += [f"data: {data}", ""]
    return end.join([*lines, ""]).encode()


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "x", "object": "chat.completion.chunk", "model": "m", "choices": [choice], **more}


CHAT = (
    chunk({"role": "assistant", "content": ""}),
    chunk({"reasoning_content": "Hm"}),
    chunk({"reasoning_content": "."}),
    chunk({"content": "ye"}),
    chunk({"content": "s"}),
    chunk({}, "stop"),
    {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}},
)
RESPONSE = (
    {"type": "response.created", "response": {"status": "in_progress", "output": []}},
    {"type": "response.output_text.delta", "delta": "yes"},
    {
        "type": "response.completed",
        "response": {
            "status": "completed",
            "model": "m",
            "output": [
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
                {"type": "message", "content": [{"type": "output_text", "text": "yes"}]},
            ],
            "usage": {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13},
        },
    },
)
BLOCKS = (
    {
        "type": "message_start",
        "message": {"model": "m", "content": [], "usage": {"input_tokens": 9, "output_tokens": 1}},
    },
    {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "thinking", "thinking": ""},
    },
    {"type": "ping"},
    {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "thinking_delta", "thinking": "Hm."},
    },
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "ye"}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "s"}},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 4},
    },
    {"type": "message_stop"},
)
CANDIDATES = (
    {"candidates": [{"content": {"parts": [{"text": "Hm.", "thought": True}]}}]},
    {"candidates": [{"content": {"parts": [{"text": "ye"}]}}], "modelVersion": "m"},
    {
        "candidates": [{"content": {"parts": [{"text": "s"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 4},
        "modelVersion": "m",
    },
)
LINES = (
    {
        "model": "m",
        "message": {"role": "assistant", "content": "", "thinking": "Hm."},
        "done": False,
    },
    {"model": "m", "message": {"role": "assistant", "content": "yes"}, "done": False},
    {
        "model": "m",
        "message": {"role": "assistant", "content": ""},
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 9,
        "eval_count": 4,
    },
)


def ndjson(*events: Any) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


CHAT_API = OpenAI("m", Options(base_url="http://h.example/v1"))
RESPONSES_API = OpenAI("m", Options(base_url="http://h.example/v1", api="responses"))
CLAUDE = Anthropic("m", AnthropicOptions(base_url="http://h.example"))
GEMINI = Gemini("m", GeminiOptions(base_url="http://h.example/v1beta"))
OLLAMA = Ollama("m", OllamaOptions(base_url="http://h.example"))
STREAMS: list[tuple[RemoteBackend, tuple[Any, ...], Callable[..., bytes]]] = [
    (CHAT_API, (*CHAT, "[DONE]"), sse),
    (RESPONSES_API, RESPONSE, sse),
    (CLAUDE, BLOCKS, sse),
    (GEMINI, CANDIDATES, sse),
    (OLLAMA, LINES, ndjson),
]
KINDS = ["chat", "responses", "anthropic", "gemini", "ollama"]


def answer(backend: RemoteBackend, content: bytes, kind: str = "text/event-stream") -> Completion:
    return backend.answer(Reply(200, httpx.Headers({"content-type": kind}), content))


@pytest.mark.parametrize(("backend", "events", "write"), STREAMS, ids=KINDS)
@pytest.mark.parametrize("kind", ["text/event-stream", "application/x-ndjson", "application/json"])
def test_a_stream_of_any_api_is_read_whatever_it_is_called(
    backend: RemoteBackend, events: tuple[Any, ...], write: Callable[..., bytes], kind: str
) -> None:
    said = answer(backend, write(*events), kind)
    assert (said.outcome, said.text, said.thoughts) == (Outcome.OK, "yes", "Hm.")
    assert (said.usage, said.model, said.warnings) == (Usage(9, 4), "m", ())


@pytest.mark.parametrize(("backend", "events", "write"), STREAMS, ids=KINDS)
def test_a_stream_that_ends_before_its_answer_is_broken(
    backend: RemoteBackend, events: tuple[Any, ...], write: Callable[..., bytes]
) -> None:
    ends = 3 if backend is CHAT_API else 1
    with pytest.raises(CallError) as caught:
        answer(backend, write(*events[:-ends]))
    assert caught.value.failure.fault in (Fault.BROKEN, Fault.UNREADABLE)


@pytest.mark.parametrize(("backend", "events", "write"), STREAMS, ids=KINDS)
def test_an_error_within_a_stream_is_an_error(
    backend: RemoteBackend, events: tuple[Any, ...], write: Callable[..., bytes]
) -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "too many"}}
    with pytest.raises(CallError, match="too many") as caught:
        answer(backend, write(*events[:2], error))
    assert caught.value.failure.fault is Fault.BUSY


def test_events_are_read_in_every_form_of_the_standard() -> None:
    def read(content: bytes) -> Any:
        return events_of(Reply(200, httpx.Headers(), content))

    event = {"type": "a", "text": "x\n"}
    for end in ("\n", "\r\n", "\r"):
        assert read(sse(event, event, names=True, end=end)) == [event, event]
    assert read(b': hello\n\ndata: {"a":\ndata: 1}\n\n') == [{"a": 1}]
    assert read(b'data:{"a": 1}') == [{"a": 1}]
    assert read(b"plain text") is None
    assert read(b"<html>\n<p>\n</html>") is None
    for broken in (b"data: no\n\n", b"data: 3\n\n", b'{"a": 1}\n{"b": \n'):
        with pytest.raises(CallError, match="unreadable: a stream with a part"):
            read(broken)


def test_gemini_streams_a_list_too() -> None:
    assert answer(GEMINI, json.dumps(CANDIDATES).encode(), "application/json").text == "yes"


@pytest.mark.parametrize(
    "message",
    [
        "This model only support stream mode, please enable the stream parameter.",
        "parameter.enable_thinking must be set to false for non-streaming calls",
        "Non-streaming requests are not supported",
        "Streaming is required for this model",
        "You must set stream=true",
    ],
)
def test_a_server_that_insists_on_a_stream_is_understood(message: str) -> None:
    body = json.dumps({"error": {"message": message}}).encode()
    assert only_streams(Reply(400, httpx.Headers(), body))
    assert not only_streams(Reply(500, httpx.Headers(), body))


@pytest.mark.parametrize(
    "message",
    ["Streaming is not supported", "Please set stream to false", "bad request", "upstream error"],
)
def test_other_complaints_do_not_ask_for_a_stream(message: str) -> None:
    body = json.dumps({"error": {"message": message}}).encode()
    assert not only_streams(Reply(400, httpx.Headers(), body))


class Insisting(httpx.AsyncBaseTransport):
    """A server that only streams."""

    def __init__(self, stream: bytes) -> None:
        self.stream = stream
        self.asked: list[tuple[str, Any]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(await request.aread())
        self.asked.append((str(request.url), body))
        if body.get("stream") or "stream" in request.url.path:
            return httpx.Response(200, stream=httpx.ByteStream(self.stream))
        error = json.dumps({"error": {"message": "this model only supports stream mode"}})
        return httpx.Response(400, stream=httpx.ByteStream(error.encode()))


@pytest.mark.parametrize(("kind", "place"), [(kind, at) for at, kind in enumerate(KINDS)])
@pytest.mark.parametrize("asked_for", [False, True])
def test_a_server_that_insists_gets_its_way_from_then_on(
    kind: str, place: int, asked_for: bool
) -> None:
    model, events, write = STREAMS[place]
    options = model.options.model_copy(update={"stream": asked_for})
    backend = type(model)("m", options)
    server = Insisting(write(*events))

    async def twice() -> list[Completion]:
        backend._headers, backend._price = dict(backend.headers()), None
        backend._exchange = Exchange(OverHttpx(server), 10.0)
        return [said async for _, said in backend.generate([HELLO, HELLO])]

    assert [said.text for said in asyncio.run(twice())] == ["yes", "yes"]
    assert len(server.asked) == (2 if asked_for else 3)
    url, body = server.asked[-1]
    if kind == "gemini":
        assert url.endswith("/models/m:streamGenerateContent?alt=sse")
    else:
        assert body["stream"] is True
    assert ("stream_options" in body) == (kind == "chat")
