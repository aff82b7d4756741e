"""What every backend must do. Those behind an API are asked over a server that speaks all of them.

A new kind of backend enters the table `MEMBERS`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from promptlab.backends import Backend, Price
from promptlab.cases.images import ImageFolder
from promptlab.core import plugins
from promptlab.core.digest import canonical_json
from promptlab.core.errors import BackendError
from promptlab.core.types import Completion, Json, Message, Outcome, Request, Sampling
from promptlab.local_model.files.weights import DEFAULT_MODEL

if TYPE_CHECKING:
    from tests.remote.vendor_server import VendorServer

Make = Callable[[], Backend]
SCHEMA: dict[str, Json] = {
    "type": "object",
    "properties": {"label": {"type": "string"}},
    "required": ["label"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Member:
    """A backend in one of its ways: `api` is the path of a remote one's API at the server."""

    kind: str
    model: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    api: str | None = None

    def make(self, server: VendorServer) -> Backend:
        """Make the backend; one behind an API finds it at the server."""
        plugin: Any = plugins.load("backends", self.kind)
        place = {} if self.api is None else {"base_url": server.url + self.api}
        made: Backend = plugin(self.model, plugin.options_model(**self.options, **place))
        return made


_USAGE: dict[str, Json] = {"input_tokens": 3, "output_tokens": 2}
_DETAILS: dict[str, Json] = {"cached_tokens": 1, "cache_write_tokens": 1, "reasoning_tokens": 1}
_OPENAI_ERROR: Json = {
    "error": {"message": "no", "type": "t", "param": "p", "code": "c", "metadata": {"raw": "r"}}
}
# Replies with all that is read from them: an error and an answer for each way of asking.
GOOD_REPLIES: dict[tuple[str, bool], tuple[Json, Json]] = {
    ("openai", False): (
        _OPENAI_ERROR,
        {
            "model": "m",
            "system_fingerprint": "f",
            "error": None,
            "choices": [
                {
                    "message": {"content": [{"type": "text", "text": "yes"}], "refusal": None},
                    "finish_reason": "stop",
                }
            ],
            "usage": {
                "prompt_tokens": 3,
                "completion_tokens": 2,
                "prompt_tokens_details": _DETAILS,
                "completion_tokens_details": _DETAILS,
            },
        },
    ),
    ("openai", True): (
        _OPENAI_ERROR,
        {
            "model": "m",
            "status": "completed",
            "error": None,
            "incomplete_details": {"reason": None},
            "output": [
                {"type": "reasoning", "summary": []},
                {"type": "message", "content": [{"type": "output_text", "text": "yes"}]},
            ],
            "usage": {
                **_USAGE,
                "input_tokens_details": _DETAILS,
                "output_tokens_details": _DETAILS,
            },
        },
    ),
    ("anthropic", False): (
        {"type": "error", "error": {"type": "overloaded_error", "message": "no"}},
        {
            "model": "m",
            "content": [{"type": "text", "text": "yes"}],
            "stop_reason": "end_turn",
            "stop_details": {"explanation": "so"},
            "usage": {
                **_USAGE,
                "cache_creation_input_tokens": 1,
                "cache_read_input_tokens": 1,
                "output_tokens_details": {"thinking_tokens": 1},
            },
        },
    ),
    ("gemini", False): (
        {
            "error": {
                "code": 429,
                "message": "no",
                "status": "RESOURCE_EXHAUSTED",
                "details": [
                    {"reason": "r", "metadata": {"quota_limit": "q"}, "retryDelay": "3s"},
                    {"violations": [{"quotaId": "q", "quotaMetric": "m"}]},
                ],
            }
        },
        {
            "modelVersion": "m",
            "promptFeedback": {"blockReason": None},
            "candidates": [
                {
                    "content": {"parts": [{"text": "so", "thought": True}, {"text": "yes"}]},
                    "finishReason": "STOP",
                }
            ],
            "usageMetadata": {
                "promptTokenCount": 3,
                "toolUsePromptTokenCount": 1,
                "candidatesTokenCount": 2,
                "thoughtsTokenCount": 1,
                "cachedContentTokenCount": 1,
                "totalTokenCount": 9,
            },
        },
    ),
    ("ollama", False): (
        {"error": "no", "detail": [{"loc": ["x"], "msg": "no"}]},
        {
            "model": "m",
            "message": {"role": "assistant", "content": "yes"},
            "done": True,
            "done_reason": "stop",
            "prompt_eval_count": 3,
            "eval_count": 2,
        },
    ),
}
PRICE = {"input": 1.0, "output": 10.0}
MEMBERS = {
    "echo": Member("echo"),
    "slow echo": Member("echo", options={"delay_s": 0.05}),
    "fixed echo": Member("echo", "parrot", {"reply": "yes", "fail": "3", "price": 2.0}),
    "hf": Member("hf", DEFAULT_MODEL),
    "openai": Member("openai", "some-model", {"price": PRICE}, api="/v1"),
    "openai responses": Member("openai", "some-model", {"api": "responses"}, api="/v1"),
    "anthropic": Member("anthropic", "some-model", {"price": PRICE}, api=""),
    "gemini": Member("gemini", "some-model", api="/v1beta"),
    "ollama": Member("ollama", "some-model", api=""),
}


def params(members: Sequence[str]) -> list[Any]:
    return [
        pytest.param(MEMBERS[name], id=name, marks=[pytest.mark.model] if name == "hf" else [])
        for name in members
    ]


ALL = params(list(MEMBERS))
REMOTE = params([name for name, member in MEMBERS.items() if member.api is not None])


@pytest.fixture(scope="module", params=ALL)
def make(request: pytest.FixtureRequest, lasting_vendor_server: VendorServer) -> Make:
    member: Member = request.param
    return lambda: member.make(lasting_vendor_server)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """Return the one event loop that an opened backend lives in, as in a run."""
    with asyncio.Runner() as one:
        yield one


@pytest.fixture(scope="module")
def backend(make: Make, runner: asyncio.Runner) -> Iterator[Backend]:
    opened = make()
    runner.run(opened.open())
    yield opened
    runner.run(opened.close())


def requests(count: int, **sampling: Any) -> list[Request]:
    return [
        Request(f"k{i}", (Message("user", f"Say the number {i}."),), Sampling(**sampling))
        for i in range(count)
    ]


async def gather(backend: Backend, asked: Sequence[Request]) -> list[tuple[Request, Completion]]:
    return [pair async for pair in backend.generate(asked)]


def test_every_kind_is_in_the_table() -> None:
    assert {member.kind for member in MEMBERS.values()} == set(plugins.names("backends"))


def test_its_kind_is_its_name(backend: Backend) -> None:
    assert backend.kind in plugins.names("backends")
    plugin: Any = plugins.load("backends", backend.kind)
    assert isinstance(backend, plugin)


def test_it_wants_something(backend: Backend) -> None:
    capacity = backend.capacity
    assert min(capacity.calls, capacity.batch) >= 1
    assert min(capacity.patience.retries, capacity.patience.limit_s) >= 0


def test_unknown_options_are_refused(backend: Backend) -> None:
    with pytest.raises(ValidationError, match="no_such_option"):
        backend.options_model.model_validate({"no_such_option": 1})


def test_its_identity_is_json_and_stable(make: Make, backend: Backend) -> None:
    identity = backend.identity()
    assert json.loads(canonical_json(dict(identity))) == identity
    assert identity["kind"] == backend.kind
    assert make().identity() == identity


def test_opening_tells_facts_as_json(make: Make) -> None:
    async def open_and_close() -> Any:
        fresh = make()
        facts = await fresh.open()
        await fresh.close()
        return facts

    facts = asyncio.run(open_and_close())
    assert json.loads(canonical_json(dict(facts))) == facts


def test_it_tells_what_it_takes(backend: Backend) -> None:
    assert isinstance(backend.charges, bool)
    assert isinstance(backend.reads_images, bool)
    assert isinstance(backend.weighs_answers, bool)
    assert backend.price is None or isinstance(backend.price, Price)
    notice = backend.notice()
    assert notice is None or is_line(notice)


@pytest.mark.parametrize("schema", [None, SCHEMA])
def test_what_it_does_not_honour_is_told_in_lines(
    backend: Backend, schema: dict[str, Json] | None
) -> None:
    found = backend.shortfalls(Sampling(temperature=1.0, top_p=0.5, seed=7), schema)
    assert all(map(is_line, found))
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    "sampling", [Sampling(temperature=2.0), Sampling(stop=("\n",)), Sampling(stop=(*"abcdef",))]
)
def test_what_it_cannot_honour_at_all_is_refused_in_a_line(
    backend: Backend, sampling: Sampling
) -> None:
    try:
        told = backend.shortfalls(sampling, None)
    except BackendError as error:
        told = [error.message, error.hint or ""]
    assert all(map(is_line, told))


def is_line(text: str) -> bool:
    return bool(text.strip()) and len(text.splitlines()) == 1


def test_every_request_is_answered_once(backend: Backend, runner: asyncio.Runner) -> None:
    asked = requests(20, max_tokens=3)
    pairs = runner.run(gather(backend, asked))
    assert Counter(request.key for request, _ in pairs) == Counter(r.key for r in asked)
    for request, completion in pairs:
        assert (completion.error is None) == (completion.outcome is not Outcome.ERROR)
        if completion.outcome is not Outcome.ERROR:
            usage, counted = completion.usage, backend.count_tokens(request)
            assert usage.input_tokens
            assert counted in (None, usage.input_tokens)
            assert usage.output_tokens is not None
            assert usage.output_tokens <= 3
            price = backend.price
            assert completion.cost_usd == (None if price is None else price.cost(usage))


@pytest.mark.parametrize("member", REMOTE)
def test_a_remote_backend_makes_one_call_for_each_request(
    member: Member, vendor_server: VendorServer
) -> None:
    backend = member.make(vendor_server)

    async def ask() -> list[tuple[Request, Completion]]:
        pairs = await gather(backend, requests(5, max_tokens=3))
        await backend.close()
        return pairs

    pairs = asyncio.run(ask())
    assert [completion.text for _, completion in pairs] == ["Say the number"] * 5
    assert {completion.outcome for _, completion in pairs} == {Outcome.TRUNCATED}
    assert vendor_server.parts == [(f"Say the number {i}.",) for i in range(5)]
    assert backend.capacity.batch == 1
    assert backend.capacity.calls > 1
    assert backend.count_tokens(requests(1)[0]) is None  # only the server knows


def test_no_request_no_answer(backend: Backend, runner: asyncio.Runner) -> None:
    assert runner.run(gather(backend, [])) == []


def test_the_same_request_has_the_same_answer(backend: Backend, runner: asyncio.Runner) -> None:
    async def texts() -> dict[str, str]:
        asked = requests(4, max_tokens=4, temperature=1.0, seed=7)
        return {request.key: said.text for request, said in await gather(backend, asked)}

    assert runner.run(texts()) == runner.run(texts())


def test_an_image_is_read_or_refused(
    backend: Backend,
    runner: asyncio.Runner,
    lasting_vendor_server: VendorServer,
    tmp_path: Path,
) -> None:
    (tmp_path / "red.png").write_bytes(lasting_vendor_server.draw("red", 2, 3))
    image = ImageFolder(tmp_path).load("red.png")
    request = Request("k", (Message("user", ("What colour is", image)),), Sampling(max_tokens=4))
    [(_, completion)] = runner.run(gather(backend, [request]))
    assert completion.outcome is (Outcome.OK if backend.reads_images else Outcome.ERROR)
    assert (completion.error is None) == backend.reads_images


def test_cancelling_returns_at_once(backend: Backend, runner: asyncio.Runner) -> None:
    async def cancel() -> float:
        first = asyncio.Event()
        asked = requests(400, max_tokens=200)
        for place in range(0, 400, 20):  # some answers soon, so that the test need not wait
            asked[place] = replace(
                asked[place], sampling=replace(asked[place].sampling, max_tokens=1)
            )

        async def consume() -> None:
            async for _ in backend.generate(asked):
                first.set()
                await asyncio.sleep(0.01)

        task = asyncio.create_task(consume())
        await asyncio.wait_for(first.wait(), 20)
        started = time.perf_counter()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.perf_counter() - started

    assert runner.run(cancel()) < 1


ODD: tuple[Json, ...] = (None, True, 7, -1, 2.5, 10**40, "odd", "", [], ["x"], [[]], {}, {"x": 1})


def variants(good: Json) -> Iterator[Json]:
    """Yield a reply once for each of its parts and each odd value in that place, then without it.

    The reply itself is such a part.
    """
    yield from (odd for odd in ODD if odd != good)
    places = enumerate(good) if isinstance(good, list) else ()
    for key, value in good.items() if isinstance(good, dict) else places:
        for other in variants(value):
            changed: Any = good.copy()  # type: ignore[union-attr]
            changed[key] = other
            yield changed
        left: Any = good.copy()  # type: ignore[union-attr]
        del left[key]
        yield left


@pytest.mark.parametrize("member", REMOTE)
@pytest.mark.parametrize("status", [200, 400, 429])
def test_a_reply_with_anything_in_any_place_is_an_answer_or_an_error(
    member: Member, vendor_server: VendorServer, status: int
) -> None:
    replies = list(variants(GOOD_REPLIES[member.kind, "api" in member.options][status == 200]))
    assert len(replies) > 50

    async def ask() -> Counter[Outcome | None]:
        found: Counter[Outcome | None] = Counter()
        backend = member.make(vendor_server)
        await backend.open()
        for reply in replies:
            vendor_server.next_reply = (status, reply)
            try:
                [(_, completion)] = await gather(backend, requests(1))
            except BackendError:
                found[None] += 1
                continue
            found[completion.outcome] += 1
            assert isinstance(completion.text, str)
            assert (completion.error is None) == (completion.outcome is not Outcome.ERROR)
            names = (completion.model, completion.finish_reason, completion.fingerprint)
            assert all(name is None or isinstance(name, str) for name in names)
            hash(completion)
        await backend.close()
        return found

    found = asyncio.run(ask())
    assert found[Outcome.ERROR] > 10
    assert (found[Outcome.OK] > 10) == (status == 200)


@pytest.mark.parametrize("member", REMOTE)
def test_cancelling_waits_for_no_server(member: Member, vendor_server: VendorServer) -> None:
    async def cancel() -> float:
        backend = member.make(vendor_server)
        await backend.open()
        asked = len(vendor_server.paths)
        vendor_server.answering.clear()
        task = asyncio.create_task(gather(backend, requests(1)))
        async with asyncio.timeout(10):
            while len(vendor_server.paths) == asked:
                await asyncio.sleep(0.005)
        started = time.perf_counter()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await backend.close()
        return time.perf_counter() - started

    assert asyncio.run(cancel()) < 1


def test_it_answers_after_it_was_left_early(backend: Backend, runner: asyncio.Runner) -> None:
    async def leave_and_ask() -> int:
        answers = backend.generate(requests(8, max_tokens=2))
        await anext(answers)
        await answers.aclose()  # type: ignore[attr-defined]
        return len([pair async for pair in backend.generate(requests(2, max_tokens=2))])

    assert runner.run(leave_and_ask()) == 2


def test_check_is_one_line(make: Make) -> None:
    async def check_and_close() -> Any:
        fresh = make()
        health = await fresh.check()
        await fresh.close()
        return health

    health = asyncio.run(check_and_close())
    assert health.ok
    assert is_line(health.detail)


@pytest.mark.parametrize("member", REMOTE)
def test_a_server_that_is_not_there_is_told_in_one_line(
    member: Member, vendor_server: VendorServer
) -> None:
    nowhere = Member(
        member.kind, member.model, {**member.options, "base_url": "http://127.0.0.1:9"}
    )
    health = asyncio.run(nowhere.make(vendor_server).check())
    assert not health.ok
    assert is_line(health.detail)
    assert health.hint == "is there a server at http://127.0.0.1:9? see base_url"
