"""Read a server's complaint from the body of its error, in any vendor's format."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from promptlab.core.masking import strike

# Where servers put their words. The last ones are for errors in replies that succeeded.
_MESSAGES = ("message", "detail", "errors", "msg", "error_msg", "error_message", "status_msg")
_SHOWN = 300  # characters of a server's own words
_READ = 100_000  # bytes of a page that are searched for its title


@dataclass(frozen=True, slots=True)
class Complaint:
    """A server's description of what is wrong; any part may be missing."""

    message: str
    codes: frozenset[str] = frozenset()
    param: str | None = None
    details: tuple[Mapping[str, Any], ...] = field(default=())


def read_complaint(content: bytes) -> Complaint:
    """Read the body of an error from any vendor.

    OpenAI `{"error": {message, type, param, code}}`; Anthropic `{"type": "error", "error": {type,
    message}}`; Gemini `{"error": {code, message, status, details}}`, also in a list of one; Ollama
    `{"error": "..."}`; FastAPI servers `{"detail": ...}`; vLLM also without the outer `error`;
    OpenRouter with `metadata`, where `raw` is the message of the model's own server.
    """
    try:
        return _read(json.loads(content))
    except (ValueError, RecursionError):
        return Complaint(_plain(content))


def _read(body: Any) -> Complaint:
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return Complaint(_clip(_words(body)))
    error = _error_of(body) or body
    if not isinstance(error, dict):
        return Complaint(_clip(_words(error)), _codes(body, ()))
    metadata, details = error.get("metadata"), error.get("details")
    inner = [metadata, *(details if isinstance(details, list) else ())]
    known = tuple(item for item in inner if isinstance(item, dict))
    messages = [_words(next(filter(None, map(error.get, _MESSAGES)), None))]
    if isinstance(metadata, dict) and isinstance(metadata.get("raw"), str):
        messages.append(metadata["raw"])
    param = error.get("param")
    return Complaint(
        _clip(": ".join(messages)),
        _codes(error, known),
        param if isinstance(param, str) else None,
        known,
    )


def complains(body: Mapping[str, Any]) -> bool:
    """Return whether the body of a reply that succeeded is an error, in any vendor's format."""
    return bool(_error_of(body) or body.get("errors")) or any(
        isinstance(body.get(name), str) for name in _MESSAGES
    )


def _error_of(body: Mapping[str, Any]) -> Any:
    """Return the error in a body; routers put one into a choice, MiniMax into `base_resp`."""
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    inner = first.get("error") if isinstance(first, dict) else None
    return body.get("error") or inner or body.get("base_resp")


def code_in(content: bytes) -> int | None:
    """Return the HTTP status that a server's own words give for an error, None if they do not."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if isinstance(body, list) and body:
        body = body[0]
    error = _error_of(body) if isinstance(body, dict) else None
    for place in (error, body):
        for name in ("code", "status", "status_code", "statusCode"):
            code = place.get(name) if isinstance(place, dict) else None
            number = int(code) if isinstance(code, str) and code.isdecimal() else code
            if type(number) is int and 400 <= number < 600:
                return number
    return None


def _codes(error: Mapping[str, Any], details: tuple[Mapping[str, Any], ...]) -> frozenset[str]:
    codes = [error.get(key) for key in ("type", "code", "status")]
    codes += [detail.get("reason") for detail in details]
    return frozenset(code for code in codes if isinstance(code, str))


def _words(value: object) -> str:
    """Return a message as text; FastAPI servers write a list of `{loc, msg}`."""
    if isinstance(value, dict) and "detail" in value:
        value = value["detail"]
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict):
        message = value.get("msg") or value.get("message")
        if isinstance(message, str):
            place = value.get("loc")
            return f"{place[-1]!r}: {message}" if isinstance(place, list) and place else message
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value)


def _plain(content: bytes) -> str:
    """Return the message of a reply that is not JSON: the title of a page, or the text itself."""
    text = content[:_READ].decode("utf-8", "replace")
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    return _clip(title[1] if title else text)


def _clip(text: str) -> str:
    """Return a text as one short line, without unprintable characters.

    Keys are struck out first: a key that is cut in two would no longer be recognised.
    """
    line = " ".join(strike(text[:_READ]).split())
    shown = line if len(line) <= _SHOWN else line[: _SHOWN - 4] + " ..."
    return "".join(letter if letter.isprintable() else "?" for letter in shown)
