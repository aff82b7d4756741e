from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.errors import BackendError
from promptlab.core.failure import Fault
from promptlab.core.keys import Keyring
from promptlab.remote.complaints import read_complaint
from promptlab.remote.exchange import CallError, Reply
from promptlab.remote.failures import RefusedError, judge, judge_body


def reply(status: int, body: Any = None, **headers: str) -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status, httpx.Headers(named), content)


def openai(message: str, code: str | None = None, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "code": code, **more}}


def anthropic(kind: str, message: str = "Something") -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


def gemini(status: int, name: str, *details: dict[str, Any], message: str = "No") -> dict[str, Any]:
    return {"error": {"code": status, "message": message, "status": name, "details": list(details)}}


def quota(name: str) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"quotaId": name}],
    }


PER_MINUTE = quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier")
PER_DAY = quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier")
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "45.837906927s"}
SPENT = "Your credit balance is too low to access the Anthropic API."
TOO_LARGE = "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 40000."


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (429, openai("Rate limit reached", "rate_limit_exceeded"), Fault.BUSY),
        (429, openai(TOO_LARGE, "rate_limit_exceeded"), Fault.REJECTED),
        (500, openai("The server had an error"), Fault.SERVER),
        (503, openai("The engine is overloaded"), Fault.BUSY),
        (408, None, Fault.SERVER),
        (409, None, Fault.SERVER),
        (423, None, Fault.SERVER),
        (425, None, Fault.SERVER),
        (498, None, Fault.BUSY),
        (529, None, Fault.BUSY),
        (300, None, Fault.UNREADABLE),
        (502, None, Fault.SERVER),
        (416, None, Fault.REJECTED),
        (524, b"<title>example.org | 524: A timeout occurred</title>", Fault.SERVER),
        (400, openai("At most 16 tokens", "context_length_exceeded"), Fault.REJECTED),
        (400, openai("Invalid 'temperature': at most 2", param="temperature"), Fault.REJECTED),
        (400, openai("Invalid type for 'messages'", param="messages"), Fault.REJECTED),
        (413, anthropic("request_too_large"), Fault.REJECTED),
        (400, anthropic("invalid_request_error", "prompt is too long"), Fault.REJECTED),
        (400, anthropic("invalid_request_error", "max_tokens: 9 > 8, the maximum allowed number"),
         Fault.REJECTED),
        (429, anthropic("rate_limit_error"), Fault.BUSY),
        (500, anthropic("api_error"), Fault.SERVER),
        (504, anthropic("timeout_error"), Fault.SERVER),
        (529, anthropic("overloaded_error"), Fault.BUSY),
        (500, anthropic("overloaded_error"), Fault.BUSY),
        (400, gemini(400, "INVALID_ARGUMENT", message="The prompt is too long"), Fault.REJECTED),
        (429, gemini(429, "RESOURCE_EXHAUSTED", PER_MINUTE, RETRY), Fault.BUSY),
        (503, [gemini(503, "UNAVAILABLE")], Fault.BUSY),
        (504, gemini(504, "DEADLINE_EXCEEDED"), Fault.SERVER),
        (500, {"error": "model runner has stopped"}, Fault.SERVER),
        (400, {"error": "invalid image"}, Fault.REJECTED),
        (400, {"object": "error", "message": "The maximum context length is 9", "code": 400},
         Fault.REJECTED),
        (301, None, Fault.UNREADABLE),
        (204, b"", Fault.UNREADABLE),
    ],
)  # fmt: skip
def test_a_failed_call_is_judged(status: int, body: Any, fault: Fault) -> None:
    assert judge(reply(status, body)).failure.fault is fault


@pytest.mark.parametrize(
    ("status", "body", "hint"),
    [
        (401, openai("Incorrect API key provided", "invalid_api_key"), "check the key"),
        (400, {"code": "x", "error": "Incorrect API key provided: no***."}, "check the key"),
        (429, openai("Over quota", "insufficient_quota"), "check the account's plan and credit"),
        (429, {"error": {"type": "insufficient_quota"}}, "check the account's plan and credit"),
        (404, openai("No such model", "model_not_found"), "check the name of the model"),
        (404, b"<html>Not found</html>", "check model and base_url"),
        (405, {"detail": "Method Not Allowed"}, "check base_url"),
        (401, anthropic("authentication_error"), "check the key"),
        (402, anthropic("billing_error"), "check the account's credit"),
        (400, anthropic("invalid_request_error", SPENT), "check the account's credit"),
        (403, anthropic("permission_error"), "check the key's permissions"),
        (404, anthropic("not_found_error"), "check model and base_url"),
        (403, gemini(403, "PERMISSION_DENIED"), "check the key's permissions"),
        (400, gemini(400, "INVALID_ARGUMENT", {"reason": "API_KEY_INVALID"}), "check the key"),
        (400, gemini(400, "FAILED_PRECONDITION"), "check the account's billing, and whether"),
        (429, gemini(429, "RESOURCE_EXHAUSTED", RETRY, PER_DAY), "today's quota is used up"),
        (429, gemini(429, "RESOURCE_EXHAUSTED", {"metadata": {"quota_limit": "xPerDayY"}}),
         "today's quota is used up"),
        (404, {"error": "model 'x' not found, try pulling it first"}, "check model and base_url"),
        (402, {"error": {"code": 402, "message": "Insufficient credits"}}, "check the account's"),
    ],
)  # fmt: skip
def test_what_every_call_would_meet_stops_the_backend(status: int, body: Any, hint: str) -> None:
    with pytest.raises(BackendError) as caught:
        judge(reply(status, body))
    assert caught.value.message.startswith(f"HTTP {status}")
    assert (caught.value.hint or "").startswith(hint)


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (401, "check the key"),
        (402, "check the account's credit"),
        (403, "check the key's permissions"),
        (404, "check model and base_url"),
        (405, "check base_url"),
        (407, "check the proxy that the environment names"),
        (410, "check model and base_url"),
    ],
)
def test_a_status_alone_may_say_enough(status: int, hint: str) -> None:
    with pytest.raises(BackendError, match=f"^HTTP {status} ") as caught:
        judge(reply(status, b""))
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("insufficient_quota", "check the account's plan and credit"),
        ("billing_hard_limit_reached", "raise the account's limit"),
        ("billing_not_active", "check the account's billing"),
        ("billing_error", "check the account's credit"),
        ("invalid_api_key", "check the key"),
        ("API_KEY_INVALID", "check the key"),
        ("authentication_error", "check the key"),
        ("permission_error", "check the key's permissions"),
        ("model_not_found", "check the name of the model"),
        ("FAILED_PRECONDITION", "check the account's billing, and whether"),
    ],
)
@pytest.mark.parametrize("where", ["type", "code", "status"])
def test_a_code_alone_may_say_enough(code: str, hint: str, where: str) -> None:
    with pytest.raises(BackendError) as caught:
        judge(reply(400, {"error": {where: code}}))
    assert (caught.value.hint or "").startswith(hint)


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("Your credit balance is too low", "check the account's credit"),
        ("Your prepayment credits are depleted.", "check the account's credit"),
        ("The project has exceeded its monthly spending cap.", "raise the account's limit"),
        ("API key not valid. Please pass a valid API key.", "check the key"),
        ("Invalid API Key", "check the key"),
    ],
)
def test_words_alone_may_say_enough(message: str, hint: str) -> None:
    with pytest.raises(BackendError) as caught:
        judge(reply(429, {"error": {"message": message}}))
    assert caught.value.hint == hint
    assert judge(reply(500, {"error": {"message": message}})).failure.fault is Fault.SERVER


@pytest.mark.parametrize("code", ["content_filter", "content_policy_violation", "invalid_prompt"])
def test_a_code_tells_a_refusal(code: str) -> None:
    assert isinstance(judge(reply(400, {"error": {"code": code}})), RefusedError)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("topP", "top_p"),
        ("max_tokens", "max_tokens"),
        ("max_completion_tokens", "max_tokens"),
        ("max_output_tokens", "max_tokens"),
        ("maxOutputTokens", "max_tokens"),
        ("num_predict", "max_tokens"),
        ("stop_sequences", "stop"),
        ("stopSequences", "stop"),
        ("seed", "seed"),
    ],
)
@pytest.mark.parametrize("status", [400, 422])
def test_every_name_of_a_sampling_key_is_known(status: int, name: str, key: str) -> None:
    for body in (
        openai("x", "unsupported_parameter", param=name),
        openai(f"{name} is not supported"),
        openai(f"Unknown name '{name}'"),
    ):
        with pytest.raises(BackendError) as caught:
            judge(reply(status, body))
        assert f"omit = ['{key}']" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (openai("Unsupported parameter: 'max_tokens'.", "unsupported_parameter",
                param="max_tokens"), "max_tokens"),
        (anthropic("invalid_request_error", "`temperature` may only be set to 1 when thinking"),
         "temperature"),
        (openai("Unsupported value: only the default (1) is.", "unsupported_value",
                param="temperature"), "temperature"),
        (openai("Unrecognized request argument supplied: seed"), "seed"),
        (openai("'stop' is not supported with this model"), "stop"),
        (anthropic("invalid_request_error", "`top_p` is deprecated for this model."), "top_p"),
        (anthropic("invalid_request_error", "`temperature` and `top_p` cannot both be specified"),
         "temperature"),
        (anthropic("invalid_request_error", "stop_sequences: Extra inputs are not permitted"),
         "stop"),
        (gemini(400, "INVALID_ARGUMENT", message='Unknown name "seed" at \'generation_config\''),
         "seed"),
        ({"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"],
                      "msg": "Extra inputs are not permitted", "input": 7}]}, "seed"),
        ({"object": "error", "message": {"detail": [{"loc": ["body", "top_p"], "msg":
          "Extra inputs are not permitted"}]}}, "top_p"),
    ],
)  # fmt: skip
def test_a_sampling_key_that_a_model_refuses_is_to_be_omitted(body: Any, key: str) -> None:
    with pytest.raises(BackendError) as caught:
        judge(reply(400, body))
    assert f"omit = ['{key}']" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "body",
    [
        openai("Unsupported parameter", "unsupported_parameter", param="logit_bias"),
        openai("This model does not support images. Please stop."),
        openai("Unsupported value: 'response_format'", param="response_format"),
    ],
)
def test_what_is_unsupported_in_one_request_rejects_it_alone(body: Any) -> None:
    assert judge(reply(400, body)).failure.fault is Fault.REJECTED


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, {"error": {"code": 403, "message": "Flagged", "metadata": {"reasons": ["hate"]}}}),
        (400, openai("The response was filtered", "content_filter", param="prompt")),
        (400, openai("Your prompt was flagged", "invalid_prompt")),
        (400, anthropic("invalid_request_error", "Output blocked by content filtering policy")),
    ],
)
def test_a_prompt_that_is_not_answered_is_a_refusal(status: int, body: Any) -> None:
    assert isinstance(judge(reply(status, body)), RefusedError)


@pytest.mark.parametrize(
    ("status", "asked", "fault"),
    [
        (500, "false", Fault.REJECTED),
        (429, "False", Fault.REJECTED),
        (400, "true", Fault.SERVER),
        (429, "perhaps", Fault.BUSY),
    ],
)
def test_the_server_itself_says_whether_to_ask_again(status: int, asked: str, fault: Fault) -> None:
    assert judge(reply(status, x_should_retry=asked)).failure.fault is fault


def test_the_wait_is_reported_with_the_failure() -> None:
    assert judge(reply(429, openai("x"), retry_after="7")).failure.wait_s == 7
    body = gemini(429, "RESOURCE_EXHAUSTED", PER_MINUTE, RETRY)
    assert judge(reply(429, body)).failure.wait_s == pytest.approx(45.837906927)
    assert judge(reply(500)).failure.wait_s is None
    assert judge(reply(400, openai("x"), retry_after="7")).failure.wait_s is None


def test_a_status_within_the_body_counts_more_than_that_of_the_head() -> None:
    for code in (429, "429"):
        body = {"error": {"code": code, "message": "Provider is busy"}}
        said = str(judge_body(reply(200, body)))
        assert said == "busy: an error 429 under HTTP 200: Provider is busy"


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"error": "Unexpected endpoint"}, Fault.COMPLAINT),
        ({"error": {"message": "so", "code": None}}, Fault.COMPLAINT),
        ({"error": {"message": "so", "code": "strange"}}, Fault.COMPLAINT),
        ({"error": {"message": "so", "code": 200}}, Fault.COMPLAINT),
        ({"base_resp": {"status_code": 1004, "status_msg": "so"}}, Fault.COMPLAINT),
        ({"error_code": 336003, "error_msg": "so"}, Fault.COMPLAINT),
        ([{"error": {"message": "so"}}], Fault.COMPLAINT),
        ({"error": {"message": "so", "type": "rate_limit_error"}}, Fault.BUSY),
        ({"error": {"message": "so", "code": "server_error"}}, Fault.SERVER),
        ({"error": {"message": "so", "code": 503}}, Fault.BUSY),
        ({"error": {"message": "so", "code": 400}}, Fault.REJECTED),
    ],
)
def test_an_error_in_a_reply_that_succeeded_passes_only_if_it_says_so(
    body: Any, fault: Fault
) -> None:
    error = judge_body(reply(200, body))
    assert error.failure.fault is fault
    assert "HTTP 500" not in str(error)
    assert str(error).endswith((": so", ": Unexpected endpoint"))


def test_an_error_in_a_reply_that_succeeded_may_be_fatal_or_a_refusal() -> None:
    with pytest.raises(BackendError, match="invalid api key"):
        judge_body(reply(200, {"error": "invalid api key"}))
    refused = {"error": {"message": "so", "code": "content_filter"}}
    assert isinstance(judge_body(reply(200, refused)), RefusedError)


def test_a_redirect_says_where_it_leads_without_its_parameters() -> None:
    error = judge(reply(302, location="https://login.example.org/?token=abc"))
    assert str(error).endswith("a redirect to https://login.example.org/")
    assert "somewhere else" in str(judge(reply(308)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ""),
        (b"Bad\n gateway", "Bad gateway"),
        (b"<html><TITLE lang=en>502\nBad Gateway</TITLE>" + b"<p>x</p>" * 99, "502 Bad Gateway"),
        (b"\xff\xfe\x00", "\ufffd\ufffd?"),
        (b"\x1b[31mred", "?[31mred"),
        (b"[]", "[]"),
        (b'"no"', "no"),
        (b"null", ""),
        (b"3", "3"),
        (b'{"error": null, "message": "Late"}', "Late"),
        (b'{"error": "Broken"}', "Broken"),
        (b'{"error": ["Broken", 3]}', "Broken"),
        (b'{"errors": [{"message": "No route", "code": 7}]}', "No route"),
        (b'[{"error": {"message": "Late"}}]', "Late"),
        (b'{"detail": "Not allowed"}', "Not allowed"),
        (b'{"detail": [{"loc": ["body", "n"], "msg": "Extra"}]}', "'n': Extra"),
        (b'{"message": {"detail": [{"loc": [], "msg": "Extra"}]}}', "Extra"),
        (b'{"detail": {"a": 1}}', '{"a": 1}'),
        (b'{"error": {"message": {"text": "x"}}}', '{"text": "x"}'),
        (b'{"error": {"message": "Model", "metadata": {"raw": "says no"}}}', "Model: says no"),
        (b'{"message": "\\ud83d"}', "?"),
        (b"[" * 100_000, "[" * 296 + " ..."),
        (b'{"message": ' + b"[" * 900 + b"]" * 900 + b"}", None),
        (b'{"error": {"message": "' + b"a" * 400 + b'"}}', "a" * 296 + " ..."),
    ],
)  # fmt: skip
def test_the_servers_own_words_are_reported_in_one_line(
    content: bytes, message: str | None
) -> None:
    text = read_complaint(content).message
    assert text == message if message is not None else len(text) <= 300


def test_a_key_is_struck_out_before_the_words_are_cut() -> None:
    key = Keyring({"KEY": "sk-planted-0123456789"}).require("KEY")
    for length in range(270, 300):
        message = read_complaint(json.dumps({"error": "a" * length + key}).encode()).message
        assert "sk" not in message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "code", "type", "param", "details", "metadata",
                             "violations", "retryDelay", "reason", "errors", "status", "detail"]),
            inner, max_size=5,
        )
    ),
    max_leaves=12,
)  # fmt: skip
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "x-ratelimit-reset", "date", "x-should-retry",
                     "x-ratelimit-remaining", "anthropic-ratelimit-tokens-reset", "location"]),
    st.sampled_from(["", "0", "-1", "nan", "1e999", "1e300", "9" * 40, "1m30s", "soon", "5 5 5",
                     "2026-01-01T00:00:00Z", "Mon, 01 Jan 99999 00:00:00 GMT", "true"])
    | st.text(st.characters(codec="latin-1"), max_size=9),
)  # fmt: skip


@pytest.mark.slow
@given(st.integers(100, 999), JSON, HEADERS)
def test_whatever_a_server_says_there_is_a_judgement(
    status: int, body: Any, headers: dict[str, str]
) -> None:
    encoded = [(name.encode(), text.encode("latin-1")) for name, text in headers.items()]
    answer = Reply(status, httpx.Headers(encoded), json.dumps(body).encode())
    try:
        error = judge(answer)
    except BackendError:
        return
    assert isinstance(error, CallError)
    assert error.failure.wait_s is None or 0 <= error.failure.wait_s < float("inf")


def test_a_server_that_wants_the_newer_name_of_a_key_is_given_it() -> None:
    body = openai(
        "Unsupported parameter: 'max_tokens' is not supported with this model."
        " Use 'max_completion_tokens' instead.",
        "unsupported_parameter",
        param="max_tokens",
    )
    with pytest.raises(BackendError) as caught:
        judge(reply(400, body))
    assert 'max_tokens_field = "max_completion_tokens"' in (caught.value.hint or "")
