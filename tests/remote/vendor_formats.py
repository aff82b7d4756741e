"""The formats of the vendors' APIs, from the side of a server: what was asked, and an answer.

Each format is read strictly: what its vendor would refuse is a `BadRequest`, reported in the
vendor's own words for an error.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .drawn_images import look

_DATA_URL = re.compile(r"data:(image/[a-z]+);base64,([A-Za-z0-9+/=]+)")
_MODEL = "vendor-server-1"


class BadRequest(Exception):
    """A request that the vendor would refuse."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks: the parts of each message, in order, and how much may be answered.

    An image among the parts is what it shows, in brackets: `[red 2x3]`; `[https://...]` is one
    that the server would have to fetch.
    """

    messages: tuple[tuple[str, ...], ...]
    max_tokens: int | None

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the parts of the last message."""
        return self.messages[-1]


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, with its tokens and those of the prompt: words, here."""

    text: str
    cut: bool
    read: int
    written: int


@dataclass(frozen=True, slots=True)
class Format:
    """How one API is spoken: `needs` are headers that a request must have."""

    read: Callable[[Mapping[str, Any]], Asked]
    write: Callable[[Said], Any]
    complain: Callable[[str], Any]
    needs: tuple[str, ...] = ()


def _image(media_type: str | None, data: str) -> str:
    """Return what an image shows. Its declared type, if any, must match its bytes."""
    try:
        seen = look(base64.b64decode(data, validate=True))
    except (ValueError, binascii.Error) as error:
        raise BadRequest(f"could not process image: {error}") from None
    if media_type not in (None, seen.media_type):
        raise BadRequest(f"the image was given as {media_type}, but appears to be a {seen}")
    return f"[{seen}]"


def _address(url: str) -> str:
    """Return what a data URL shows, or the address of an image that is to be fetched."""
    if url.startswith(("http://", "https://")):
        return f"[{url}]"
    match = _DATA_URL.fullmatch(url)
    if match is None:
        raise BadRequest("an image_url is neither an address nor a data URL of an image")
    return _image(*match.groups())


def _text(text: Any) -> str:
    if not isinstance(text, str) or not text.strip():
        raise BadRequest("text content blocks must contain non-whitespace text")
    return text


def _all(
    messages: Sequence[Mapping[str, Any]],
    roles: set[str],
    part: Callable[[Mapping[str, Any]], str],
    key: str = "content",
) -> Iterator[tuple[str, ...]]:
    """Yield the parts of each message; its content is text, or a list of parts."""
    if not messages:
        raise BadRequest("there is no message")
    for message in messages:
        if message["role"] not in roles:
            raise BadRequest(f"no such role: {message['role']}")
        content = message[key]
        yield (content,) if isinstance(content, str) else tuple(part(entry) for entry in content)


# OpenAI, and what imitates it.


def _read_chat(body: Mapping[str, Any]) -> Asked:
    def part(entry: Mapping[str, Any]) -> str:
        kind = entry["type"]
        return _text(entry["text"]) if kind == "text" else _address(entry[kind]["url"])

    messages = _all(body["messages"], {"system", "user", "assistant"}, part)
    return Asked(tuple(messages), body.get("max_tokens"))


def _write_chat(said: Said) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": _MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": said.text},
                "finish_reason": "length" if said.cut else "stop",
            }
        ],
        "usage": {
            "prompt_tokens": said.read,
            "completion_tokens": said.written,
            "total_tokens": said.read + said.written,
        },
    }


def _read_responses(body: Mapping[str, Any]) -> Asked:
    def part(entry: Mapping[str, Any]) -> str:
        if entry["type"] == "input_text":
            return _text(entry["text"])
        if entry["type"] != "input_image":
            raise BadRequest(f"Invalid value: '{entry['type']}'")
        return _address(entry["image_url"])

    if body["store"] is not False:
        raise BadRequest("nobody asked to have this stored")
    messages = _all(body["input"], {"system", "user", "assistant"}, part)
    return Asked(tuple(messages), body.get("max_output_tokens"))


def _write_response(said: Said) -> dict[str, Any]:
    content = [{"type": "output_text", "text": said.text, "annotations": []}]
    message = {"type": "message", "role": "assistant", "status": "completed", "content": content}
    return {
        "id": "resp_1",
        "object": "response",
        "model": _MODEL,
        "status": "incomplete" if said.cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if said.cut else None,
        "error": None,
        "output": [{"type": "reasoning", "summary": []}, message],
        "usage": {
            "input_tokens": said.read,
            "output_tokens": said.written,
            "total_tokens": said.read + said.written,
        },
    }


def _complain_openai(message: str) -> dict[str, Any]:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return {"error": error}


# Anthropic.


def _read_messages(body: Mapping[str, Any]) -> Asked:
    def part(entry: Mapping[str, Any]) -> str:
        if entry["type"] == "text":
            return _text(entry["text"])
        source = entry["source"]
        if source["type"] == "url":
            return f"[{source['url']}]"
        return _image(source["media_type"], source["data"])

    if body["messages"][0]["role"] != "user":
        raise BadRequest("messages: first message must use the user role")
    system = [(_text(body["system"]),)] if "system" in body else []
    messages = _all(body["messages"], {"user", "assistant"}, part)
    return Asked((*system, *messages), body["max_tokens"])


def _write_message(said: Said) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": _MODEL,
        "content": [{"type": "text", "text": said.text}],
        "stop_reason": "max_tokens" if said.cut else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": said.read, "output_tokens": said.written},
    }


def _complain_anthropic(message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": "invalid_request_error", "message": message}}


# Gemini.


def _read_contents(body: Mapping[str, Any]) -> Asked:
    def part(entry: Mapping[str, Any]) -> str:
        if "text" in entry:
            return _text(entry["text"])
        if "fileData" in entry:
            return f"[{entry['fileData']['fileUri']}]"
        return _image(entry["inlineData"]["mimeType"], entry["inlineData"]["data"])

    system = [tuple(part(entry) for entry in body.get("systemInstruction", {}).get("parts", ()))]
    contents = _all(body["contents"], {"user", "model"}, part, key="parts")
    most = body["generationConfig"].get("maxOutputTokens")
    return Asked((*filter(None, system), *contents), most)


def _write_candidate(said: Said) -> dict[str, Any]:
    return {
        "candidates": [
            {
                "content": {"role": "model", "parts": [{"text": said.text}]},
                "finishReason": "MAX_TOKENS" if said.cut else "STOP",
                "index": 0,
            }
        ],
        "usageMetadata": {
            "promptTokenCount": said.read,
            "candidatesTokenCount": said.written,
            "totalTokenCount": said.read + said.written,
        },
        "modelVersion": _MODEL,
    }


def _complain_gemini(message: str) -> dict[str, Any]:
    return {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}


# Ollama: images stand beside the text, as bytes without a type.


def _read_ollama(body: Mapping[str, Any]) -> Asked:
    if body.get("stream") is not False:
        raise BadRequest("this server does not stream")
    messages = []
    for message in body["messages"]:
        images = [_image(None, data) for data in message.get("images", ())]
        messages.append((message["content"], *images))
    return Asked(tuple(messages), body["options"].get("num_predict"))


def _write_ollama(said: Said) -> dict[str, Any]:
    return {
        "model": _MODEL,
        "created_at": "2026-08-01T12:00:00.000000Z",
        "message": {"role": "assistant", "content": said.text},
        "done": True,
        "done_reason": "length" if said.cut else "stop",
        "prompt_eval_count": said.read,
        "eval_count": said.written,
    }


FORMATS: tuple[tuple[re.Pattern[str], Format], ...] = (
    (re.compile("/v1/chat/completions"), Format(_read_chat, _write_chat, _complain_openai)),
    (re.compile("/v1/responses"), Format(_read_responses, _write_response, _complain_openai)),
    (
        re.compile("/v1/messages"),
        Format(_read_messages, _write_message, _complain_anthropic, ("anthropic-version",)),
    ),
    (
        re.compile("/v1beta/models/[^/:]+:generateContent"),
        Format(_read_contents, _write_candidate, _complain_gemini),
    ),
    (
        re.compile("/api/chat"),
        Format(_read_ollama, _write_ollama, lambda message: {"error": message}),
    ),
)
