from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from pydantic_core import SchemaValidator

from promptlab.backends.anthropic import Anthropic, Options
from promptlab.core.digest import digest_bytes
from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.failure import Fault
from promptlab.core.types import Completion, Image, Message, Outcome, Request, Sampling, Usage
from promptlab.remote.exchange import CallError, Reply

from .sdk_types import sdk_type, strict_validator

KEY = "sk-ant-planted-0123456789abcdef"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"colour": {"type": "string"}},
    "required": ["colour"],
    "additionalProperties": False,
}
PNG = b"\x89PNG\r\n\x1a\n and so on"
TALK = (
    Message("system", "Be brief."),
    Message("user", "One?"),
    Message("assistant", "1"),
    Message("user", "Two?"),
)
FULL = Sampling(temperature=0.5, top_p=0.9, max_tokens=9, stop=("END", "."), seed=7)


def make(**options: Any) -> Anthropic:
    return Anthropic("claude-x", Options(**options), {"ANTHROPIC_API_KEY": KEY})


def ask(
    *messages: Message, sampling: Sampling = FULL, schema: dict[str, Any] | None = None
) -> Request:
    return Request("k", messages or (Message("user", "Hi"),), sampling, schema)


def sent(backend: Anthropic, request: Request) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(backend.content(request))
    return body


def answered(body: Any) -> Completion:
    return make().answer(Reply(200, httpx.Headers(), json.dumps(body).encode()))


@pytest.fixture
def picture(tmp_path: Path) -> Message:
    (tmp_path / "cat.png").write_bytes(PNG)
    image = Image("cat.png", "image/png", digest_bytes(PNG), path=str(tmp_path / "cat.png"))
    link = Image("https://example.org/dog.webp", "image/webp", "sha256:0")
    return Message("user", ("Which is older,", image, "or", link))


def test_a_message_is_asked_for() -> None:
    backend = make(effort="low", thinking="disabled")
    assert sent(backend, ask(*TALK, schema=SCHEMA)) == {
        "model": "claude-x",
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": "One?"},
            {"role": "assistant", "content": "1"},
            {"role": "user", "content": "Two?"},
        ],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 9,
        "stop_sequences": ["END", "."],
        "output_config": {
            "format": {"type": "json_schema", "schema": SCHEMA},
            "effort": "low",
        },
        "thinking": {"type": "disabled"},
    }


def test_nothing_is_sent_that_was_not_asked_for() -> None:
    assert sent(make(), ask(sampling=Sampling())) == {
        "model": "claude-x",
        "messages": [{"role": "user", "content": "Hi"}],
        "temperature": 0.0,
        "max_tokens": 256,
    }
    assert "temperature" not in sent(make(omit=("temperature",)), ask())


def test_images_are_sent(picture: Message) -> None:
    assert sent(make(), ask(picture))["messages"][0]["content"] == [
        {"type": "text", "text": "Which is older,"},
        {
            "type": "image",
            "source": {
                "type": "base64",
                "media_type": "image/png",
                "data": "iVBORw0KGgogYW5kIHNvIG9u",
            },
        },
        {"type": "text", "text": "or"},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/dog.webp"}},
    ]


def test_messages_of_one_role_stay_apart() -> None:
    """The API makes one turn of them; where one ends is the template's business."""
    body = sent(make(), ask(Message("user", "One?"), Message("user", "Two?")))
    assert [message["content"] for message in body["messages"]] == ["One?", "Two?"]


@pytest.mark.parametrize(
    "messages",
    [
        (Message("assistant", "Hello."), Message("user", "Hi")),
        (Message("system", "Be brief."), Message("assistant", "Hello."), Message("user", "Hi")),
        (Message("system", "Be brief."),),
    ],
)
def test_a_conversation_that_no_user_begins_is_refused(messages: tuple[Message, ...]) -> None:
    with pytest.raises(PromptlabError, match="begin with a user message") as caught:
        make().body(ask(*messages))
    assert not isinstance(caught.value, BackendError)  # other prompts may be in order


# The package describes the API's version 2026-10-21. In 2023-06-01, which is spoken here, requests
# have these two keys more.
OLDER = {"temperature", "top_p"}


def form() -> SchemaValidator:
    params = "anthropic.types.message_create_params"
    return strict_validator(params, "MessageCreateParamsNonStreaming")


def theirs_of(body: dict[str, Any]) -> Any:
    """Return an answer as the package reads it."""
    return sdk_type("anthropic.types", "Message").model_validate(body)


@pytest.mark.slow
@pytest.mark.parametrize("schema", [None, SCHEMA])
@pytest.mark.parametrize("sampling", [Sampling(), FULL])
@pytest.mark.parametrize(
    "options", [{}, {"effort": "xhigh"}, {"thinking": "adaptive"}, {"thinking": "disabled"}]
)
def test_anthropic_takes_what_is_sent(
    options: dict[str, Any], sampling: Sampling, schema: dict[str, Any] | None, picture: Message
) -> None:
    body = sent(make(**options), ask(*TALK, picture, sampling=sampling, schema=schema))
    rest = {key: value for key, value in body.items() if key not in OLDER}
    assert form().validate_python(rest) == rest
    assert body["temperature"] == sampling.temperature
    assert body.get("top_p") == sampling.top_p


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": 1},
        {"messages": [{"role": "user", "content": "x", "colour": "red"}]},
        {"output_config": {"effort": "much"}},
        {"max_tokens": None},
    ],
)
def test_the_oracle_finds_mistakes(wrong: dict[str, Any]) -> None:
    body = sent(make(omit=("temperature",)), ask(sampling=Sampling()))
    assert form().validate_python(body)
    with pytest.raises(ValidationError):
        form().validate_python({**body, **wrong})


@pytest.mark.parametrize(
    ("url", "full"),
    [
        (None, "https://api.anthropic.com/v1/messages"),
        ("https://api.anthropic.com/v1/", "https://api.anthropic.com/v1/messages"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1/messages"),
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1/messages"),
        ("http://127.0.0.1:8080/claude", "http://127.0.0.1:8080/claude/v1/messages"),
    ],
)
def test_calls_go_where_they_belong(url: str | None, full: str) -> None:
    backend = make(base_url=url)
    assert backend.base_url + backend.path() == full
    own = full.startswith("https://api.anthropic.com/")
    assert backend.headers().get("x-api-key") == (KEY if own else None)
    assert backend.headers()["anthropic-version"] == "2023-06-01"
    assert "authorization" not in backend.headers()


def test_another_version_is_spoken_where_the_user_says_so() -> None:
    backend = make(headers={"anthropic-version": "2026-10-21"})
    assert backend.headers().get_list("anthropic-version") == ["2026-10-21"]


@pytest.mark.parametrize(
    ("options", "variant"),
    [
        ({}, {}),
        ({"base_url": "https://api.anthropic.com/v1"}, {}),
        ({"effort": "low", "thinking": "adaptive"}, {"effort": "low", "thinking": "adaptive"}),
    ],
)
def test_its_identity_is_what_answers_depend_on(
    options: dict[str, Any], variant: dict[str, Any]
) -> None:
    plain = {"kind": "anthropic", "model": "claude-x", "url": "https://api.anthropic.com"}
    assert make(**options).identity() == {**plain, **variant}


@pytest.mark.parametrize(
    ("options", "sampling", "lines"),
    [
        ({}, Sampling(), []),
        ({}, Sampling(temperature=1, stop=("\nEND",)), []),
        ({}, Sampling(seed=1), ["seed is not sent: Anthropic"]),
        ({"omit": ("seed",)}, Sampling(seed=1), ["seed is not sent: the options"]),
        ({"omit": ("temperature",)}, Sampling(temperature=2), ["temperature is not sent"]),
        ({"omit": ("stop",)}, Sampling(stop=("\n",)), ["stop is not sent"]),
        ({"thinking": "adaptive"}, Sampling(temperature=1), []),
        (
            {"thinking": "adaptive", "omit": ("temperature",)},
            Sampling(),
            ["temperature is not sent"],
        ),
        ({"thinking": "disabled"}, Sampling(), []),
    ],
)
def test_it_says_what_it_does_not_honour(
    options: dict[str, Any], sampling: Sampling, lines: list[str]
) -> None:
    shortfalls = make(**options).shortfalls(sampling, SCHEMA)
    assert len(shortfalls) == len(lines)
    assert all(line.startswith(start) for line, start in zip(shortfalls, lines, strict=True))


@pytest.mark.parametrize(
    ("options", "sampling", "message"),
    [
        ({}, Sampling(temperature=1.01), "does not accept temperature 1.01; the maximum is 1"),
        ({}, Sampling(stop=("END", " \n")), "does not accept stop sequences of white space only"),
        ({"omit": ("max_tokens",)}, Sampling(), "requires max_tokens"),
        ({"thinking": "adaptive"}, Sampling(), "accepts only temperature 1, not 0"),
    ],
)
def test_it_refuses_what_the_api_refuses(
    options: dict[str, Any], sampling: Sampling, message: str
) -> None:
    with pytest.raises(BackendError, match=message):
        make(**options).shortfalls(sampling, None)


def test_there_are_no_log_probabilities() -> None:
    assert make().logprob_keys() is None


COUNTED = {"input_tokens": 30, "output_tokens": 20}


def answer(*content: dict[str, Any], stop: str | None = "end_turn", **more: Any) -> dict[str, Any]:
    base = {"id": "m1", "type": "message", "role": "assistant", "model": "claude-x-20260101"}
    return {**base, "content": list(content), "stop_reason": stop, "usage": COUNTED, **more}


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "x"}
HIDDEN = {"type": "redacted_thinking", "data": "x"}
THOUGHTS = {"thinking": "Hm.", "redacted_thinking": "[kept secret by the server]"}
UNSAID = "the server gives no finish reason: the answer may be cut off"
TOOL = {"type": "tool_use", "id": "t1", "name": "add", "input": {}}
TOLD = {"type": "refusal", "category": "bio", "explanation": "It may do harm."}


@pytest.mark.parametrize(
    ("body", "outcome", "said"),
    [
        (answer(text("Four.")), Outcome.OK, "Four."),
        (answer(THOUGHT, HIDDEN, text("Fo"), text("ur.")), Outcome.OK, "Four."),
        (answer(text("Fo"), stop="stop_sequence", stop_sequence="ur"), Outcome.OK, "Fo"),
        (answer(text("Fo"), stop="max_tokens"), Outcome.TRUNCATED, "Fo"),
        (answer(THOUGHT, stop="max_tokens"), Outcome.TRUNCATED, ""),
        (answer(text("Fo"), stop="model_context_window_exceeded"), Outcome.TRUNCATED, "Fo"),
        (answer(text("Fo"), stop="pause_turn"), Outcome.TRUNCATED, "Fo"),
        (answer(text("Fo"), stop="refusal", stop_details=TOLD), Outcome.REFUSED, "Fo"),
        (answer(stop="refusal", stop_details=TOLD), Outcome.REFUSED, "It may do harm."),
        (answer(stop="refusal", stop_details={"type": "refusal"}), Outcome.REFUSED, ""),
        (answer(stop="refusal"), Outcome.REFUSED, ""),
        (answer(TOOL, stop="tool_use"), Outcome.EMPTY, ""),
        (answer(text("I add."), TOOL, stop="tool_use"), Outcome.OK, "I add."),
        (answer(), Outcome.EMPTY, ""),
        (answer(text(" \n")), Outcome.EMPTY, " \n"),
        (answer(text("Four."), stop=None), Outcome.OK, "Four."),
    ],
)
def test_what_anthropic_writes_is_read(body: dict[str, Any], outcome: Outcome, said: str) -> None:
    theirs = theirs_of(body)
    for written in (body, theirs.model_dump(mode="json")):
        assert answered(written) == Completion(
            outcome,
            text=said,
            usage=Usage(30, 20),
            model="claude-x-20260101",
            finish_reason=theirs.stop_reason,
            warnings=() if theirs.stop_reason else (UNSAID,),
            thoughts="\n\n".join(
                THOUGHTS[block.type] for block in theirs.content if block.type in THOUGHTS
            )
            or None,
        )


@pytest.mark.parametrize(
    ("fields", "usage"),
    [
        (COUNTED, Usage(30, 20)),
        ({**COUNTED, "cache_read_input_tokens": 0}, Usage(30, 20, 0)),
        ({**COUNTED, "cache_creation_input_tokens": 5}, Usage(35, 20, None, 5)),
        (
            {
                **COUNTED,
                "cache_read_input_tokens": 10,
                "cache_creation_input_tokens": 5,
                "cache_creation": {"ephemeral_1h_input_tokens": 5, "ephemeral_5m_input_tokens": 0},
                "output_tokens_details": {"thinking_tokens": 12},
                "service_tier": "standard",
            },
            Usage(45, 20, 10, 5, 12),
        ),
    ],
)
def test_tokens_are_counted(fields: dict[str, Any], usage: Usage) -> None:
    theirs = theirs_of(answer(text("x"), usage=fields))
    assert answered(theirs.model_dump(mode="json")).usage == usage


@pytest.mark.parametrize(
    ("fields", "usage"),
    [
        (None, Usage()),
        ({}, Usage()),
        ({"output_tokens": 20}, Usage(None, 20)),
        # the sum is unknown where its greatest part is
        ({"cache_read_input_tokens": 10, "output_tokens": 20}, Usage(None, 20, 10)),
    ],
)
def test_tokens_that_are_not_reported_stay_unknown(fields: Any, usage: Usage) -> None:
    assert answered(answer(text("x"), usage=fields)).usage == usage


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, Fault.UNREADABLE),
        ({"content": None}, Fault.UNREADABLE),
        ({"content": "Four."}, Fault.UNREADABLE),
        ({"content": [{"text": "Four."}]}, Fault.UNREADABLE),
        ({"content": [{"type": "text"}]}, Fault.UNREADABLE),
        ({"content": [{"type": "text", "text": 4}]}, Fault.UNREADABLE),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "wait"}}, Fault.BUSY),
        ({"type": "error", "error": {"type": "api_error", "message": "oops"}}, Fault.SERVER),
    ],
)
def test_what_is_no_answer_is_an_error(body: Any, fault: Fault) -> None:
    with pytest.raises(CallError) as caught:
        answered(body)
    assert caught.value.failure.fault == fault


def refused(message: str) -> Reply:
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
    return Reply(400, httpx.Headers(), json.dumps(error).encode())


@pytest.mark.parametrize(
    "message",
    [
        "`temperature` is deprecated for this model.",
        "temperature: Extra inputs are not permitted",
        "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
    ],
)
def test_a_model_that_takes_no_temperature_stops_the_run(message: str) -> None:
    with pytest.raises(BackendError) as caught:
        make().answer(refused(message))
    assert "omit = ['temperature']" in str(caught.value.hint)
