from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from promptlab.backends.openai import OpenAI
from promptlab.core.errors import PromptlabError
from promptlab.core.prices import Price
from promptlab.project.backends import make_backend
from promptlab.project.folder import BackendEntry

SECRET = "sk-AbCdEf0123456789AbCd"
RANDOM = "AbCdEfGhIjKlMnOpQrStUvWxYz0123"
HEX = "abcdef0123456789abcdef0123456789"


def made(root: Path, **options: Any) -> OpenAI:
    entry = BackendEntry("mine", "openai", "some-model", options, "promptlab.toml: backends.mine")
    backend = make_backend(entry, root)
    assert isinstance(backend, OpenAI)
    return backend


def mistake(root: Path, **options: Any) -> str:
    with pytest.raises(PromptlabError) as caught:
        made(root, **options)
    assert caught.value.hint
    return str(caught.value).removeprefix("promptlab.toml: backends.mine: ")


NOT_HERE = "a key must not be in a file: set it in the environment"
IN_HEADERS = f"{NOT_HERE} and write ${{NAME}} here"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"api_key_env": SECRET}, "api_key_env: a key must not be in a file"),
        ({"api_key_env": "gsk_AbCdEf0123456789AbCd"}, "api_key_env: a key must not be in"),
        ({"api_key_env": HEX}, "api_key_env: a key must not be in a file"),
        ({"api_key_env": [SECRET]}, "api_key_env: a key must not be in a file"),
        ({"api_key": "SECRET"}, f"api_key: {NOT_HERE} and name its variable in api_key_env"),
        ({"token": "SECRET"}, "token: a key must not be in a file"),
        ({"no_option": SECRET}, "no_option: a key must not be in a file"),
        ({"base_url": f"https://user:{SECRET}@example.org"}, "base_url: a key must not be in"),
        ({"base_url": f"https://example.org/v1?key={SECRET}"}, "base_url: a key must not be in"),
        ({"base_url": f"https://example.org/{SECRET}/v1"}, "base_url: a key must not be in"),
        ({"base_url": f"http://[{SECRET}]/v1"}, "base_url: "),
        ({"base_url": SECRET}, "base_url: "),
        ({"base_url": {"url": SECRET}}, "base_url: "),
        ({"headers": {"Authorization": f"Bearer {SECRET}"}},
         f"headers: Authorization: {IN_HEADERS}"),
        ({"headers": {"Authorization": "SECRET"}}, f"headers: Authorization: {IN_HEADERS}"),
        ({"headers": {"x-title": SECRET}}, f"headers: x-title: {IN_HEADERS}"),
        ({"headers": {"x-title": HEX}}, f"headers: x-title: {IN_HEADERS}"),
        ({"headers": {f"Authorization: Bearer {SECRET}": ""}}, f"headers: {IN_HEADERS}"),
        ({"headers": SECRET}, f"headers: {IN_HEADERS}"),
        ({"headers": [SECRET]}, f"headers: {IN_HEADERS}"),
        ({"headers": {"x": {"y": SECRET}}}, f"headers: y: {IN_HEADERS}"),
        ({"extra_body": {"a": [{"api_key": "SECRET"}]}},
         f"extra_body: api_key: {NOT_HERE} and send it as a header, ${{NAME}}"),
        ({"extra_body": {"user": RANDOM}}, "extra_body: user: a key must not be in a file"),
        ({"extra_body": SECRET}, "extra_body: a key must not be in a file"),
        ({"concurrency": SECRET}, "concurrency: a key must not be in a file"),
        ({"price": {"input": SECRET}}, "price: input: a key must not be in a file"),
        ({"omit": [SECRET]}, "omit: a key must not be in a file"),
    ],
)  # fmt: skip
def test_a_key_is_refused_and_not_shown(
    project: Path, options: dict[str, Any], message: str
) -> None:
    line = mistake(project, **options)
    assert line.startswith(message)
    assert not [secret for secret in (SECRET, "SECRET", RANDOM, HEX, "AbCd") if secret in line]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base_url": "127.0.0.1:8000"}, "base_url: expected an address such as http://127.0.0.1"),
        ({"base_url": "ftp://example.org"}, "base_url: expected an address such as"),
        ({"base_url": "http:///v1"}, "base_url: expected an address such as"),
        ({"base_url": "http://example.org:99999"}, "base_url: expected an address such as"),
        ({"base_url": "http://example.org:x/v1"}, "base_url: expected an address such as"),
        ({"base_url": "http://[::1/v1"}, "base_url: expected an address such as"),
        ({"base_url": "http://exa mple.org/v1"}, "base_url: expected an address such as"),
        ({"base_url": "http://example.org/\x00"}, "base_url: expected an address such as"),
        ({"query": {"api-key": SECRET}}, "query: api-key: a key must not be in a file"),
        ({"query": {"version": 2}}, "query: expected text, found 2"),
        ({"base_url": "https://example.org/v1#top"}, "base_url: the address must end with its"),
        ({"base_url": 8000}, "base_url: expected text, found 8000"),
        ({"api_key_env": "MY KEY"}, "api_key_env: expected the name of an environment variable"),
        ({"api_key_env": "2KEY"}, "api_key_env: expected the name of an environment variable"),
        ({"api_key_env": ""}, "api_key_env: expected the name of an environment variable"),
        ({"headers": {"x y": "z"}}, "headers: 'x y' is not a valid header"),
        ({"headers": {"x:": "z"}}, "headers: 'x:' is not a valid header"),
        ({"headers": {"": "z"}}, "headers: '' is not a valid header"),
        ({"headers": {"x": "a\nb"}}, "headers: 'x' is not a valid header"),
        ({"headers": {"x": "grün"}}, "headers: 'x' is not a valid header"),
        ({"headers": {"Content-Length": "5"}}, "headers: Content-Length belongs to the"),
        ({"headers": {"x": 5}}, "headers: expected text, found 5"),
        ({"extra_body": {"stream": True}}, "extra_body: stream: write stream = true besi"),
        ({"extra_body": {"day": datetime.date(2026, 1, 1)}}, "extra_body.day: expected text"),
        ({"extra_body": {"x": float("inf")}}, "extra_body.x: expected a finite number"),
        ({"omit": ["top_k"]}, "omit: expected 'temperature', 'top_p', 'max_tokens'"),
        ({"timeout_s": 0}, "timeout_s: expected a number greater than 0, found 0"),
        ({"timeout_s": float("inf")}, "timeout_s: expected a"),
        ({"concurrency": 0}, "concurrency: expected a number greater than or equal to 1"),
        ({"price": {"input": -1, "output": 1}}, "price: expected a number greater than or equal"),
        ({"price": {"input": 1}}, "the option price"),
        ({"price": {"input": float("nan"), "output": 1}}, "price.input: expected a finite number"),
        ({"base_urk": "x"}, "unknown option 'base_urk' of openai (did you mean 'base_url'?)"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_reported(project: Path, options: dict[str, Any], message: str) -> None:
    assert mistake(project, **options).startswith(message)


@pytest.mark.parametrize(
    "name",
    ["Accept-Encoding", "connection", "content-encoding", "content-length", "transfer-encoding"],
)
def test_headers_of_the_connection_are_ours(project: Path, name: str) -> None:
    message = f"headers: {name} belongs to the connection"
    assert mistake(project, headers={name: "x"}).startswith(message)


def test_good_options_are_kept(project: Path) -> None:
    backend = made(
        project,
        base_url=" http://127.0.0.1:8000/v1/ ",
        api_key_env="MY_KEY",
        price={"input": 1, "output": 2.5},
        headers={"Authorization": "Bearer ${MY_KEY}", "x-title": "my experiment"},
        extra_body={"top_k": 5, "stream": False, "provider": {"order": ["novita"]}, "x": None},
        omit=["seed"],
    )
    assert backend.base_url == "http://127.0.0.1:8000/v1"
    assert backend.price == Price(1.0, 2.5)
    assert backend.options.omit == ("seed",)
    assert backend.options.extra_body["provider"] == {"order": ["novita"]}


def test_parameters_stand_in_the_address_or_beside_it(project: Path) -> None:
    inside = made(
        project, base_url="https://h.example/a/?z=1&api-version=2024 10".replace(" ", "-")
    )
    beside = made(
        project, base_url="https://h.example/a", query={"api-version": "2024-10", "z": "1"}
    )
    assert inside.identity() == beside.identity()
    assert inside.base_url == "https://h.example/a"
    url = "https://h.example/a/chat/completions?api-version=2024-10&z=1"
    assert inside.address.url(inside.path()) == beside.address.url(beside.path()) == url


def test_the_address_of_the_vendor_is_the_default(project: Path) -> None:
    assert made(project).base_url == "https://api.openai.com/v1"
    assert (
        made(project, base_url="https://api.openai.com/v1/").identity() == made(project).identity()
    )


@pytest.mark.parametrize(
    ("options", "matters"),
    [
        ({"base_url": "http://127.0.0.1:1/v1"}, True),
        ({"omit": ["seed"]}, True),
        ({"query": {"api-version": "2"}}, True),
        ({"stream": True}, False),
        ({"thinking": "off"}, True),
        ({"headers": {"x": "y"}}, True),
        ({"extra_body": {"top_k": 1}}, True),
        ({"concurrency": 1}, False),
        ({"timeout_s": 1}, False),
        ({"api_key_env": "X"}, False),
        ({"price": {"input": 1, "output": 1}}, False),
    ],
)
def test_what_answers_depend_on_is_the_identity(
    project: Path, options: dict[str, Any], matters: bool
) -> None:
    assert (made(project, **options).identity() != made(project).identity()) is matters
