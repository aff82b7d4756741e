"""The JSON of requests and replies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from promptlab.core.failure import Fault
from promptlab.core.masking import strike
from promptlab.remote.exchange import CallError, Reply

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


def decoded(reply: Reply) -> Mapping[str, Any]:
    """Return the body of a reply. Raise CallError, without keys, if it is not a JSON object."""
    try:
        body = json.loads(reply.content)
    except (ValueError, RecursionError):
        raise CallError(Fault.UNREADABLE, _start_of(reply)) from None
    if not isinstance(body, dict):
        raise CallError(Fault.UNREADABLE, "a reply that is JSON but not an object")
    return body


def _start_of(reply: Reply) -> str:
    """Describe how a reply begins; keys are struck out before it is cut, or parts would remain."""
    if not reply.content.strip():
        return "an empty reply"
    kind = reply.headers.get("content-type", "").partition(";")[0] or "unknown type"
    start = strike(reply.content[:_LOOKED_AT].decode("utf-8", "replace"))
    return f"a reply of {kind} that is not JSON: {' '.join(start.split())[:_SHOWN]!r}"
