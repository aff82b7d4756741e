from __future__ import annotations

import asyncio
import base64
import importlib
import json
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from promptlab.backends.gemini import Gemini, Options
from promptlab.core.answers import settled
from promptlab.core.digest import digest_bytes
from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.failure import Fault
from promptlab.core.prices import Price
from promptlab.core.types import Completion, Image, Message, Outcome, Request, Sampling, Usage
from promptlab.remote.exchange import CallError, Reply

KEY = "AIzaSyTest-0123456789abcdefghijklmno"
PIXEL = b"\xff\xfb\xcb\xff pixels"  # its base64 holds `/`
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"label": {"type": "string", "enum": ["a", "b"]}},
    "required": ["label"],
    "additionalProperties": False,
}
QUOTA = "type.googleapis.com/google.rpc.QuotaFailure"
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "45.837906927s"}


def make(model: str = "gemini-2.5-flash", **options: Any) -> Gemini:
    return Gemini(model, Options(**options), {"GEMINI_API_KEY": KEY})


def request(
    *messages: Message, schema: Mapping[str, Any] | None = None, **sampling: Any
) -> Request:
    said = messages or (Message("user", "Hello"),)
    return Request("key", said, Sampling(**sampling), schema)


def picture(tmp_path: Path, media_type: str = "image/png") -> Image:
    file = tmp_path / "picture"
    file.write_bytes(PIXEL)
    return Image("picture", media_type, digest_bytes(PIXEL), str(file))


def answer(body: Any, status: int = 200) -> Completion:
    return make().answer(Reply(status, httpx.Headers(), json.dumps(body).encode()))


def spoken(*parts: Any, finish: str | None = "STOP", **rest: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": "gemini-2.5-flash-002", **rest}


# What is sent.


def test_a_conversation_is_written_with_googles_roles_and_system_text_apart() -> None:
    asked = request(
        Message("system", "Be brief."),
        Message("system", "Be kind."),
        Message("user", "Hi"),
        Message("assistant", "Hello."),
        Message("user", "And?"),
    )
    body = make().body(asked)
    assert body["systemInstruction"] == {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]}
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "Hi"}]},
        {"role": "model", "parts": [{"text": "Hello."}]},
        {"role": "user", "parts": [{"text": "And?"}]},
    ]


def test_system_text_in_the_middle_is_refused_rather_than_moved() -> None:
    asked = request(Message("user", "Hi"), Message("system", "Be brief."), Message("user", "And?"))
    with pytest.raises(PromptlabError, match="only at the beginning"):
        make().body(asked)


def test_sampling_is_sent_under_googles_names() -> None:
    asked = request(
        temperature=1.5, top_p=0.9, max_tokens=7, stop=("END", "\n"), seed=2**31 - 1, schema=SCHEMA
    )
    assert make().body(asked)["generationConfig"] == {
        "temperature": 1.5,
        "topP": 0.9,
        "maxOutputTokens": 7,
        "stopSequences": ["END", "\n"],
        "seed": 2**31 - 1,
        "responseMimeType": "application/json",
        "responseJsonSchema": SCHEMA,
    }
    assert make().body(request())["generationConfig"] == {
        "temperature": 0.0,
        "maxOutputTokens": 256,
    }
    assert make(omit=["temperature", "max_tokens"]).body(request())["generationConfig"] == {}


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/gif", "image/webp"])
def test_images_keep_their_place_in_a_message(tmp_path: Path, media_type: str) -> None:
    there = Image("https://example.org/cat.png?size=2", "image/png", "b2:1")
    here = picture(tmp_path, media_type)
    asked = request(Message("user", ("Compare ", here, " with ", there)))
    assert make().body(asked)["contents"][0]["parts"] == [
        {"text": "Compare "},
        {
            "inlineData": {
                "mimeType": media_type,
                "data": base64.b64encode(PIXEL).decode(),
            }
        },
        {"text": " with "},
        {"fileData": {"mimeType": "image/png", "fileUri": "https://example.org/cat.png?size=2"}},
    ]


@pytest.mark.parametrize(
    ("options", "config"),
    [
        ({"thinking_budget": 0}, {"thinkingBudget": 0}),
        ({"thinking_budget": -1}, {"thinkingBudget": -1}),
        ({"thinking_level": "minimal"}, {"thinkingLevel": "MINIMAL"}),
        ({"thinking_level": "high"}, {"thinkingLevel": "HIGH"}),
    ],
)
def test_thinking_is_an_option_that_answers_depend_on(
    options: dict[str, Any], config: dict[str, Any]
) -> None:
    assert make(**options).body(request())["generationConfig"]["thinkingConfig"] == config
    assert make(**options).identity() == {**make().identity(), **options}


def test_the_safety_filters_are_an_option_that_answers_depend_on() -> None:
    assert make(safety="block_none").body(request())["safetySettings"] == [
        {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"},
        {"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_NONE"},
        {"category": "HARM_CATEGORY_SEXUALLY_EXPLICIT", "threshold": "BLOCK_NONE"},
        {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "threshold": "BLOCK_NONE"},
    ]
    assert make(safety="off").identity() != make().identity()
    assert "safetySettings" not in make().body(request())


@pytest.mark.parametrize(
    "options",
    [
        {"thinking_budget": 100, "thinking_level": "low"},
        {"thinking_budget": -2},
        {"thinking_level": "HIGH"},
        {"safety": "none"},
        {"num_ctx": 2048},
    ],
)
def test_bad_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate(options)


def test_more_stop_sequences_than_five_are_refused_before_any_call() -> None:
    with pytest.raises(BackendError, match="at most 5 stop sequences, not 6"):
        make().shortfalls(Sampling(stop=tuple("abcdef")), None)
    assert make().shortfalls(Sampling(stop=tuple("abcde"), seed=1), SCHEMA) == []
    assert make(omit=["stop"]).shortfalls(Sampling(stop=tuple("abcdef")), None) == [
        "stop is not sent: the options omit it"
    ]


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-2.5-flash", "/models/gemini-2.5-flash:generateContent"),
        ("models/gemini-2.5-flash", "/models/gemini-2.5-flash:generateContent"),
        ("tunedModels/mine-1", "/tunedModels/mine-1:generateContent"),
        ("odd?name#x", "/models/odd%3Fname%23x:generateContent"),
    ],
)
def test_the_model_stands_in_the_path_and_the_key_does_not(model: str, path: str) -> None:
    assert make(model).path() == path
    headers = make(model).headers()
    assert headers["x-goog-api-key"] == KEY
    assert "authorization" not in headers


@pytest.mark.parametrize(
    "model", ["a/b", "../x", "tunedModels/..", "tunedModels/", "..", ".", "models/", "a/../b", "/x"]
)
def test_a_name_that_would_leave_its_part_of_the_path_is_refused(model: str) -> None:
    with pytest.raises(BackendError):
        make(model)


def test_a_model_has_one_identity_however_it_is_written() -> None:
    assert make("models/gemini-2.5-flash").identity() == make().identity()
    assert make().identity() == {
        "kind": "gemini",
        "model": "gemini-2.5-flash",
        "url": "https://generativelanguage.googleapis.com/v1beta",
    }
    with pytest.raises(BackendError, match="needs a model"):
        Gemini(None, Options())


def test_the_key_goes_to_google_alone() -> None:
    assert "x-goog-api-key" not in make(base_url="http://127.0.0.1:1/v1").headers()
    with pytest.raises(BackendError, match="GEMINI_API_KEY is not set"):
        Gemini("gemini-2.5-flash", Options()).headers()


# What comes back: how an answer ended.

WHOLE = ["STOP"]
UNSAID = ["FINISH_REASON_UNSPECIFIED", None]
CUT = ["MAX_TOKENS", "CONTINUATION"]
REFUSED = [
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "ESCALATION",
    "MODEL_ARMOR",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
]
BROKEN = [
    "OTHER",
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE",
    "NO_IMAGE",
    "IMAGE_OTHER",
    "SOMETHING_OF_NEXT_YEAR",
]
ENDS = [
    *((finish, Outcome.OK, Outcome.EMPTY, "") for finish in WHOLE),
    *((finish, Outcome.OK, Outcome.EMPTY, "gives no finish reason") for finish in UNSAID),
    *((finish, Outcome.TRUNCATED, Outcome.TRUNCATED, "") for finish in CUT),
    *((finish, Outcome.REFUSED, Outcome.REFUSED, "") for finish in REFUSED),
    *(
        (finish, Outcome.TRUNCATED, Outcome.TRUNCATED, f"{finish!r} is not known")
        for finish in BROKEN
    ),
]


@pytest.mark.parametrize(("finish", "with_text", "without", "warned"), ENDS)
def test_every_finish_reason_has_its_outcome(
    finish: str | None, with_text: Outcome, without: Outcome, warned: str
) -> None:
    said = answer(spoken({"text": "Half an"}, finish=finish))
    assert (said.outcome, said.text, said.finish_reason) == (with_text, "Half an", finish)
    assert [warned in line for line in said.warnings] == [True] * bool(warned)
    body = spoken(finish=finish)
    assert answer(body).outcome is without
    del body["candidates"][0]["content"]["parts"]
    assert answer(body).outcome is without
    del body["candidates"][0]["content"]
    assert (answer(body).outcome, answer(body).text) == (without, "")


@pytest.mark.slow
def test_no_finish_reason_of_the_sdk_is_unknown_here() -> None:
    known = {*WHOLE, *UNSAID, *CUT, *REFUSED, *BROKEN, "PUP_LIMITED_DISABLED"}
    assert {str(reason.value) for reason in sdk().FinishReason} <= known


def test_a_barred_account_stops_the_backend() -> None:
    with pytest.raises(BackendError, match="limited or disabled the account"):
        answer(spoken(finish="PUP_LIMITED_DISABLED"))


@pytest.mark.parametrize(
    "reason",
    ["SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "MODEL_ARMOR"],
)
@pytest.mark.parametrize("rest", [{}, {"candidates": []}])
def test_a_blocked_prompt_is_a_refusal(reason: str, rest: dict[str, Any]) -> None:
    body = {
        "promptFeedback": {"blockReason": reason, "safetyRatings": []},
        "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9},
        "modelVersion": "gemini-2.5-flash-002",
        **rest,
    }
    assert answer(body) == Completion(
        Outcome.REFUSED,
        usage=Usage(9, 0),
        model="gemini-2.5-flash-002",
        finish_reason=f"prompt blocked: {reason}",
    )


def test_feedback_beside_an_answer_blocks_nothing() -> None:
    assert answer(spoken({"text": "Hi"}, promptFeedback={"safetyRatings": []})).text == "Hi"


@pytest.mark.parametrize(
    "body",
    [{}, {"candidates": []}, {"promptFeedback": {}}, {"candidates": 3}, {"candidates": [None]}, []],
)
def test_a_reply_without_candidates_or_a_reason_is_unreadable(body: Any) -> None:
    with pytest.raises(CallError) as caught:
        answer(body)
    assert caught.value.failure.fault is Fault.UNREADABLE


def test_thoughts_are_no_part_of_the_answer() -> None:
    parts = [
        {"text": "Let me see.", "thought": True},
        {"text": "Par"},
        {"text": "is", "thoughtSignature": "c2ln"},
        {"inlineData": {"mimeType": "image/png", "data": ""}},
    ]
    said = answer(spoken(*parts))
    assert (said.text, said.thoughts) == ("Paris", "Let me see.")


def test_a_model_that_only_thought_is_reported_so() -> None:
    usage = {"promptTokenCount": 5, "thoughtsTokenCount": 256, "totalTokenCount": 261}
    said = answer(spoken(finish="MAX_TOKENS", usageMetadata=usage))
    assert said.outcome is Outcome.TRUNCATED
    assert said.usage == Usage(5, 256, reasoning_tokens=256)
    assert "all 256 tokens were spent on thinking" in settled(said).warnings[0]


@pytest.mark.parametrize(
    ("metadata", "usage"),
    [
        (None, Usage()),
        ({}, Usage()),
        ({"promptTokenCount": 12, "candidatesTokenCount": 3, "totalTokenCount": 15}, Usage(12, 3)),
        ({"promptTokenCount": 12, "candidatesTokenCount": 0}, Usage(12, 0)),
        ({"promptTokenCount": 12}, Usage(12, None)),
        ({"promptTokenCount": 12, "totalTokenCount": 12}, Usage(12, 0)),
        ({"candidatesTokenCount": 3}, Usage(None, 3)),
        ({"totalTokenCount": 15}, Usage()),
        (
            {"promptTokenCount": 12, "candidatesTokenCount": 3, "thoughtsTokenCount": 40},
            Usage(12, 43, reasoning_tokens=40),
        ),
        (
            {"promptTokenCount": 12, "thoughtsTokenCount": 40, "totalTokenCount": 52},
            Usage(12, 40, reasoning_tokens=40),
        ),
        (
            {"promptTokenCount": 1200, "candidatesTokenCount": 3, "cachedContentTokenCount": 1024},
            Usage(1200, 3, cache_read_tokens=1024),
        ),
        (
            {
                "promptTokenCount": 12,
                "toolUsePromptTokenCount": 100,
                "thoughtsTokenCount": 5,
                "totalTokenCount": 117,
            },
            Usage(112, 5, reasoning_tokens=5),
        ),
        ({"promptTokenCount": "12", "candidatesTokenCount": True}, Usage()),
    ],
)
def test_tokens_are_counted_as_google_means_them(metadata: Any, usage: Usage) -> None:
    body = spoken({"text": "Hi"})
    if metadata is not None:
        body["usageMetadata"] = metadata
    assert answer(body).usage == usage


def test_cached_tokens_are_cheaper_and_thoughts_cost_as_output() -> None:
    usage = answer(
        spoken(
            {"text": "Hi"},
            usageMetadata={
                "promptTokenCount": 1000,
                "cachedContentTokenCount": 600,
                "candidatesTokenCount": 10,
                "thoughtsTokenCount": 90,
            },
        )
    ).usage
    cost = Price(input=1.0, output=10.0, cached=0.1).cost(usage)
    assert cost == pytest.approx((400 * 1.0 + 600 * 0.1 + 100 * 10.0) / 1e6)


# What comes back: errors, as Google writes them.


def complaint(code: int, status: str, message: str, *details: Mapping[str, Any]) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    return {"error": {**error, "details": list(details)} if details else error}


def reason(name: str, **metadata: str) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": name,
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com", **metadata},
    }


def quota(*names: str) -> dict[str, Any]:
    metric = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
    return {
        "@type": QUOTA,
        "violations": [
            {
                "quotaMetric": metric,
                "quotaId": name,
                "quotaDimensions": {"location": "global", "model": "gemini-2.5-flash"},
                "quotaValue": "10",
            }
            for name in names
        ],
    }


PER_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
PER_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
SPENT = "You exceeded your current quota, please check your plan and billing details."
HELP = {
    "@type": "type.googleapis.com/google.rpc.Help",
    "links": [{"description": "Learn more", "url": "https://ai.google.dev/rate-limits"}],
}


@pytest.mark.parametrize(
    ("body", "fault", "wait_s"),
    [
        (
            complaint(429, "RESOURCE_EXHAUSTED", SPENT, quota(PER_MINUTE), HELP, RETRY),
            Fault.BUSY,
            45.837906927,
        ),
        (complaint(429, "RESOURCE_EXHAUSTED", SPENT, HELP), Fault.BUSY, None),
        (
            complaint(
                429,
                "RESOURCE_EXHAUSTED",
                "Quota exceeded",
                reason("RATE_LIMIT_EXCEEDED", quota_limit="GenerateContentRequestsPerMinute"),
                {**RETRY, "retryDelay": "0s"},
            ),
            Fault.BUSY,
            0.0,
        ),
        (complaint(503, "UNAVAILABLE", "The model is overloaded."), Fault.BUSY, None),
        (complaint(500, "INTERNAL", "An internal error has occurred."), Fault.SERVER, None),
        (complaint(504, "DEADLINE_EXCEEDED", "The request timed out."), Fault.SERVER, None),
        (
            complaint(400, "INVALID_ARGUMENT", "Unsupported MIME type: image/gif"),
            Fault.REJECTED,
            None,
        ),
        (
            complaint(400, "INVALID_ARGUMENT", "Invalid or unsupported file uri: https://a.b/c"),
            Fault.REJECTED,
            None,
        ),
        (
            complaint(
                400,
                "INVALID_ARGUMENT",
                "The input token count (1048577) exceeds the maximum number of tokens allowed.",
            ),
            Fault.REJECTED,
            None,
        ),
    ],
)
@pytest.mark.parametrize("listed", [False, True])
def test_errors_of_one_call(body: Any, fault: Fault, wait_s: float | None, listed: bool) -> None:
    with pytest.raises(CallError) as caught:
        answer([body] if listed else body, body["error"]["code"])
    assert (caught.value.failure.fault, caught.value.failure.wait_s) == (fault, wait_s)
    assert f"HTTP {body['error']['code']}: {body['error']['message']}" in str(caught.value)


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (
            complaint(
                400,
                "INVALID_ARGUMENT",
                "API key not valid. Please pass a valid API key.",
                reason("API_KEY_INVALID"),
            ),
            "check the key",
        ),
        (
            complaint(
                400,
                "FAILED_PRECONDITION",
                "User location is not supported for the API use.",
                {"@type": "type.googleapis.com/google.rpc.DebugInfo", "detail": "generic"},
            ),
            "check the account's billing, and whether the API serves this country",
        ),
        (
            complaint(403, "PERMISSION_DENIED", "Your API key was reported as leaked."),
            "check the key's permissions",
        ),
        (
            complaint(404, "NOT_FOUND", "models/gemini-9 is not found for API version v1beta"),
            "check model and base_url",
        ),
        (
            complaint(429, "RESOURCE_EXHAUSTED", SPENT, quota(PER_MINUTE, PER_DAY), RETRY),
            "today's quota is used up: resume tomorrow",
        ),
        (
            complaint(
                429,
                "RESOURCE_EXHAUSTED",
                "Quota exceeded for quota metric",
                reason("RATE_LIMIT_EXCEEDED", quota_limit="GenerateRequestsPerDayPerProject"),
            ),
            "today's quota is used up: resume tomorrow",
        ),
        (
            complaint(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."),
            "check the account's credit",
        ),
        (
            complaint(
                400,
                "INVALID_ARGUMENT",
                "Invalid JSON payload received. Unknown name \"seed\" at 'generation_config'",
            ),
            "this model refuses seed; set omit = ['seed'] in the backend's table",
        ),
    ],
)
def test_errors_that_stop_the_backend(body: Any, hint: str) -> None:
    with pytest.raises(BackendError) as caught:
        answer(body, body["error"]["code"])
    assert caught.value.hint == hint
    assert body["error"]["message"] in caught.value.message


def test_an_error_under_status_200_is_an_error() -> None:
    with pytest.raises(CallError) as caught:
        answer(complaint(503, "UNAVAILABLE", "The model is overloaded."))
    assert caught.value.failure.fault is Fault.BUSY


# Google's own SDK as the judge. It takes most of a second to import.


def sdk() -> Any:
    return importlib.import_module("google.genai.types")


@cache
def wire() -> type[BaseModel]:
    types = sdk()
    fields: dict[str, Any] = {
        "contents": (list[types.Content], ...),  # type: ignore[name-defined] # looked up at run time
        "systemInstruction": (types.Content, None),
        "generationConfig": (types.GenerationConfig, None),
        "safetySettings": (list[types.SafetySetting], None),  # type: ignore[name-defined] # too
    }
    return create_model("Body", __config__=ConfigDict(extra="forbid"), **fields)


def full_request(tmp_path: Path) -> Request:
    there = Image("https://example.org/cat.png", "image/png", "b2:1")
    return request(
        Message("system", "Be brief."),
        Message("user", ("Compare ", picture(tmp_path), " with ", there)),
        Message("assistant", "They differ."),
        Message("user", "How?"),
        schema=SCHEMA,
        temperature=0.7,
        top_p=0.5,
        max_tokens=99,
        stop=("a", "b"),
        seed=3,
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"thinking_budget": -1, "safety": "off"},
        *({"thinking_level": level} for level in ("minimal", "low", "medium", "high", "xhigh")),
        *({"safety": f"block_{how}"} for how in ("none", "only_high", "low_and_above")),
        {"safety": "block_medium_and_above"},
    ],
)
def test_what_is_sent_parses_with_the_types_of_the_sdk(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    backend = make(**options)
    parsed: Any = wire().model_validate_json(backend.content(full_request(tmp_path)))
    assert parsed.contents[0].parts[1].inline_data.data == PIXEL
    written = parsed.model_dump(mode="json", by_alias=True, exclude_none=True)
    data = written["contents"][0]["parts"][1]["inlineData"]
    data["data"] = base64.b64encode(base64.urlsafe_b64decode(data["data"])).decode()
    assert written == backend.body(full_request(tmp_path))


def test_log_probabilities_are_asked_for_in_the_terms_of_the_sdk(tmp_path: Path) -> None:
    backend = make()
    content = backend.content(full_request(tmp_path), backend.logprob_keys())
    parsed: Any = wire().model_validate_json(content)
    assert parsed.generationConfig.response_logprobs is True
    assert parsed.generationConfig.logprobs == 1
    assert parsed.generationConfig.seed == 3


@pytest.mark.parametrize(
    "odd",
    [
        {"top": 1},
        {"generationConfig": {"topp": 0.5}},
        {"contents": [{"role": "user", "parts": [{"txt": "Hi"}]}]},
        {"contents": [{"role": "user", "parts": [{"inlineData": {"mediaType": "image/png"}}]}]},
    ],
)
def test_the_types_of_the_sdk_refuse_what_they_do_not_know(odd: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        wire().model_validate({**make().body(request()), **odd})


def test_what_the_sdk_serialises_is_read() -> None:
    types = sdk()
    response = types.GenerateContentResponse(
        candidates=[
            types.Candidate(
                content=types.Content(
                    role="model",
                    parts=[
                        types.Part(text="Hm.", thought=True),
                        types.Part(text="Paris", thought_signature=b"\xff\xfb"),
                    ],
                ),
                finish_reason=types.FinishReason.STOP,
                avg_logprobs=-0.1,
                index=0,
            )
        ],
        usage_metadata=types.GenerateContentResponseUsageMetadata(
            prompt_token_count=20,
            cached_content_token_count=8,
            candidates_token_count=2,
            thoughts_token_count=30,
            total_token_count=52,
        ),
        model_version="gemini-2.5-flash-002",
        response_id="abc",
    )
    body = response.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert answer(body) == Completion(
        Outcome.OK,
        "Paris",
        Usage(20, 32, cache_read_tokens=8, reasoning_tokens=30),
        model="gemini-2.5-flash-002",
        finish_reason="STOP",
        thoughts="Hm.",
    )


def test_every_block_reason_of_the_sdk_is_read_as_a_refusal() -> None:
    types = sdk()
    for blocked in types.BlockedReason:
        feedback = types.GenerateContentResponsePromptFeedback(block_reason=blocked)
        response = types.GenerateContentResponse(prompt_feedback=feedback)
        said = answer(response.model_dump(mode="json", by_alias=True, exclude_none=True))
        assert said.outcome is Outcome.REFUSED
        assert said.finish_reason == f"prompt blocked: {blocked.value}"


# A server on this machine, which the SDK's client and the backend ask for the same.


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["content-length"]))
        self.server.seen.append((self.path, dict(self.headers), content))  # type: ignore[attr-defined]
        body = json.dumps(
            spoken(
                {"text": "Paris"}, usageMetadata={"promptTokenCount": 5, "candidatesTokenCount": 1}
            )
        ).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json; charset=UTF-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


@pytest.fixture
def server() -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as serving:
        serving.seen = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


async def ask(backend: Gemini, asked: Request) -> Completion:
    try:
        await backend.open()
        (said,) = [said async for _, said in backend.generate([asked])]
        return said
    finally:
        await backend.close()


def sdk_call(url: str, tmp_path: Path) -> Any:
    genai, types = importlib.import_module("google.genai"), sdk()
    text = types.Part.from_text
    picture_parts = [
        text(text="Compare "),
        types.Part.from_bytes(data=PIXEL, mime_type="image/png"),
        text(text=" with "),
        types.Part.from_uri(file_uri="https://example.org/cat.png", mime_type="image/png"),
    ]
    config = types.GenerateContentConfig(
        system_instruction=types.Content(parts=[text(text="Be brief.")]),
        temperature=0.7,
        top_p=0.5,
        max_output_tokens=99,
        stop_sequences=["a", "b"],
        seed=3,
        response_mime_type="application/json",
        response_json_schema=SCHEMA,
        thinking_config=types.ThinkingConfig(thinking_budget=0),
        safety_settings=[
            types.SafetySetting(category=f"HARM_CATEGORY_{name}", threshold="BLOCK_ONLY_HIGH")
            for name in ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
        ],
    )
    options = types.HttpOptions(base_url=url, api_version="v1beta")
    with genai.Client(api_key=KEY, http_options=options) as client:
        return client.models.generate_content(
            model="gemini-2.5-flash",
            contents=[
                types.Content(role="user", parts=picture_parts),
                types.Content(role="model", parts=[text(text="They differ.")]),
                types.Content(role="user", parts=[text(text="How?")]),
            ],
            config=config,
        )


@pytest.mark.slow
def test_a_call_is_the_same_as_that_of_the_sdk(server: Any, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{server.server_port}"
    backend = make(
        base_url=f"{url}/v1beta",
        api_key_env="GEMINI_API_KEY",
        thinking_budget=0,
        safety="block_only_high",
        price={"input": 1.0, "output": 2.0},
    )
    said = asyncio.run(ask(backend, full_request(tmp_path)))
    assert (said.outcome, said.text, said.error) == (Outcome.OK, "Paris", None)
    assert said.cost_usd == pytest.approx(7e-6)
    assert said.latency_s is not None

    assert sdk_call(url, tmp_path).text == "Paris"
    (path, headers, content), (sdk_path, sdk_headers, sdk_content) = server.seen
    assert path == sdk_path == "/v1beta/models/gemini-2.5-flash:generateContent"
    assert headers["x-goog-api-key"] == sdk_headers["x-goog-api-key"] == KEY
    assert wire().model_validate_json(content) == wire().model_validate_json(sdk_content)
