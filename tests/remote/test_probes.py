from __future__ import annotations

import asyncio
import re
import time
from typing import Any

import pytest

from promptlab.backends import Health
from promptlab.backends.openai import OpenAI, Options

from .fault_replies import Call, answer_to
from .fault_server import FaultServer

SECRET = "sk-planted-0123456789"


def check(server: FaultServer, **options: Any) -> Health:
    given = {"base_url": server.base_url, "timeout_s": 15, **options}
    backend = OpenAI("some-model", Options.model_validate(given), {"KEY": SECRET})
    return asyncio.run(backend.check())


def all_in_all(call: Call) -> str:
    """Answer like a server that honours schema and seed."""
    if "response_format" in call.body:
        return '{"colour": "green"}'
    return answer_to(f"{call.prompt} {call.body.get('seed')}")


def greedy(call: Call) -> str:
    """Answer like a server that leaves nothing to chance, whatever it is asked."""
    return '{"colour": "green"}' if "response_format" in call.body else answer_to(call.prompt)


def nothing_at_all(call: Call) -> str:
    """Answer like a server that honours neither schema nor seed."""
    return f"Well, this is call {call.number}."


def test_a_server_that_honours_everything(fault_server: FaultServer) -> None:
    fault_server.say = all_in_all
    health = check(fault_server)
    assert health.ok
    assert re.fullmatch(
        r"fault-server-1, \d\.\d\d s; honours seed, logprobs, system message, JSON schema",
        health.detail,
    )
    first, *rest = [call.body for call in fault_server.received]
    assert first["max_tokens"] == 1
    assert len(rest) == 6


def test_what_a_server_does_not_honour_is_named(fault_server: FaultServer) -> None:
    fault_server.say = nothing_at_all
    fault_server.logprobs = False
    detail = check(fault_server).detail
    assert detail.endswith("; honours system message; not seed, logprobs, JSON schema")


@pytest.mark.parametrize("answer", ['["green"]', "```{}```", "null", "", '{"colour": "blue"}'])
def test_an_answer_that_is_not_of_the_schema(fault_server: FaultServer, answer: str) -> None:
    fault_server.say = lambda call: answer
    assert "JSON schema" in check(fault_server).detail.partition("not ")[2]


def test_what_is_refused_is_not_honoured(fault_server: FaultServer) -> None:
    fault_server.plan = lambda call: (
        "context" if {"logprobs", "seed", "response_format"} & call.body.keys() else None
    )
    detail = check(fault_server).detail
    assert detail.endswith("; honours system message; not seed, logprobs, JSON schema")


def test_a_key_that_the_options_omit_is_not_honoured(fault_server: FaultServer) -> None:
    fault_server.say = all_in_all
    assert check(fault_server, omit=["seed"]).detail.endswith("JSON schema; not seed")


def test_what_a_busy_server_leaves_open_is_not_denied(fault_server: FaultServer) -> None:
    fault_server.say = all_in_all
    fault_server.plan = lambda call: "429" if "seed" in call.body else None
    detail = check(fault_server).detail
    assert detail.endswith("; honours logprobs, system message, JSON schema; unsure of seed")


def test_two_empty_answers_say_nothing_of_a_seed(fault_server: FaultServer) -> None:
    fault_server.say = lambda call: "" if "seed" in call.body else "x"
    assert check(fault_server).detail.endswith("; unsure of seed")


def test_a_server_that_does_not_sample_says_nothing_of_a_seed(fault_server: FaultServer) -> None:
    fault_server.say = greedy
    assert check(fault_server).detail.endswith("JSON schema; unsure of seed")


def test_a_model_that_wants_more_than_one_token_gets_them(fault_server: FaultServer) -> None:
    fault_server.plan = lambda call: "context" if call.body["max_tokens"] == 1 else None
    health = check(fault_server)
    assert health.ok
    assert "system message" in health.detail.partition("honours ")[2].partition(";")[0]


@pytest.mark.parametrize(
    ("fault", "detail", "hint"),
    [
        ("429", "busy: HTTP 429: Too many requests", "try again in a while"),
        ("500", "server: HTTP 500: The server had an error", "try again in a while"),
        ("html", "unreadable: a reply of text/html", "is {url} the address of such an API?"),
        ("context", "rejected: HTTP 400: At most 16 tokens", "see the backend's table in"),
        ("moderated", "rejected: HTTP 403: The input was flagged", "see the backend's table"),
        ("silent", "timeout: no complete answer within 0.3 s", "try again, or raise timeout_s"),
        ("401", "HTTP 401: Incorrect API key", "check the key"),
        ("404", "HTTP 404: No such model", "check the name of the model"),
        ("quota", "HTTP 429: The quota is used up", "check the account's plan and credit"),
    ],
)
def test_what_is_wrong_is_reported_in_one_line(
    fault_server: FaultServer, fault: str, detail: str, hint: str
) -> None:
    fault_server.fail(fault)
    began = time.monotonic()
    limit = 0.3 if fault == "silent" else 15
    health = check(fault_server, timeout_s=limit, api_key_env="KEY")
    assert time.monotonic() - began < 10
    assert not health.ok
    assert health.detail.startswith(detail)
    assert (health.hint or "").startswith(hint.format(url=fault_server.base_url))
    assert SECRET not in str(health)
    assert "\n" not in health.detail


def test_a_server_that_is_not_there(fault_server: FaultServer) -> None:
    fault_server.down(60)
    health = check(fault_server)
    assert health.detail.startswith("unreachable: no connection: ")
    assert health.hint == f"is there a server at {fault_server.base_url}? see base_url"


def test_a_missing_key_is_reported_before_any_call(fault_server: FaultServer) -> None:
    health = check(fault_server, api_key_env="OTHER")
    assert health == Health(
        False,
        "there is no key: OTHER is not set",
        "export OTHER=..., or set it in the project's .env file",
    )
    assert fault_server.requests == 0
