from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from openai.types.responses import Response

from promptlab.backends.openai import OpenAI, Options
from promptlab.core.failure import Fault
from promptlab.core.types import Completion, Outcome, Usage
from promptlab.remote.exchange import CallError, Reply
from promptlab.remote.failures import RefusedError

BACKEND = OpenAI("gpt-x", Options(api="responses"))
THOUGHT: dict[str, Any] = {"id": "r1", "type": "reasoning", "summary": [], "content": None}
COUNTED = {
    "input_tokens": 30,
    "input_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 5},
    "output_tokens": 20,
    "output_tokens_details": {"reasoning_tokens": 12},
    "total_tokens": 50,
}


def text(*texts: str) -> dict[str, Any]:
    parts = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
    return {"id": "m1", "type": "message", "role": "assistant", "status": "completed"} | {
        "content": parts
    }


def refusal(reason: str) -> dict[str, Any]:
    return {**text(), "content": [{"type": "refusal", "refusal": reason}]}


def response(*output: dict[str, Any], **more: Any) -> dict[str, Any]:
    base = {"id": "r1", "object": "response", "created_at": 1.0, "model": "gpt-x-2026-01-01"}
    rest = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "status": "completed"}
    return {**base, **rest, "output": list(output), **more}


def answered(body: Any) -> Completion:
    return BACKEND.answer(Reply(200, httpx.Headers(), json.dumps(body).encode()))


def cut(reason: str | None) -> dict[str, Any]:
    return {"status": "incomplete", "incomplete_details": {"reason": reason}}


@pytest.mark.parametrize(
    ("output", "more", "outcome", "said", "finish"),
    [
        ([text("Four.")], {}, Outcome.OK, "Four.", "completed"),
        ([THOUGHT, text("Fo", "ur"), text(".")], {}, Outcome.OK, "Four.", "completed"),
        ([], {}, Outcome.EMPTY, "", "completed"),
        ([THOUGHT], {}, Outcome.EMPTY, "", "completed"),
        ([text("Fo")], cut("max_output_tokens"), Outcome.TRUNCATED, "Fo", "max_output_tokens"),
        ([THOUGHT], cut("max_output_tokens"), Outcome.TRUNCATED, "", "max_output_tokens"),
        ([text("Fo")], cut("content_filter"), Outcome.REFUSED, "Fo", "content_filter"),
        ([text("Fo")], cut("max_messages"), Outcome.TRUNCATED, "Fo", "max_messages"),
        ([text("Fo")], cut(None), Outcome.TRUNCATED, "Fo", "incomplete"),
        ([refusal("I can't.")], {}, Outcome.REFUSED, "I can't.", "completed"),
    ],
)
def test_what_openai_writes_is_read(
    output: list[Any], more: dict[str, Any], outcome: Outcome, said: str, finish: str
) -> None:
    theirs = Response.model_validate(response(*output, **more, usage=COUNTED))
    read = answered(theirs.model_dump(mode="json"))
    assert read == Completion(
        outcome,
        text=said,
        usage=Usage(30, 20, 10, 5, 12),
        model=theirs.model,
        finish_reason=finish,
    )
    if outcome is not Outcome.REFUSED:
        assert read.text == theirs.output_text


@pytest.mark.parametrize(
    ("fields", "usage"),
    [
        ({}, Usage()),
        ({"usage": None}, Usage()),
        ({"usage": {"input_tokens": 3, "output_tokens": 4}}, Usage(3, 4)),
        ({"usage": {**COUNTED, "output_tokens_details": None}}, Usage(30, 20, 10, 5)),
    ],
)
def test_tokens_are_counted_where_they_are_reported(fields: dict[str, Any], usage: Usage) -> None:
    assert answered(response(text("x"), **fields)).usage == usage


def test_a_server_that_leaves_out_what_it_can_is_read() -> None:
    body = {"output": [{"content": [{"type": "output_text", "text": "Four."}]}]}
    assert answered(body) == Completion(
        Outcome.OK,
        text="Four.",
        warnings=("the server gives no finish reason: the answer may be cut off",),
    )


def failed(code: str) -> dict[str, Any]:
    return {"status": "failed", "error": {"code": code, "message": "so it is"}}


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, Fault.UNREADABLE),
        ({"output": None}, Fault.UNREADABLE),
        (response(text("x"), status="in_progress"), Fault.UNREADABLE),
        (response(status="queued"), Fault.UNREADABLE),
        (response(status="failed", error=None), Fault.UNREADABLE),
        (response(status="cancelled"), Fault.UNREADABLE),
        (response(**failed("server_error")), Fault.SERVER),
        (response(**failed("rate_limit_exceeded")), Fault.BUSY),
        (response(**failed("invalid_image")), Fault.REJECTED),
        ({"error": {"message": "slow down", "code": 429}}, Fault.BUSY),
        (response(text("x"), error={"message": "slow down", "code": 429}), Fault.BUSY),
        ({"error": "oops"}, Fault.COMPLAINT),
    ],
)
def test_what_is_no_answer_is_an_error(body: Any, fault: Fault) -> None:
    with pytest.raises(CallError) as caught:
        answered(body)
    assert not isinstance(caught.value, RefusedError)
    assert caught.value.failure.fault == fault


@pytest.mark.parametrize("code", ["invalid_prompt", "bio_policy", "image_content_policy_violation"])
def test_a_prompt_that_is_against_a_policy_is_refused(code: str) -> None:
    with pytest.raises(RefusedError, match=rf"failed \({code}\): so it is"):
        answered(response(**failed(code)))
