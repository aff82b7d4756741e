from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from promptlab.backends.openai import OpenAI, Options
from promptlab.core.digest import digest_bytes
from promptlab.core.errors import BackendError
from promptlab.core.failure import Fault
from promptlab.core.types import Completion, Image, Message, Outcome, Request, Sampling, Usage
from promptlab.remote.exchange import CallError, Reply

from .sdk_types import sdk_type, strict_validator

KEY = "sk-planted-0123456789abcdef"
LOCAL = "http://127.0.0.1:8000/v1"
PNG = b"\x89PNG\r\n\x1a\n and so on"
PNG_URL = "data:image/png;base64,iVBORw0KGgogYW5kIHNvIG9u"
CLOSED: dict[str, Any] = {
    "type": "object",
    "properties": {"colour": {"type": "string"}},
    "required": ["colour"],
    "additionalProperties": False,
}
LOOSE: dict[str, Any] = {"type": "object", "properties": {"colour": {"type": "string"}}}
TALK = (
    Message("system", "Be brief."),
    Message("user", "One?"),
    Message("assistant", "1"),
    Message("user", "Two?"),
)
FULL = Sampling(temperature=0.5, top_p=0.9, max_tokens=9, stop=("END", "\n"), seed=7)
UNSTOPPED = Sampling(temperature=0.5, top_p=0.9, max_tokens=9)


def make(**options: Any) -> OpenAI:
    return OpenAI("gpt-x", Options(**options), {"OPENAI_API_KEY": KEY})


def ask(
    *messages: Message, sampling: Sampling = FULL, schema: dict[str, Any] | None = None
) -> Request:
    return Request("k", messages or (Message("user", "Hi"),), sampling, schema)


def sent(backend: OpenAI, request: Request) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(backend.content(request))
    return body


def answered(backend: OpenAI, body: Any) -> Completion:
    return backend.answer(Reply(200, httpx.Headers(), json.dumps(body).encode()))


@pytest.fixture
def picture(tmp_path: Path) -> Message:
    (tmp_path / "cat.png").write_bytes(PNG)
    image = Image("cat.png", "image/png", digest_bytes(PNG), path=str(tmp_path / "cat.png"))
    link = Image("https://example.org/dog.webp", "image/webp", "sha256:0")
    return Message("user", ("Which is older,", image, "or", link))


def test_a_chat_completion_is_asked_for() -> None:
    assert sent(make(), ask(*TALK)) == {
        "model": "gpt-x",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "One?"},
            {"role": "assistant", "content": "1"},
            {"role": "user", "content": "Two?"},
        ],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_completion_tokens": 9,
        "stop": ["END", "\n"],
        "seed": 7,
    }


def test_a_response_is_asked_for() -> None:
    assert sent(make(api="responses"), ask(*TALK, sampling=UNSTOPPED, schema=CLOSED)) == {
        "model": "gpt-x",
        "input": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "One?"},
            {"role": "assistant", "content": "1"},
            {"role": "user", "content": "Two?"},
        ],
        "store": False,
        "stream": False,
        "temperature": 0.5,
        "top_p": 0.9,
        "max_output_tokens": 9,
        "text": {
            "format": {"type": "json_schema", "name": "answer", "schema": CLOSED, "strict": True}
        },
    }


def test_sampling_is_sent_where_it_is_greedy() -> None:
    body = sent(make(base_url=LOCAL), ask(sampling=Sampling()))
    assert body.keys() == {"model", "messages", "temperature", "max_tokens"}
    assert (body["temperature"], body["max_tokens"]) == (0.0, 256)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({}, "max_completion_tokens"),
        ({"base_url": "https://eu.api.openai.com/v1"}, "max_completion_tokens"),
        ({"base_url": LOCAL}, "max_tokens"),
        ({"base_url": "https://api.openai.com.example.org/v1"}, "max_tokens"),
        ({"base_url": "https://notapi.openai.com/v1"}, "max_tokens"),
        ({"max_tokens_field": "max_tokens"}, "max_tokens"),
        (
            {"base_url": LOCAL, "max_tokens_field": "max_completion_tokens"},
            "max_completion_tokens",
        ),
    ],
)
def test_the_limit_has_the_name_that_the_server_knows(options: dict[str, Any], field: str) -> None:
    limits = {name: value for name, value in sent(make(**options), ask()).items() if "max" in name}
    assert limits == {field: 9}


@pytest.mark.parametrize(("schema", "strict"), [(CLOSED, True), (LOOSE, False)])
def test_a_schema_is_strict_where_it_can_be(schema: dict[str, Any], strict: bool) -> None:
    format_ = sent(make(), ask(schema=schema))["response_format"]
    assert format_ == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema, "strict": strict},
    }
    loose = [line for line in make().shortfalls(Sampling(), schema) if "strict" in line]
    assert bool(loose) != strict


def test_images_are_sent(picture: Message) -> None:
    content = sent(make(), ask(picture))["messages"][0]["content"]
    assert content == [
        {"type": "text", "text": "Which is older,"},
        {"type": "image_url", "image_url": {"url": PNG_URL}},
        {"type": "text", "text": "or"},
        {"type": "image_url", "image_url": {"url": "https://example.org/dog.webp"}},
    ]
    content = sent(make(api="responses"), ask(picture))["input"][0]["content"]
    assert content == [
        {"type": "input_text", "text": "Which is older,"},
        {"type": "input_image", "detail": "auto", "image_url": PNG_URL},
        {"type": "input_text", "text": "or"},
        {"type": "input_image", "detail": "auto", "image_url": "https://example.org/dog.webp"},
    ]


CHAT = (
    "openai.types.chat.completion_create_params", "CompletionCreateParamsNonStreaming"
)  # fmt: skip
RESPONSE = (
    "openai.types.responses.response_create_params", "ResponseCreateParamsNonStreaming"
)  # fmt: skip


@pytest.mark.parametrize("schema", [None, CLOSED, LOOSE])
@pytest.mark.parametrize("sampling", [Sampling(), FULL])
@pytest.mark.parametrize(
    "options",
    [{}, {"base_url": LOCAL}, {"reasoning_effort": "xhigh"}, {"omit": ("temperature", "seed")}],
)
def test_openai_takes_what_is_sent(
    options: dict[str, Any], sampling: Sampling, schema: dict[str, Any] | None, picture: Message
) -> None:
    request = ask(*TALK, picture, sampling=sampling, schema=schema)
    for api, form in (("chat", CHAT), ("responses", RESPONSE)):
        backend = make(api=api, **options)
        body = json.loads(backend.content(request, backend.logprob_keys()))
        assert strict_validator(*form).validate_python(body) == body


@pytest.mark.parametrize(
    ("form", "api", "wrong"),
    [
        (CHAT, "chat", {"top_k": 1}),
        (CHAT, "chat", {"messages": [{"role": "user", "content": "x", "colour": "red"}]}),
        (RESPONSE, "responses", {"seed": 1}),
        (RESPONSE, "responses", {"text": {"format": {"type": "json_schema", "name": "x"}}}),
    ],
)
def test_the_oracle_finds_mistakes(form: tuple[str, str], api: str, wrong: dict[str, Any]) -> None:
    body = sent(make(api=api), ask(sampling=UNSTOPPED))
    assert strict_validator(*form).validate_python(body)
    with pytest.raises(ValidationError):
        strict_validator(*form).validate_python({**body, **wrong})


def test_the_effort_of_thinking_is_sent() -> None:
    assert sent(make(reasoning_effort="low"), ask())["reasoning_effort"] == "low"
    body = sent(make(api="responses", reasoning_effort="low"), ask())
    assert body["reasoning"] == {"effort": "low"}


@pytest.mark.parametrize(
    ("options", "path"), [({}, "/chat/completions"), ({"api": "responses"}, "/responses")]
)
def test_calls_go_where_they_belong(options: dict[str, Any], path: str) -> None:
    backend = make(organization="org-1", project="proj_1", **options)
    headers = backend.headers()
    assert backend.base_url + backend.path() == "https://api.openai.com/v1" + path
    assert headers["authorization"] == f"Bearer {KEY}"
    assert (headers["openai-organization"], headers["openai-project"]) == ("org-1", "proj_1")
    assert not [name for name in make(**options).headers() if name.startswith("openai")]


@pytest.mark.parametrize(
    "options",
    [
        {"organization": KEY},
        {"project": KEY},
        {"project": "two\nlines"},
        {"organization": " "},
        {"api": "responses", "max_tokens_field": "max_tokens"},
        {"api": "completions"},
        {"reasoning_effort": "much"},
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Options(**options)
    assert KEY not in caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("options", "variant"),
    [
        ({}, {}),
        ({"api": "chat", "organization": "org-1", "project": "p"}, {}),
        ({"api": "responses"}, {"api": "responses"}),
        ({"reasoning_effort": "none"}, {"reasoning_effort": "none"}),
        ({"max_tokens_field": "max_tokens"}, {"max_tokens_field": "max_tokens"}),
    ],
)
def test_its_identity_is_what_answers_depend_on(
    options: dict[str, Any], variant: dict[str, Any]
) -> None:
    plain = {"kind": "openai", "model": "gpt-x", "url": "https://api.openai.com/v1"}
    assert make(**options).identity() == {**plain, **variant}


RESPONSES = {"api": "responses"}


@pytest.mark.parametrize(
    ("options", "sampling", "lines"),
    [
        ({}, FULL, []),
        ({"omit": ("seed", "stop")}, FULL, ["seed is not sent", "stop is not sent"]),
        (RESPONSES, Sampling(), []),
        (RESPONSES, Sampling(seed=1), ["seed is not sent: the responses API"]),
        ({**RESPONSES, "omit": ("seed",)}, Sampling(seed=1), ["seed is not sent: the options"]),
        ({**RESPONSES, "omit": ("stop",)}, Sampling(stop=("x",)), ["stop is not sent"]),
        ({"base_url": LOCAL}, Sampling(stop=tuple("abcde")), []),
        ({"omit": ("stop",)}, Sampling(stop=tuple("abcde")), ["stop is not sent"]),
    ],
)
def test_it_says_what_it_does_not_honour(
    options: dict[str, Any], sampling: Sampling, lines: list[str]
) -> None:
    shortfalls = make(**options).shortfalls(sampling, None)
    assert len(shortfalls) == len(lines)
    assert all(line.startswith(start) for line, start in zip(shortfalls, lines, strict=True))


@pytest.mark.parametrize(
    ("options", "number"), [(RESPONSES, 1), ({**RESPONSES, "base_url": LOCAL}, 1), ({}, 5)]
)
def test_it_refuses_stop_sequences_that_the_api_does_not_take(
    options: dict[str, Any], number: int
) -> None:
    with pytest.raises(BackendError, match="stop sequences"):
        make(**options).shortfalls(Sampling(stop=("x",) * number), None)


def chat(message: dict[str, Any] | None = None, finish: Any = "stop", **more: Any) -> Any:
    said = {"role": "assistant", "content": "Four.", **(message or {})}
    choice = {"index": 0, "message": said, "finish_reason": finish, "logprobs": None}
    base = {"id": "c1", "object": "chat.completion", "created": 1, "model": "gpt-x-2026-01-01"}
    return {**base, "choices": [choice], **more}


THOUGHT = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]
PARTS = [{"type": "text", "text": "Fo"}, {"type": "text", "text": "ur."}]


@pytest.mark.parametrize(
    ("message", "finish", "outcome", "text"),
    [
        ({}, "stop", Outcome.OK, "Four."),
        ({}, None, Outcome.OK, "Four."),
        ({}, "length", Outcome.TRUNCATED, "Four."),
        ({}, "model_length", Outcome.TRUNCATED, "Four."),
        ({"content": None}, "length", Outcome.TRUNCATED, ""),
        ({}, "content_filter", Outcome.REFUSED, "Four."),
        ({"content": None}, "content_filter", Outcome.REFUSED, ""),
        ({"content": None, "refusal": "I can't."}, "stop", Outcome.REFUSED, "I can't."),
        ({"content": "", "refusal": "I can't."}, "length", Outcome.REFUSED, "I can't."),
        ({"refusal": None}, "stop", Outcome.OK, "Four."),
        ({"refusal": ""}, "stop", Outcome.OK, "Four."),
        ({"content": None}, "stop", Outcome.EMPTY, ""),
        ({"content": None, "tool_calls": []}, "tool_calls", Outcome.EMPTY, ""),
        ({"content": " \n"}, "stop", Outcome.EMPTY, " \n"),
        ({"content": THOUGHT + PARTS}, "stop", Outcome.OK, "Four."),
        ({"content": []}, "stop", Outcome.EMPTY, ""),
        ({"reasoning_content": "Hm."}, "stop", Outcome.OK, "Four."),
    ],
)
def test_a_chat_completion_is_read(
    message: dict[str, Any], finish: str | None, outcome: Outcome, text: str
) -> None:
    said = answered(make(), chat(message, finish))
    assert (said.outcome, said.text, said.finish_reason) == (outcome, text, finish)
    assert (said.error, said.failure) == (None, None)
    assert said.warnings == ((UNSAID,) if finish is None else ())


def test_a_message_without_content_is_empty() -> None:
    body = chat()
    del body["choices"][0]["message"]["content"], body["choices"][0]["finish_reason"]
    assert answered(make(), body) == Completion(
        Outcome.EMPTY, model="gpt-x-2026-01-01", warnings=(UNSAID,), thoughts=""
    )


@pytest.mark.parametrize(
    "message",
    [
        {"reasoning_content": "Hm."},
        {"reasoning": "Hm."},
        {"reasoning_details": [{"type": "reasoning.text", "text": "Hm."}]},
        {"content": THOUGHT + PARTS},
    ],
)
def test_thoughts_are_read_wherever_a_server_puts_them(message: dict[str, Any]) -> None:
    said = answered(make(), chat(message))
    assert (said.text, said.thoughts) == ("Four.", "Hm.")


UNSAID = "the server gives no finish reason: the answer may be cut off"
COUNTED = {"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50}


@pytest.mark.parametrize(
    ("fields", "usage"),
    [
        ({}, Usage()),
        ({"usage": None}, Usage()),
        ({"usage": []}, Usage()),
        ({"usage": {}}, Usage()),
        ({"usage": {"prompt_tokens": None, "completion_tokens": "20"}}, Usage()),
        ({"usage": {"prompt_tokens": 30}}, Usage(30)),
        ({"usage": COUNTED}, Usage(30, 20)),
        ({"usage": {**COUNTED, "prompt_tokens_details": None}}, Usage(30, 20)),
        ({"usage": {**COUNTED, "prompt_tokens_details": {"cached_tokens": 0}}}, Usage(30, 20, 0)),
        (
            {
                "usage": {
                    **COUNTED,
                    "prompt_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 5},
                    "completion_tokens_details": {"reasoning_tokens": 12},
                }
            },
            Usage(30, 20, 10, 5, 12),
        ),
    ],
)
def test_tokens_are_counted_where_they_are_reported(fields: dict[str, Any], usage: Usage) -> None:
    assert answered(make(), chat(**fields)).usage == usage


@pytest.mark.parametrize("message", [{}, {"content": None, "refusal": "No."}])
@pytest.mark.parametrize("finish", ["stop", "length", "tool_calls", "content_filter"])
@pytest.mark.parametrize(
    "usage",
    [
        None,
        COUNTED,
        {**COUNTED, "prompt_tokens_details": {}, "completion_tokens_details": {}},
        {
            **COUNTED,
            "prompt_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 5},
            "completion_tokens_details": {"reasoning_tokens": 12, "audio_tokens": 0},
        },
    ],
)
def test_what_openai_writes_is_read(
    message: dict[str, Any], finish: str, usage: dict[str, Any] | None
) -> None:
    theirs = sdk_type("openai.types.chat", "ChatCompletion").model_validate(
        chat(message, finish, usage=usage, system_fingerprint="fp_1", service_tier="default")
    )
    said = answered(make(), theirs.model_dump(mode="json"))
    choice = theirs.choices[0]
    assert said.text == choice.message.refusal or choice.message.content
    assert (said.finish_reason, said.model) == (choice.finish_reason, theirs.model)
    assert said.fingerprint == theirs.system_fingerprint == "fp_1"
    counts = theirs.usage
    assert said.usage.input_tokens == (counts and counts.prompt_tokens)
    assert said.usage.output_tokens == (counts and counts.completion_tokens)
    prompt, answer = (
        counts and counts.prompt_tokens_details,
        counts and counts.completion_tokens_details,
    )
    assert said.usage.cache_read_tokens == (prompt and prompt.cached_tokens)
    assert said.usage.cache_write_tokens == (prompt and prompt.cache_write_tokens)
    assert said.usage.reasoning_tokens == (answer and answer.reasoning_tokens)


BUSY = {"message": "slow down", "code": 429}


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, Fault.UNREADABLE),
        ({"choices": []}, Fault.UNREADABLE),
        ({"choices": None}, Fault.UNREADABLE),
        ({"choices": [{"finish_reason": "stop"}]}, Fault.UNREADABLE),
        ({"choices": [{"message": None}]}, Fault.UNREADABLE),
        (chat({"content": 4}), Fault.UNREADABLE),
        (chat({"content": {"text": "x"}}), Fault.UNREADABLE),
        (chat({"content": [{"type": "text", "text": 4}]}), Fault.UNREADABLE),
        (chat({"content": ["Four."]}), Fault.UNREADABLE),
        ({"error": "oops"}, Fault.COMPLAINT),
        ({"error": BUSY}, Fault.BUSY),
        (chat(error=BUSY), Fault.BUSY),
        (chat(finish="error"), Fault.SERVER),
        ({"choices": [{"error": {"code": 502, "message": "gone"}}]}, Fault.SERVER),
    ],
)
def test_what_is_no_answer_is_an_error(body: Any, fault: Fault) -> None:
    with pytest.raises(CallError) as caught:
        answered(make(), body)
    assert caught.value.failure.fault == fault


def test_a_router_says_why_an_answer_broke_off() -> None:
    body = {"choices": [{"error": {"code": 502, "message": "the provider is gone"}}]}
    with pytest.raises(CallError, match="an error 502 under HTTP 200: the provider is gone"):
        answered(make(), body)


def test_what_is_no_text_is_left_out() -> None:
    said = answered(make(), chat({"refusal": 1}, 2, model=3, system_fingerprint={}))
    assert (said.outcome, said.text, said.finish_reason) == (Outcome.TRUNCATED, "Four.", None)
    assert "'2' is not known" in said.warnings[0]
