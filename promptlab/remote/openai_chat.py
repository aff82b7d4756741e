"""OpenAI's chat completions format: its messages, and how its answers are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from promptlab.core.types import Completion, Image, Message
from promptlab.remote.endings import ending
from promptlab.remote.pictures import data_url
from promptlab.remote.reading import thoughts_in, word
from promptlab.remote.usage import openai_usage

_THOUGHT = {"thinking", "reasoning", "reasoning_text"}
_THOUGHT_FIELDS = ("reasoning_content", "reasoning", "thinking", "reasoning_details")


def write_message(message: Message) -> dict[str, Any]:
    """Return a message of a chat."""
    if isinstance(message.content, str):
        return {"role": message.role, "content": message.content}
    return {"role": message.role, "content": [_part(part) for part in message.content]}


def _part(part: str | Image) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    return {"type": "image_url", "image_url": {"url": data_url(part)}}


def read_chat(body: Mapping[str, Any]) -> Completion:
    """Read the first choice. Raise LookupError or TypeError if there is none."""
    choice = body["choices"][0]
    if body.get("error") or choice.get("error"):
        raise LookupError("an error instead of an answer")
    finish = choice.get("finish_reason")
    message = choice["message"]
    refusal = word(message.get("refusal"))
    text = refusal or _text(message.get("content"))
    outcome, warnings = ending(finish, text, refused=bool(refusal))
    return Completion(
        outcome,
        text=text,
        usage=openai_usage(body.get("usage") or choice.get("usage")),
        model=word(body.get("model")),
        finish_reason=word(finish),
        fingerprint=word(body.get("system_fingerprint")),
        warnings=warnings,
        thoughts=_thoughts(message),
    )


def _thoughts(message: Mapping[str, Any]) -> str:
    """Return what a model thought, in the fields and parts that servers have for it."""
    content = message.get("content")
    parts = content if isinstance(content, list) else ()
    known = [thoughts_in(part) for part in parts if part.get("type") in _THOUGHT]
    known += [thoughts_in(said) for name in _THOUGHT_FIELDS if (said := message.get(name))]
    return next(filter(None, known), "")


def _text(content: Any) -> str:
    """Return the text of a message, which some servers send in parts, without thinking."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part["text"] for part in content if part.get("type") == "text")
