"""What every backend must do. Remote ones are tested against a server that speaks all their APIs.

A new kind of backend enters the table `MEMBERS`.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from promptlab.backends import Backend
from promptlab.core import plugins
from promptlab.core.errors import BackendError
from promptlab.core.types import Completion, Json, Outcome, Request
from promptlab.local_model.files.sentences import SHIPPED_MODEL
from promptlab.local_model.files.weights import DEFAULT_MODEL
from promptlab.testing import BackendContract
from promptlab.testing.backends import Make, gather, is_line, requests
from tests.local_model.adapters import write_model
from tests.local_model.conftest import make_model, make_tokenizer
from tests.local_model.sentence_models import write_sentence_model

if TYPE_CHECKING:
    from tests.remote.vendor_server import VendorServer


@dataclass(frozen=True, slots=True)
class Member:
    """A backend in one of its configurations; `api` is the path of a remote one's API."""

    kind: str
    model: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    api: str | None = None

    def make(self, server: VendorServer) -> Backend:
        """Return the backend; a remote one finds its API at the server."""
        plugin: Any = plugins.load("backends", self.kind)
        place = {} if self.api is None else {"base_url": server.url + self.api}
        backend: Backend = plugin(self.model, plugin.options_model(**self.options, **place))
        return backend


_USAGE: dict[str, Json] = {"input_tokens": 3, "output_tokens": 2}
_DETAILS: dict[str, Json] = {"cached_tokens": 1, "cache_write_tokens": 1, "reasoning_tokens": 1}
_OPENAI_ERROR: Json = {
    "error": {"message": "no", "type": "t", "param": "p", "code": "c", "metadata": {"raw": "r"}}
}
# Replies with everything that is read from them: an error and an answer for each API.
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
    "embedding": Member("embedding", SHIPPED_MODEL),
    "openai": Member("openai", "some-model", {"price": PRICE}, api="/v1"),
    "openai responses": Member("openai", "some-model", {"api": "responses"}, api="/v1"),
    "anthropic": Member("anthropic", "some-model", {"price": PRICE}, api=""),
    "gemini": Member("gemini", "some-model", api="/v1beta"),
    "ollama": Member("ollama", "some-model", api=""),
}


MODEL = [pytest.mark.model, pytest.mark.slow]  # quick tests ask a tiny one of its kind
TINY = Member("hf")
TINY_SENTENCES = Member("embedding")


def params(members: Sequence[str]) -> list[Any]:
    return [
        pytest.param(MEMBERS[name], id=name, marks=MODEL if name in ("hf", "embedding") else [])
        for name in members
    ]


ALL = [*params(list(MEMBERS)), pytest.param(TINY, id="tiny hf")]
ALL.append(pytest.param(TINY_SENTENCES, id="tiny embedding"))
REMOTE = params([name for name, member in MEMBERS.items() if member.api is not None])


class TestEveryBackend(BackendContract):
    """Built-in backends do more: they count tokens, and refuse what they cannot read."""

    @pytest.fixture(scope="class", params=ALL)
    @classmethod
    def make(
        cls,
        request: pytest.FixtureRequest,
        lasting_vendor_server: VendorServer,
        tmp_path_factory: pytest.TempPathFactory,
    ) -> Make:
        member: Member = request.param
        if member is TINY:
            folder, tokenizer = tmp_path_factory.mktemp("tiny"), make_tokenizer()
            member = replace(TINY, model=str(write_model(folder, make_model(tokenizer), tokenizer)))
        if member is TINY_SENTENCES:
            folder = write_sentence_model(tmp_path_factory.mktemp("sentences"))
            member = replace(member, model=str(folder))
        return lambda: member.make(lasting_vendor_server)

    def accept(self, backend: Backend, request: Request, completion: Completion) -> None:
        super().accept(backend, request, completion)
        if isinstance(request.messages[0].content, tuple):
            assert completion.outcome is (Outcome.OK if backend.reads_images else Outcome.ERROR)
        if completion.outcome is not Outcome.ERROR:
            usage, counted = completion.usage, backend.count_tokens(request)
            assert usage.input_tokens
            assert counted in (None, usage.input_tokens)
            assert usage.output_tokens is not None
            price = backend.price
            assert completion.cost_usd == (None if price is None else price.cost(usage))

    def test_its_kind_is_its_name(self, backend: Backend) -> None:
        assert backend.kind in plugins.names("backends")
        plugin: Any = plugins.load("backends", backend.kind)
        assert isinstance(backend, plugin)


def test_every_kind_is_in_the_table() -> None:
    assert {member.kind for member in MEMBERS.values()} == set(plugins.names("backends"))


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


@pytest.mark.slow
@pytest.mark.parametrize("member", REMOTE)
@pytest.mark.parametrize("status", [200, 400, 429])
def test_a_reply_with_anything_in_any_place_is_an_answer_or_an_error(
    member: Member, vendor_server: VendorServer, status: int
) -> None:
    replies = list(variants(GOOD_REPLIES[member.kind, "api" in member.options][status == 200]))
    assert len(replies) > 50

    async def ask() -> Counter[Outcome | None]:
        outcomes: Counter[Outcome | None] = Counter()
        backend = member.make(vendor_server)
        await backend.open()
        for reply in replies:
            vendor_server.next_reply = (status, reply)
            try:
                [(_, completion)] = await gather(backend, requests(1))
            except BackendError:
                outcomes[None] += 1
                continue
            outcomes[completion.outcome] += 1
            assert isinstance(completion.text, str)
            assert (completion.error is None) == (completion.outcome is not Outcome.ERROR)
            names = (completion.model, completion.finish_reason, completion.fingerprint)
            assert all(name is None or isinstance(name, str) for name in names)
            hash(completion)
        await backend.close()
        return outcomes

    outcomes = asyncio.run(ask())
    assert outcomes[Outcome.ERROR] > 10
    assert (outcomes[Outcome.OK] > 10) == (status == 200)


@pytest.mark.parametrize("member", REMOTE)
def test_cancelling_waits_for_no_server(member: Member, vendor_server: VendorServer) -> None:
    async def cancel() -> float:
        backend = member.make(vendor_server)
        await backend.open()
        before = len(vendor_server.paths)
        vendor_server.answering.clear()
        task = asyncio.create_task(gather(backend, requests(1)))
        async with asyncio.timeout(10):
            while len(vendor_server.paths) == before:
                await asyncio.sleep(0.005)
        started = time.perf_counter()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await backend.close()
        return time.perf_counter() - started

    assert asyncio.run(cancel()) < 1


@pytest.mark.parametrize("member", REMOTE)
def test_a_missing_server_is_reported_in_one_line(
    member: Member, vendor_server: VendorServer
) -> None:
    nowhere = Member(
        member.kind, member.model, {**member.options, "base_url": "http://127.0.0.1:9"}
    )
    health = asyncio.run(nowhere.make(vendor_server).check())
    assert not health.ok
    assert is_line(health.detail)
    assert health.hint == "is there a server at http://127.0.0.1:9? see base_url"
