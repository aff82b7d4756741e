"""From the events of a stream to the reply that would have come in one piece, for each API.

A stream that ends before its answer does is an error; one that reports an error is a reply with
that error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from promptlab.remote.streams import END, Event, broken_off

_SAID = ("text", "thinking")
_TEXTS = ("content", "reasoning_content", "reasoning", "refusal")


def join_chat(events: Sequence[Event]) -> dict[str, Any]:
    """Join chunks of OpenAI's chat completions."""
    if error := _error(events):
        return error
    chunks = [event for event in events if event is not END]
    choices = [choice for chunk in chunks for choice in chunk.get("choices") or ()]
    ours = [choice for choice in choices if not choice.get("index")]
    finish = _last(choice.get("finish_reason") for choice in ours)
    if finish is None and events[-1:] != [END]:
        raise broken_off()
    deltas = [choice.get("delta") or choice.get("message") or {} for choice in ours]
    message = {name: _together(delta.get(name) for delta in deltas) for name in _TEXTS}
    usages = [chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage") for chunk in chunks]
    return {
        "model": _last(chunk.get("model") for chunk in chunks),
        "system_fingerprint": _last(chunk.get("system_fingerprint") for chunk in chunks),
        "choices": [{"message": message, "finish_reason": finish}],
        "usage": _last(usages) or _last(choice.get("usage") for choice in ours),
    }


def join_response(events: Sequence[Event]) -> dict[str, Any]:
    """Return the last state of a response, which the last event of the API holds whole."""
    if error := _error(events):
        return error
    for event in reversed(events):
        if event.get("type") in ("response.completed", "response.incomplete", "response.failed"):
            return dict(event["response"])
    raise broken_off()


def join_blocks(events: Sequence[Event]) -> dict[str, Any]:
    """Join the events of Anthropic's Messages API."""
    if error := _error(events):
        return error
    if not any(event.get("type") == "message_stop" for event in events):
        raise broken_off()
    body: dict[str, Any] = {}
    for event in events:
        if event.get("type") == "message_start":
            body = dict(event["message"])
        elif event.get("type") == "message_delta":
            usage = {**(body.get("usage") or {}), **_known(event.get("usage") or {})}
            body |= {**_known(event.get("delta") or {}), "usage": usage}
    return {**body, "content": _blocks(events)}


def _blocks(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Return the blocks of an answer of Anthropic's, each joined from its parts."""
    parts: dict[int, list[Mapping[str, Any]]] = {}
    for event in events:
        if event.get("type") == "content_block_start":
            parts[event["index"]] = [event["content_block"]]
        elif event.get("type") == "content_block_delta":
            parts[event["index"]].append(event["delta"])
    return [
        {
            **block,
            **_known(
                {name: _together(part.get(name) for part in (block, *deltas)) for name in _SAID}
            ),
        }
        for block, *deltas in parts.values()
    ]


def join_candidates(events: Sequence[Event]) -> dict[str, Any]:
    """Join the parts of an answer of Gemini's API."""
    if error := _error(events):
        return error
    firsts = [candidate for event in events for candidate in (event.get("candidates") or ())[:1]]
    feedback = _last(event.get("promptFeedback") for event in events)
    finish = _last(candidate.get("finishReason") for candidate in firsts)
    if finish is None and not (feedback or {}).get("blockReason"):
        raise broken_off()
    parts = [part for each in firsts for part in (each.get("content") or {}).get("parts") or ()]
    body: dict[str, Any] = {
        "usageMetadata": _last(event.get("usageMetadata") for event in events),
        "modelVersion": _last(event.get("modelVersion") for event in events),
        "promptFeedback": feedback,
    }
    if firsts:
        body["candidates"] = [{"content": {"parts": parts}, "finishReason": finish}]
    return body


def join_lines(events: Sequence[Event]) -> dict[str, Any]:
    """Join the lines of Ollama's API."""
    if error := _error(events):
        return error
    last = events[-1]
    if not last.get("done"):
        raise broken_off()
    messages = [event.get("message") or {} for event in events]
    names = ("content", "thinking")
    joined = {name: _together(message.get(name) for message in messages) for name in names}
    return {**last, "message": joined}


def _error(events: Sequence[Event]) -> dict[str, Any] | None:
    """Return the body of the error that a stream reports, if it does."""
    for event in events:
        if event.get("error"):
            return {"error": event["error"]}
        if event.get("type") == "error":  # of the responses API
            return {"error": {name: event[name] for name in event if name != "type"}}
    return None


def _together(parts: Iterable[object]) -> str | None:
    """Return the parts of a text as one, None if there are none."""
    known = [part for part in parts if isinstance(part, str | list)]
    texts = [part if isinstance(part, str) else _text_of(part) for part in known]
    return "".join(texts) if texts else None


def _text_of(parts: list[Any]) -> str:
    return "".join(part.get("text") or "" for part in parts if isinstance(part, dict))


def _last(values: Iterable[Any]) -> Any:
    known = [value for value in values if value is not None]
    return known[-1] if known else None


def _known(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
