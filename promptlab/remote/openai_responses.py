"""OpenAI's responses format: write its calls and read its answers.

The API has no seed and no stop sequences, and stores every answer unless message not to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from promptlab.core.failure import Fault
from promptlab.core.types import Completion, Image, Message
from promptlab.remote.endings import ending
from promptlab.remote.exchange import CallError
from promptlab.remote.failures import RefusedError
from promptlab.remote.pictures import data_url
from promptlab.remote.reading import thoughts_in, word
from promptlab.remote.usage import openai_usage

NAMES = {"temperature": "temperature", "top_p": "top_p", "max_tokens": "max_output_tokens"}
LOGPROBS = {"include": ["message.output_text.logprobs"], "top_logprobs": 1}

_UNDONE = {"failed", "cancelled", "queued", "in_progress"}
# Codes of failed responses; a code in neither set is this request's fault.
_PASSING = {"server_error": Fault.SERVER, "rate_limit_exceeded": Fault.BUSY}
_REFUSALS = {
    "invalid_prompt",  # "flagged as potentially violating our usage policy"
    "bio_policy",
    "misalignment_policy_violation",
    "image_content_policy_violation",
}


def write_item(message: Message) -> dict[str, Any]:
    """Return a message as an item of `input`; system text keeps its place."""
    if isinstance(message.content, str):
        return {"role": message.role, "content": message.content}
    return {"role": message.role, "content": [_part(part) for part in message.content]}


def _part(part: str | Image) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "input_text", "text": part}
    return {"type": "input_image", "detail": "auto", "image_url": data_url(part)}


def read_response(body: Mapping[str, Any]) -> Completion:
    """Read a response. Raise CallError if it failed or is incomplete."""
    status = word(body.get("status"))
    if status in _UNDONE:
        raise _undone(status, body.get("error"))
    if body.get("error"):
        raise LookupError("an error instead of an answer")
    parts = list(_parts(body["output"]))
    refusal = "".join(part["refusal"] for part in parts if part.get("type") == "refusal")
    text = "".join(part["text"] for part in parts if part.get("type") == "output_text")
    finish = (body.get("incomplete_details") or {}).get("reason") or body.get("status")
    outcome, warnings = ending(finish, text, refused=bool(refusal))
    return Completion(
        outcome,
        text=refusal or text,
        usage=openai_usage(body.get("usage")),
        model=word(body.get("model")),
        finish_reason=word(finish),
        warnings=warnings,
        thoughts="\n\n".join(filter(None, map(_thoughts, body["output"]))) or None,
    )


def _parts(output: list[Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the parts of all messages; reasoning has parts of other types, or none."""
    for item in output:
        yield from item.get("content") or ()


def _thoughts(item: Mapping[str, Any]) -> str:
    if item.get("type") != "reasoning":
        return ""
    return thoughts_in(item.get("content")) or thoughts_in(item.get("summary"))


def _undone(status: str, error: Any) -> CallError:
    if not isinstance(error, Mapping):
        return CallError(Fault.UNREADABLE, f"a response that is {status}")
    code = word(error.get("code")) or "no code"
    message = f"the response {status} ({code}): {error.get('message')}"
    if code in _REFUSALS:
        return RefusedError(Fault.REJECTED, message)
    return CallError(_PASSING.get(code, Fault.REJECTED), message)
