"""A reply that came as a stream, asked or unasked: its events, whatever the content type says.

Server-sent events (`data: {...}`) and JSON objects one after another in lines.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from promptlab.core.failure import Fault
from promptlab.remote.complaints import read_complaint
from promptlab.remote.exchange import CallError, Reply

Event = Mapping[str, Any]
END: Event = {"end": "[DONE]"}
"""Stands for OpenAI's mark of the end, which is not JSON."""

_SSE = re.compile(rb"\s*(?:data|event|id|retry)?:")
_LINE_END = re.compile("\r\n|\n|\r")
_ONLY_STREAMS = re.compile(
    r"non-?\s?stream|\bonly\b[^.]{0,40}\bstream|\bstream\w*\b[^.]{0,40}\b(?:only|required|enabled?)\b"
    r"|\b(?:must|need|requires?|enable|set|use)\b[^.]{0,60}\bstream(?:ing|ed)?\b",
    re.IGNORECASE,
)
_BUSY = 429
_NEVER_STREAMS = re.compile(
    r"stream\w*\b[^.]{0,30}(?:not (?:be )?(?:supported|enabled|allowed)|unsupported)"
    r"|stream\w*\b[^.]{0,30}to (?:be )?false"
    r"|(?:not|n't) support\w*\b[^.]{0,20}\bstream(?!\w*\W+(?:only|mode is required))"
    r"|only[^.]{0,20}non-?\s?stream",
    re.IGNORECASE,
)


def only_streams(reply: Reply) -> bool:
    """Return whether a server refuses a call because it wants to stream the answer."""
    if not 400 <= reply.status < 500:
        return False
    message = read_complaint(reply.content).message
    if _NEVER_STREAMS.search(message) and "non" not in message.lower():
        return False
    return _ONLY_STREAMS.search(message) is not None


def never_streams(reply: Reply) -> bool:
    """Return whether a server refuses a call because it does not stream answers."""
    if not 400 <= reply.status < 500 or reply.status == _BUSY:
        return False
    return "stream" in read_complaint(reply.content).message.lower()


def said_in(event: Event) -> str:
    """Return what an event of any of the usual formats adds to the answer, thoughts aside."""
    if event.get("type") == "response.output_text.delta":  # OpenAI's responses
        return str(event["delta"])
    if event.get("type") == "content_block_delta":  # Anthropic
        delta = event["delta"]
        return str(delta["text"]) if delta.get("type") == "text_delta" else ""
    if choices := event.get("choices"):  # OpenAI's chat
        choice = choices[0]
        content = (choice.get("delta") or choice.get("message") or {}).get("content")
        return content if isinstance(content, str) and not choice.get("index") else ""
    if candidates := event.get("candidates"):  # Gemini
        parts = candidates[0]["content"]["parts"]
        return "".join(part["text"] for part in parts if not part.get("thought"))
    return str(event["message"].get("content") or "") if "done" in event else ""  # Ollama


def events_of(reply: Reply) -> list[Event] | None:
    """Return the events of a stream, None if the reply is none. Raise CallError if it is broken."""
    content = reply.content
    if _SSE.match(content[:1_000]):
        return [*_server_sent(content.decode("utf-8", "replace"))]
    lines = content.splitlines()
    if len(lines) > 1 and all(line.lstrip()[:1] in (b"{", b"") for line in lines):
        return [_read(line.decode("utf-8", "replace")) for line in lines if line.strip()]
    return None


def _server_sent(text: str) -> Iterator[Event]:
    """Yield the data of server-sent events; an event may have several lines of it."""
    data: list[str] = []
    for line in (*_LINE_END.split(text), ""):
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
        elif not line and data:
            whole = "\n".join(data)
            data.clear()
            yield END if whole.strip() == "[DONE]" else _read(whole)


def _read(data: str) -> Event:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        raise CallError(Fault.UNREADABLE, "a stream with a part that is not JSON") from None
    if not isinstance(event, dict):
        raise CallError(Fault.UNREADABLE, "a stream with a part that is no JSON object")
    return event


class Incoming:
    """A stream while it comes: gives each event as soon as it is whole.

    It only looks on: what is no event is passed over, as the whole reply is read again in the end.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._line = ""
        self._data: list[str] = []

    def feed(self, part: bytes) -> Iterator[Event]:
        """Take the next part of the stream, and yield the events that it ends."""
        *lines, self._line = (self._line + self._decoder.decode(part)).split("\n")
        for line in lines:
            yield from self._take(line.removesuffix("\r"))

    def _take(self, line: str) -> Iterator[Event]:
        name, _, value = line.partition(":")
        if name == "data":
            self._data.append(value.removeprefix(" "))
            return
        whole = line if line.startswith("{") else "\n".join(self._data) if not line else ""
        if not line:
            self._data.clear()
        with suppress(CallError):
            if whole and whole.strip() != "[DONE]":
                yield _read(whole)


def broken_off() -> CallError:
    """Return the error of a stream that ended before its answer did."""
    return CallError(Fault.BROKEN, "the stream ended before the answer did")
