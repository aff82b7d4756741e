"""What all backends behind an API share, looked at through `openai`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from promptlab.backends.openai import OpenAI, Options
from promptlab.core.capacity import Pace, Patience
from promptlab.core.errors import BackendError
from promptlab.core.failure import Failure, Fault
from promptlab.core.masking import mask
from promptlab.core.prices import Price
from promptlab.core.types import Completion, Image, Message, Outcome, Request, Sampling
from promptlab.remote.exchange import CallError, Reply

from .fault_server import FaultServer

SECRET = "sk-planted-0123456789"
KEYS = {"KEY": SECRET, "OTHER": "another-planted-key", "OPENAI_API_KEY": "the-vendors-own-key"}
HELLO = Request("k", (Message("user", "two words"),), Sampling())


def made(
    server: FaultServer | None = None, keys: Mapping[str, str] = KEYS, **options: Any
) -> OpenAI:
    given = {"timeout_s": 15, **({"base_url": server.base_url} if server else {}), **options}
    return OpenAI("some-model", Options.model_validate(given), keys)


def ask(backend: OpenAI, *requests: Request) -> list[Completion]:
    async def calls() -> list[Completion]:
        try:
            return [completion async for _, completion in backend.generate(requests or [HELLO])]
        finally:
            await backend.close()

    return asyncio.run(calls())


def headers(server: FaultServer, **options: Any) -> dict[str, str]:
    """Return the headers with which a call arrives."""
    ask(made(server, **options))
    return server.received[-1].headers


def body(server: FaultServer, request: Request = HELLO, **options: Any) -> dict[str, Any]:
    """Return the body with which a call arrives."""
    ask(made(server, **options), request)
    sent: dict[str, Any] = server.received[-1].body
    return sent


def test_requests_are_answered_in_turn(fault_server: FaultServer) -> None:
    requests = [Request(word, (Message("user", word),), Sampling()) for word in "abc"]
    completions = ask(made(fault_server), *requests)
    assert [completion.text for completion in completions] == [
        fault_server.answer_to(w) for w in "abc"
    ]
    assert fault_server.most_in_flight == 1


def test_an_answer_is_read_whole(fault_server: FaultServer) -> None:
    fault_server.latency_s = 0.05
    [completion] = ask(made(fault_server, price={"input": 10, "output": 100}))
    assert (completion.outcome, completion.text) == (
        Outcome.OK,
        fault_server.answer_to("two words"),
    )
    assert (completion.model, completion.finish_reason) == ("fault-server-1", "stop")
    assert (completion.usage.input_tokens, completion.usage.output_tokens) == (2, 3)
    assert completion.cost_usd == pytest.approx((2 * 10 + 3 * 100) / 1e6)
    assert completion.latency_s is not None
    assert 0.05 <= completion.latency_s < 5
    assert (completion.error, completion.failure) == (None, None)


def test_a_refusal_took_time_too(fault_server: FaultServer) -> None:
    fault_server.fail("moderated")
    [completion] = ask(made(fault_server))
    assert completion.outcome is Outcome.REFUSED
    assert completion.latency_s


@pytest.mark.parametrize(
    ("fault", "options"), [("no-usage", {"price": {"input": 1, "output": 1}}), (None, {})]
)
def test_a_cost_that_cannot_be_known_is_unknown(
    fault_server: FaultServer, fault: str | None, options: dict[str, Any]
) -> None:
    fault_server.fail(fault)
    assert ask(made(fault_server, **options))[0].cost_usd is None


# Keys.


def test_the_key_that_is_named_is_sent(fault_server: FaultServer) -> None:
    assert headers(fault_server, api_key_env="KEY")["authorization"] == f"Bearer {SECRET}"


def test_the_vendors_key_goes_to_the_vendor_alone(fault_server: FaultServer) -> None:
    assert "authorization" not in headers(fault_server)
    assert KEYS["OPENAI_API_KEY"] not in str(fault_server.received[-1])
    for backend in (made(), made(base_url="https://api.openai.com/v1/")):
        assert backend.headers()["authorization"] == "Bearer the-vendors-own-key"


@pytest.mark.parametrize(
    "url",
    [
        "http://api.openai.com/v1",
        "https://api.openai.com.example.org/v1",
        "https://api.openai.com:8443/v1",
        "https://example.org/api.openai.com/v1",
    ],
)
def test_another_address_gets_no_key_unasked(url: str) -> None:
    assert "authorization" not in made(base_url=url).headers()


@pytest.mark.parametrize(
    ("options", "name"),
    [({"api_key_env": "ABSENT"}, "ABSENT"), ({"headers": {"x-key": "${ABSENT}"}}, "ABSENT")],
)
def test_a_missing_key_is_reported_before_any_call(
    fault_server: FaultServer, options: dict[str, Any], name: str
) -> None:
    backend = made(fault_server, **options)
    assert backend.identity()
    with pytest.raises(BackendError, match=f"there is no key: {name} is not set"):
        ask(backend)
    assert fault_server.requests == 0


def test_headers_are_sent_with_keys_filled_in(fault_server: FaultServer) -> None:
    sent = headers(
        fault_server,
        api_key_env="KEY",
        headers={"X-Title": "my experiment", "x-route": "a ${OTHER} b", "User-Agent": "me"},
    )
    assert (sent["x-title"], sent["x-route"]) == ("my experiment", "a another-planted-key b")
    assert sent["user-agent"] == "me"
    assert sent["content-type"] == "application/json"
    assert sent["authorization"] == f"Bearer {SECRET}"


def test_a_header_of_the_user_comes_before_ours(fault_server: FaultServer) -> None:
    sent = headers(fault_server, api_key_env="KEY", headers={"Authorization": "Basic ${OTHER}"})
    assert sent["authorization"] == "Basic another-planted-key"


@pytest.mark.slow
def test_a_key_is_struck_out_of_everything(fault_server: FaultServer) -> None:
    options: dict[str, Any] = {"api_key_env": "KEY", "headers": {"x-route": "${OTHER}"}}
    shown: list[object] = []
    for fault in (*FaultServer.PASSING, *FaultServer.ANSWERS, *FaultServer.REJECTED):
        fault_server.fail(fault)
        options["timeout_s"] = 0.1 if fault in ("stalled", "drip", "silent") else 15
        shown += ask(made(fault_server, **options))
    for fault in FaultServer.FATAL:
        fault_server.fail(fault)
        with pytest.raises(BackendError) as caught:
            ask(made(fault_server, **options))
        shown.append(caught.value)
    fault_server.fail(None)
    backend = made(fault_server, **options)
    shown += ask(backend)
    for thing in (*shown, repr(backend), backend.identity(), backend.capacity):
        assert SECRET not in f"{thing} {thing!r}"
        assert KEYS["OTHER"] not in f"{thing} {thing!r}"
    assert sum("Bearer [key]" in str(thing) for thing in shown) >= 8
    assert mask(f"a {SECRET} b") == "a [key] b"


def test_a_key_that_a_model_repeats_is_struck_out_of_its_answer(fault_server: FaultServer) -> None:
    fault_server.fail("echo-key")
    [completion] = ask(made(fault_server, api_key_env="KEY"))
    assert completion.text == "Bearer [key]"


# What is sent.


def test_sampling_is_sent_as_it_is(fault_server: FaultServer) -> None:
    sampling = Sampling(0.5, 0.9, 7, ("x", "y"), 3)
    sent = body(fault_server, Request("k", HELLO.messages, sampling))
    assert sent == {
        "model": "some-model",
        "messages": [{"role": "user", "content": "two words"}],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 7,
        "stop": ["x", "y"],
        "seed": 3,
    }


def test_what_is_not_set_is_not_sent_but_zero_is(fault_server: FaultServer) -> None:
    assert body(fault_server).keys() == {"model", "messages", "temperature", "max_tokens"}
    assert fault_server.received[-1].body["temperature"] == 0


def test_what_is_omitted_is_not_sent_and_that_is_reported(fault_server: FaultServer) -> None:
    omit = ["temperature", "max_tokens", "seed", "stop"]
    request = Request("k", HELLO.messages, Sampling(seed=3))
    assert body(fault_server, request, omit=omit).keys() == {"model", "messages"}
    lines = made(fault_server, omit=omit).shortfalls(request.sampling, None)
    assert lines == [
        "temperature is not sent: the options omit it",
        "max_tokens is not sent: the options omit it",
        "seed is not sent: the options omit it",
    ]
    assert made(fault_server).shortfalls(request.sampling, None) == []


def test_keys_of_the_user_are_merged_into_the_body(fault_server: FaultServer) -> None:
    request = Request("k", HELLO.messages, Sampling(), {"type": "object"})
    more = {"top_k": 5, "response_format": {"extra": {"a": None}}, "temperature": 0.25}
    sent = body(fault_server, request, extra_body=more)
    assert (sent["top_k"], sent["temperature"]) == (5, 0.25)
    assert sent["response_format"]["extra"] == {"a": None}
    assert sent["response_format"]["type"] == "json_schema"


@pytest.mark.parametrize("text", ["Grüße, 世界 🌍", 'quote " and \\ \n \x00', "\u2028"])
def test_every_text_arrives(fault_server: FaultServer, text: str) -> None:
    completions = ask(made(fault_server), Request("k", (Message("user", text),), Sampling()))
    assert fault_server.received[-1].prompt == text
    assert completions[0].text == fault_server.answer_to(text)


def test_an_image_that_cannot_be_read_fails_its_own_call(fault_server: FaultServer) -> None:
    image = Image("gone.png", "image/png", "x", path="/no/such/file.png")
    request = Request("k", (Message("user", ("Look: ", image)),), Sampling())
    first, second = ask(made(fault_server), request, HELLO)
    assert first.failure == Failure(Fault.REJECTED)
    assert "cannot read the image 'gone.png'" in (first.error or "")
    assert (second.outcome, fault_server.requests) == (Outcome.OK, 1)


# What it says of itself.


def test_a_model_must_be_named() -> None:
    with pytest.raises(BackendError, match="openai needs a model") as caught:
        OpenAI(None, Options())
    assert caught.value.hint == 'for example "openai:NAME"'


def test_what_it_wants_at_once_is_what_the_options_say() -> None:
    capacity = made(
        concurrency=7, requests_per_minute=60, tokens_per_minute=1e5, max_retries=3, time_limit_s=9
    ).capacity
    assert (capacity.calls, capacity.batch) == (7, 1)
    assert (capacity.pace, capacity.patience) == (Pace(60, 1e5), Patience(3, 9))


def test_options_that_the_run_asks_for() -> None:
    backend = made(images=False, price={"input": 1, "output": 2, "cached": 0.5})
    assert not backend.reads_images
    assert backend.price == Price(1, 2, 0.5)
    assert made().price is None
    assert backend.charges
    assert (backend.count_tokens(HELLO), backend.notice()) == (None, None)


def test_it_can_be_opened_closed_and_opened_again(fault_server: FaultServer) -> None:
    backend = made(fault_server)

    async def twice() -> None:
        for _ in range(2):
            assert await backend.open() == {"url": fault_server.base_url}
            assert [pair async for pair in backend.generate([HELLO])]
            await backend.close()
            await backend.close()

    asyncio.run(twice())
    assert fault_server.connections == 2


def test_a_header_of_the_users_own_takes_the_place_of_the_key() -> None:
    backend = made(headers={"Authorization": "Bearer ${MINE}"}, keys={"MINE": "my-key-1"})
    assert backend.headers()["authorization"] == "Bearer my-key-1"


def test_no_part_of_a_key_is_left_by_what_is_cut() -> None:
    backend = made(api_key_env="MINE", keys={"MINE": "sk-planted-0123456789abcdef"})
    backend.headers()
    content = b"x" * 40 + b" sk-planted-0123456789abcdef is what you sent"
    with pytest.raises(CallError) as caught:
        backend.answer(Reply(200, httpx.Headers(), content))
    assert "sk-planted" not in str(caught.value)


def test_any_good_status_is_an_answer() -> None:
    body = {"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}
    for status in (200, 201, 203):
        reply = Reply(status, httpx.Headers(), json.dumps(body).encode())
        assert made().answer(reply).text == "yes"
