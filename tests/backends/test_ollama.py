from __future__ import annotations

import asyncio
import base64
import importlib
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ConfigDict, ValidationError

from promptlab.backends.ollama import Ollama, Options
from promptlab.core.digest import digest_bytes
from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.failure import Fault
from promptlab.core.types import Completion, Image, Json, Message, Outcome, Request, Sampling, Usage
from promptlab.remote.exchange import CallError, Reply

KEY = "proxy-key-0123456789abcdef"
DIGEST = "a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72"
PIXEL = b"\xff\xfb\xcb\xff pixels"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"label": {"type": "string", "enum": ["a", "b"]}},
    "required": ["label"],
}
NOT_FOUND = {"error": "model 'llama3.2' not found"}


def make(model: str = "llama3.2", **options: Any) -> Ollama:
    return Ollama(model, Options(**options), {"PROXY_KEY": KEY})


def request(
    *messages: Message, schema: Mapping[str, Any] | None = None, **sampling: Any
) -> Request:
    said = messages or (Message("user", "Hello"),)
    return Request("key", said, Sampling(**sampling), schema)


def picture(tmp_path: Path, name: str = "picture.png", media_type: str = "image/png") -> Image:
    file = tmp_path / name
    file.write_bytes(PIXEL)
    return Image(name, media_type, digest_bytes(PIXEL), str(file))


def answer(body: Any, status: int = 200, **options: Any) -> Completion:
    return make(**options).answer(Reply(status, httpx.Headers(), json.dumps(body).encode()))


def spoken(content: str | None = "Paris", **rest: Any) -> dict[str, Any]:
    return {
        "model": "llama3.2",
        "created_at": "2026-08-01T12:00:00.000000Z",
        "message": {"role": "assistant", "content": content},
        "done": True,
        "done_reason": "stop",
        "total_duration": 4_883_583_458,
        "load_duration": 1_334_875,
        "prompt_eval_count": 26,
        "prompt_eval_duration": 342_546_000,
        "eval_count": 3,
        "eval_duration": 4_535_599_000,
        **rest,
    }


# What is sent.


def test_a_request_is_whole_and_asks_for_no_stream_and_no_cut() -> None:
    asked = request(
        Message("system", "Be brief."),
        Message("user", "Hi"),
        Message("assistant", "Hello."),
        Message("user", "And?"),
        temperature=0.7,
        top_p=0.9,
        max_tokens=7,
        stop=("END",),
        seed=2**31 - 1,
        schema=SCHEMA,
    )
    assert make().body(asked) == {
        "model": "llama3.2",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello."},
            {"role": "user", "content": "And?"},
        ],
        "stream": False,
        "truncate": False,
        "shift": False,
        "options": {
            "temperature": 0.7,
            "top_p": 0.9,
            "num_predict": 7,
            "stop": ["END"],
            "seed": 2**31 - 1,
        },
        "format": SCHEMA,
    }


def test_what_is_not_said_is_not_sent() -> None:
    body = make().body(request())
    assert body["options"] == {"temperature": 0.0, "num_predict": 256}
    assert not {"format", "think", "keep_alive"} & set(body)
    assert make(omit=["temperature", "max_tokens"]).body(request())["options"] == {}


@pytest.mark.parametrize("think", [True, False, "low", "medium", "high", "max"])
def test_the_context_and_thinking_are_sent_and_change_the_identity(think: bool | str) -> None:
    body = make(num_ctx=8192, think=think).body(request())
    assert body["options"]["num_ctx"] == 8192
    assert body["think"] is think if isinstance(think, bool) else body["think"] == think
    plain = make().identity()
    assert plain == {"kind": "ollama", "model": "llama3.2", "url": "http://localhost:11434"}
    assert make(num_ctx=8192, think=think).identity() == {
        **plain,
        "num_ctx": 8192,
        "think": think,
    }


@pytest.mark.parametrize("keep_alive", [-1, 0, 300, "10m"])
def test_how_long_a_model_stays_loaded_is_sent_and_changes_no_answer(keep_alive: Json) -> None:
    backend = make(keep_alive=keep_alive)
    assert backend.body(request())["keep_alive"] == keep_alive
    assert backend.identity() == make().identity()


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.webp"])
def test_images_stand_beside_the_text(tmp_path: Path, name: str) -> None:
    image = picture(tmp_path, name)
    asked = request(Message("user", ("Compare ", image, " with ", image)))
    data = base64.b64encode(PIXEL).decode()
    assert make().body(asked)["messages"] == [
        {"role": "user", "content": "Compare  with ", "images": [data, data]}
    ]


def test_an_image_by_url_is_refused() -> None:
    there = Image("https://example.org/cat.png", "image/png", "b2:1")
    with pytest.raises(PromptlabError, match="does not fetch images") as caught:
        make().body(request(Message("user", ("See ", there))))
    assert not isinstance(caught.value, BackendError)
    assert caught.value.hint == "save the image beside the cases"


@pytest.mark.parametrize(
    "options",
    [
        {"num_ctx": 0},
        {"think": "a lot"},
        {"concurrency": 0},
        {"keep_alive": [1]},
        {"thinking_budget": 3},
    ],
)
def test_bad_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate(options)


def test_it_is_gentle_with_a_machine_at_home() -> None:
    assert (make().capacity.calls, make(concurrency=9).capacity.calls) == (4, 9)
    assert Options().timeout_s == 600
    assert not Ollama.charges


def test_no_key_is_needed_and_one_is_sent_if_named() -> None:
    assert "authorization" not in make().headers()
    headers = make(api_key_env="PROXY_KEY", base_url="https://ollama.com").headers()
    assert headers["authorization"] == f"Bearer {KEY}"
    with pytest.raises(BackendError, match="needs a model"):
        Ollama(None, Options())


# What comes back.


@pytest.mark.parametrize(
    ("content", "rest", "outcome"),
    [
        ("Paris", {}, Outcome.OK),
        ("Paris", {"done_reason": None}, Outcome.OK),
        ("Par", {"done_reason": "length"}, Outcome.TRUNCATED),
        ("", {"done_reason": "length"}, Outcome.TRUNCATED),
        ("", {}, Outcome.EMPTY),
        (" \n", {}, Outcome.EMPTY),
        (None, {}, Outcome.EMPTY),
        ("", {"done_reason": "load"}, Outcome.EMPTY),
        ("and and and", {"done": False, "done_reason": ""}, Outcome.TRUNCATED),
    ],
)
def test_every_end_has_its_outcome(
    content: str | None, rest: dict[str, Any], outcome: Outcome
) -> None:
    said = answer(spoken(content, **rest))
    assert (said.outcome, said.text) == (outcome, content or "")
    assert said.finish_reason == (rest.get("done_reason", "stop") or None)
    assert bool(said.warnings) == (rest.get("done") is False)


def test_an_answer_is_read() -> None:
    body = spoken("Paris")
    body["message"]["thinking"] = "France, so"
    assert answer(body) == Completion(
        Outcome.OK,
        "Paris",
        Usage(26, 3),
        model="llama3.2",
        finish_reason="stop",
        thoughts="France, so",
    )


@pytest.mark.parametrize("missing", ["prompt_eval_count", "eval_count"])
def test_a_number_that_is_not_reported_is_unknown(missing: str) -> None:
    body = spoken()
    del body[missing]
    expected = {"prompt_eval_count": Usage(None, 3), "eval_count": Usage(26, None)}
    assert answer(body).usage == expected[missing]


@pytest.mark.parametrize(
    ("num_ctx", "tokens", "warned"),
    [
        (None, 2047, False),
        (None, 2048, True),
        (None, 4096, True),
        (None, 4097, False),
        (None, None, False),
        (1000, 999, False),
        (1000, 1000, True),
        (1000, 1001, True),
        (8192, 2048, False),
        (8192, None, False),
    ],
)
def test_a_prompt_that_fills_the_context_is_reported(
    num_ctx: int | None, tokens: int | None, warned: bool
) -> None:
    said = answer(spoken(prompt_eval_count=tokens), num_ctx=num_ctx)
    warnings = (f"the prompt fills the context of {tokens} tokens: it may have been truncated",)
    assert said.warnings == (warnings if warned else ())


@pytest.mark.parametrize("body", [{}, {"message": None}, {"message": "Hi"}, [], {"done": True}])
def test_a_reply_that_is_no_answer_is_unreadable(body: Any) -> None:
    with pytest.raises(CallError) as caught:
        answer(body)
    assert caught.value.failure.fault in (Fault.UNREADABLE, Fault.COMPLAINT)


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (
            503,
            {"error": "server busy, please try again.  maximum pending requests exceeded"},
            "busy",
        ),
        (500, {"error": "llama runner process has terminated: exit status 2"}, "server"),
        (200, {"error": "an error was encountered while running the model"}, "complaint"),
        (499, {"error": "request canceled"}, "rejected"),
        (400, {"error": "the input length exceeds the context length"}, "rejected"),
        (400, {"error": "json: cannot unmarshal number into Go struct field"}, "rejected"),
    ],
)
def test_errors_of_one_call(status: int, body: Any, fault: str) -> None:
    with pytest.raises(CallError) as caught:
        answer(body, status)
    assert caught.value.failure.fault == fault
    assert body["error"].split("  ")[0] in str(caught.value)


def test_a_prompt_that_does_not_fit_is_reported_with_the_remedy() -> None:
    for complaint in (
        "the input length exceeds the context length",
        "the prompt is longer than the context length currently available to the model",
        "request (9000 tokens) exceeds the available context size (4096 tokens)",
    ):
        with pytest.raises(CallError, match="set num_ctx in the backend's table") as caught:
            answer({"error": complaint}, 400)
        assert caught.value.failure.fault is Fault.REJECTED


@pytest.mark.parametrize(
    ("status", "body", "hint"),
    [
        (404, NOT_FOUND, "ollama pull llama3.2"),
        (404, {"error": 'model "x" not found, try pulling it first'}, "ollama pull llama3.2"),
        (404, "404 page not found", "base_url is the server's address, without /v1 or /api"),
        (400, {"error": "invalid model name"}, "`ollama list` shows the available models"),
        (401, {"error": "unauthorized"}, "check the key"),
        (
            500,
            {"error": "model requires more system memory (9.3 GiB) than is available (4.0 GiB)"},
            "choose a smaller model, or a smaller num_ctx",
        ),
    ],
)
def test_errors_that_stop_the_backend(status: int, body: Any, hint: str) -> None:
    with pytest.raises(BackendError) as caught:
        answer(body, status)
    assert caught.value.hint == hint


# Ollama's own SDK as the judge. It knows neither `truncate` nor `shift`; the server does
# (`ChatRequest` in api/types.go, from 0.12.6 on).


def sdk() -> Any:
    return importlib.import_module("ollama")


def check_by_sdk(body: Mapping[str, Any]) -> None:
    types = importlib.import_module("ollama._types")
    strict = ConfigDict(extra="forbid")
    parts: dict[str, Any] = {
        name: type(name, (getattr(types, name),), {"model_config": strict, "__module__": __name__})
        for name in ("ChatRequest", "Options", "Message")
    }
    known = {key: value for key, value in body.items() if key not in ("truncate", "shift")}
    parts["ChatRequest"].model_validate(known, strict=True)
    parts["Options"].model_validate(body["options"], strict=True)
    for message in body["messages"]:
        given = {**message, "images": [{"value": image} for image in message.get("images", [])]}
        parts["Message"].model_validate(given, strict=True)


def full_request(tmp_path: Path) -> Request:
    return request(
        Message("system", "Be brief."),
        Message("user", ("What is this? ", picture(tmp_path))),
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
        {"num_ctx": 8192, "think": True, "keep_alive": "10m"},
        {"think": "high", "keep_alive": -1},
    ],
)
def test_what_is_sent_parses_with_the_types_of_the_sdk(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    backend = make(**options)
    check_by_sdk(json.loads(backend.content(full_request(tmp_path), backend.logprob_keys())))


@pytest.mark.parametrize(
    "odd",
    [
        {"max_tokens": 3},
        {"options": {"max_tokens": 3}},
        {"options": {"num_predict": "3"}},
        {"messages": [{"role": "user", "text": "Hi"}]},
        {"format": "yaml"},
    ],
)
def test_the_types_of_the_sdk_refuse_what_they_do_not_know(odd: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        check_by_sdk({**make().body(request()), **odd})


def test_what_the_sdk_serialises_is_read() -> None:
    response = sdk().ChatResponse(
        model="llama3.2",
        created_at="2026-08-01T12:00:00Z",
        done=True,
        done_reason="length",
        total_duration=5,
        prompt_eval_count=26,
        eval_count=3,
        message=sdk().Message(role="assistant", content="Par", thinking="France, so"),
    )
    expected = Completion(
        Outcome.TRUNCATED,
        "Par",
        Usage(26, 3),
        model="llama3.2",
        finish_reason="length",
        thoughts="France, so",
    )
    assert answer(response.model_dump(mode="json")) == expected
    assert answer(response.model_dump(mode="json", exclude_none=True)) == expected
    silent = sdk().ChatResponse(message=sdk().Message(role="assistant", content="Hi"))
    said = answer(silent.model_dump(mode="json"))
    assert (said.outcome, said.text) == (Outcome.OK, "Hi")
    assert "gives no finish reason" in said.warnings[0]


# A server on this machine.


def shown(*capabilities: str) -> dict[str, Any]:
    return {
        "license": "...",
        "modelfile": "FROM llama3.2",
        "details": {
            "parent_model": "",
            "format": "gguf",
            "family": "llama",
            "families": ["llama"],
            "parameter_size": "3.2B",
            "quantization_level": "Q4_K_M",
        },
        "model_info": {"general.architecture": "llama", "llama.context_length": 131072},
        "capabilities": list(capabilities),
    }


TAGS = {
    "models": [{"name": "other:7b", "digest": "b"}, {"name": "Llama3.2:latest", "digest": DIGEST}]
}
Pages = dict[str, tuple[int, Any]]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        server: Any = self.server
        server.seen.append((self.path, self.headers.get("authorization"), content))
        status, page = server.pages.get(self.path, (404, b"404 page not found"))
        body = page if isinstance(page, bytes) else json.dumps(page).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


@pytest.fixture
def server() -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as serving:
        serving.seen = []  # type: ignore[attr-defined]
        serving.pages = {  # type: ignore[attr-defined]
            "/api/show": (200, shown("completion", "vision", "thinking")),
            "/api/tags": (200, TAGS),
            "/api/chat": (200, spoken()),
        }
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def url_of(server: Any) -> str:
    return f"http://127.0.0.1:{server.server_port}"


async def use(backend: Ollama, *asked: Request) -> tuple[Mapping[str, Json], list[Completion]]:
    try:
        facts = await backend.open()
        return facts, [said async for _, said in backend.generate(asked)]
    finally:
        await backend.close()


def test_opening_tells_which_model_is_there_and_answers_are_marked_with_it(server: Any) -> None:
    facts, (said,) = asyncio.run(use(make(base_url=url_of(server)), request()))
    assert facts == {
        "url": url_of(server),
        "capabilities": ["completion", "thinking", "vision"],
        "family": "llama",
        "parameter_size": "3.2B",
        "quantization_level": "Q4_K_M",
        "format": "gguf",
        "digest": DIGEST,
    }
    assert (said.outcome, said.text, said.fingerprint) == (Outcome.OK, "Paris", DIGEST)
    assert [path for path, _, _ in server.seen] == ["/api/show", "/api/tags", "/api/chat"]
    assert json.loads(server.seen[0][2]) == {"model": "llama3.2"}


def test_a_text_only_model_refuses_an_image_before_any_call(server: Any, tmp_path: Path) -> None:
    server.pages["/api/show"] = (200, shown("completion"))
    backend = make(base_url=url_of(server))
    before = backend.reads_images
    with pytest.raises(BackendError, match=r"'llama3\.2' does not read images") as caught:
        asyncio.run(use(backend, full_request(tmp_path)))
    assert (
        caught.value.hint == "choose one with vision: `ollama show llama3.2` lists its capabilities"
    )
    assert (before, backend.reads_images) == (True, False)
    assert "/api/chat" not in [path for path, _, _ in server.seen]
    _, (said,) = asyncio.run(use(backend, request()))
    assert said.outcome is Outcome.OK


@pytest.mark.parametrize("images", [True, False])
def test_the_option_counts_where_the_server_does_not_tell(
    server: Any, tmp_path: Path, images: bool
) -> None:
    old = shown()
    del old["capabilities"]
    server.pages["/api/show"] = (200, old)
    backend = make(base_url=url_of(server), images=images)
    facts, (said,) = asyncio.run(use(backend, full_request(tmp_path)))
    assert "capabilities" not in facts
    assert said.outcome is Outcome.OK
    assert backend.reads_images is images


def test_vision_does_not_overrule_the_option(server: Any) -> None:
    backend = make(base_url=url_of(server), images=False)
    asyncio.run(use(backend))
    assert not backend.reads_images


def test_a_model_that_is_not_there_is_reported_at_once(server: Any) -> None:
    server.pages["/api/show"] = (404, NOT_FOUND)
    with pytest.raises(BackendError, match=r"model 'llama3\.2' not found") as caught:
        asyncio.run(use(make(base_url=url_of(server)), request()))
    assert caught.value.hint == "ollama pull llama3.2"
    assert len(server.seen) == 1


@pytest.mark.parametrize("think", [True, "high", False, None])
def test_a_model_that_cannot_think_is_not_told_to(server: Any, think: Any) -> None:
    server.pages["/api/show"] = (200, shown("completion"))
    backend = make(base_url=url_of(server), think=think)
    if not think:
        asyncio.run(use(backend, request()))
        return
    with pytest.raises(BackendError, match="does not think"):
        asyncio.run(use(backend, request()))


@pytest.mark.parametrize(
    "pages",
    [
        {"/api/show": (404, b"404 page not found"), "/api/tags": (404, b"")},
        {"/api/show": (200, b"<html>"), "/api/tags": (200, TAGS)},
        {"/api/show": (500, {"error": "busy"})},
        {"/api/show": (200, {"capabilities": "all", "details": []}), "/api/tags": (200, {})},
        {"/api/show": (200, {"details": {"family": 3}}), "/api/tags": (200, {"models": ["x"]})},
    ],
)
def test_a_server_that_tells_nothing_is_used_all_the_same(server: Any, pages: Pages) -> None:
    server.pages |= pages
    facts, (said,) = asyncio.run(use(make(base_url=url_of(server)), request()))
    assert facts == {"url": url_of(server)}
    assert (said.outcome, said.fingerprint) == (Outcome.OK, None)


def test_a_wrong_address_is_reported_with_the_remedy(server: Any) -> None:
    backend = make(base_url=f"{url_of(server)}/v1")
    with pytest.raises(BackendError, match="there is no Ollama at") as caught:
        asyncio.run(use(backend, request()))
    assert caught.value.hint == "base_url is the server's address, without /v1 or /api"


def test_a_server_that_is_away_fails_the_call_and_not_the_opening() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as gone:
        address = url_of(gone)
    facts, (said,) = asyncio.run(use(make(base_url=address), request()))
    assert facts == {"url": address}
    assert said.outcome is Outcome.ERROR
    assert said.failure is not None
    assert said.failure.fault is Fault.UNREACHABLE


def test_a_key_that_a_server_repeats_is_struck_out(server: Any) -> None:
    server.pages["/api/show"] = (401, {"error": f"{KEY} is no key"})
    backend = make(base_url=url_of(server), api_key_env="PROXY_KEY")
    with pytest.raises(BackendError, match=r"\[key\] is no key"):
        asyncio.run(use(backend, request()))
    assert server.seen[0][1] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("model", "digest"),
    [
        ("llama3.2", DIGEST),
        ("llama3.2:latest", DIGEST),
        ("llama3.2:1b", None),
        ("other:7b", "b"),
        ("hf.co/me/other", None),
    ],
)
def test_the_digest_is_that_of_the_model_that_is_meant(
    server: Any, model: str, digest: str | None
) -> None:
    facts, _ = asyncio.run(use(make(model, base_url=url_of(server))))
    assert facts.get("digest") == digest


def test_check_says_what_is_honoured_or_what_is_wrong(server: Any) -> None:
    health = asyncio.run(make(base_url=url_of(server)).check())
    assert health.ok
    assert health.detail.startswith("llama3.2, ")
    server.pages["/api/show"] = (404, NOT_FOUND)
    health = asyncio.run(make(base_url=url_of(server)).check())
    assert (health.ok, health.hint) == (False, "ollama pull llama3.2")


def test_a_call_is_the_same_as_that_of_the_sdk(server: Any, tmp_path: Path) -> None:
    backend = make(base_url=url_of(server), num_ctx=8192, think="low", keep_alive="5m")
    asyncio.run(use(backend, full_request(tmp_path)))
    with sdk().Client(host=url_of(server)) as client:
        said = client.chat(
            "llama3.2",
            messages=[
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "What is this? ", "images": [PIXEL]},
            ],
            stream=False,
            format=SCHEMA,
            think="low",
            keep_alive="5m",
            options={
                "temperature": 0.7,
                "top_p": 0.5,
                "num_predict": 99,
                "stop": ["a", "b"],
                "seed": 3,
                "num_ctx": 8192,
            },
        )
    assert said.message.content == "Paris"
    (path, _, ours), (sdk_path, _, theirs) = server.seen[-2:]
    assert path == sdk_path == "/api/chat"
    ours_alone = {"truncate": False, "shift": False}
    assert {**json.loads(ours), "tools": []} == {**json.loads(theirs), **ours_alone}
