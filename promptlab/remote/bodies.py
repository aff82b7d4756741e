"""The JSON of requests and replies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from promptlab.core.failure import Fault
from promptlab.core.masking import strike
from promptlab.remote.exchange import CallError, Reply
from promptlab.remote.reading import header
from promptlab.remote.streams import Event, events_of

_LOOKED_AT, _SHOWN = 2_000, 60  # bytes and characters of a reply that is not JSON

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encoded(body: Mapping[str, Any]) -> bytes:
    """Return a body as it is sent."""
    return _encode(body).encode("utf-8", "replace")


def merged(body: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Add keys to a body; objects in both are merged, otherwise `extra` wins."""
    result = dict(body)
    for key, value in extra.items():
        before = result.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            result[key] = merged(before, value)
        else:
            result[key] = value
    return result


def decoded(reply: Reply) -> Mapping[str, Any] | list[Event]:
    """Return the body of a reply, or the events of one that came as a stream.

    Raise CallError, without keys, if it is neither a JSON object nor a stream of them.
    """
    try:
        body = json.loads(reply.content)
    except (ValueError, RecursionError):
        if (events := events_of(reply)) is not None:
            return events
        raise CallError(Fault.UNREADABLE, _start_of(reply)) from None
    if isinstance(body, list) and body and all(isinstance(part, dict) for part in body):
        return body  # Gemini streams so, and puts errors into a list
    if not isinstance(body, dict):
        raise CallError(Fault.UNREADABLE, "a reply that is JSON but not an object")
    return body


def object_in(reply: Reply) -> Mapping[str, Any]:
    """Return the body of a reply that is not a stream."""
    body = decoded(reply)
    if isinstance(body, list):
        raise CallError(Fault.UNREADABLE, "a reply that is JSON but not an object")
    return body


def unlike_an_answer(reply: Reply) -> CallError:
    """Return the error of a reply that lacks part of an answer."""
    return CallError(Fault.UNREADABLE, f"a reply that lacks part of an answer: {_beginning(reply)}")


def _start_of(reply: Reply) -> str:
    if not reply.content.strip():
        return "an empty reply"
    kind = header(reply.headers.get("content-type", "")).partition(";")[0] or "unknown type"
    return f"a reply of {kind} that is not JSON: {_beginning(reply)}"


def _beginning(reply: Reply) -> str:
    """Quote how a reply begins; keys are struck out before it is cut, or parts would remain."""
    start = strike(reply.content[:_LOOKED_AT].decode("utf-8", "replace"))
    return f"{' '.join(start.split())[:_SHOWN]!r}"
