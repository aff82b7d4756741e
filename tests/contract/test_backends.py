"""What every backend must do, asked of those that run without a network."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from promptlab import registry
from promptlab.backends import Backend
from promptlab.digest import canonical_json
from promptlab.hf_model.weights import DEFAULT_MODEL
from promptlab.types import Message, Outcome, Request, Sampling

Make = Callable[[], Backend]


def maker(kind: str, model: str | None = None, **options: Any) -> Make:
    def make() -> Backend:
        plugin: Any = registry.load("backends", kind)
        made: Backend = plugin(model, plugin.options_model(**options))
        return made

    return make


MAKERS = {
    "echo": maker("echo"),
    "slow echo": maker("echo", delay_s=0.05),
    "fixed echo": maker("echo", "parrot", reply="yes", fail="3"),
    "hf": maker("hf", DEFAULT_MODEL),
}
MARKED = [
    pytest.param(make, id=name, marks=[pytest.mark.model] if name == "hf" else [])
    for name, make in MAKERS.items()
]


@pytest.fixture(scope="module", params=MARKED)
def make(request: pytest.FixtureRequest) -> Make:
    chosen: Make = request.param
    return chosen


@pytest.fixture(scope="module")
def backend(make: Make) -> Iterator[Backend]:
    opened = make()
    asyncio.run(opened.open())
    yield opened
    asyncio.run(opened.close())


def requests(count: int, **sampling: Any) -> list[Request]:
    return [
        Request(f"k{i}", (Message("user", f"Say the number {i}."),), Sampling(**sampling))
        for i in range(count)
    ]


def test_its_kind_is_its_name(backend: Backend) -> None:
    assert backend.kind in registry.names("backends")
    plugin: Any = registry.load("backends", backend.kind)
    assert isinstance(backend, plugin)


def test_it_wants_something(backend: Backend) -> None:
    assert min(backend.capacity.calls, backend.capacity.batch) >= 1


def test_unknown_options_are_refused(backend: Backend) -> None:
    with pytest.raises(ValidationError, match="no_such_option"):
        backend.options_model.model_validate({"no_such_option": 1})


def test_its_identity_is_json_and_stable(make: Make, backend: Backend) -> None:
    identity = backend.identity()
    assert json.loads(canonical_json(dict(identity))) == identity
    assert identity["kind"] == backend.kind
    assert make().identity() == identity


def test_opening_tells_facts_as_json(make: Make) -> None:
    fresh = make()
    facts = asyncio.run(fresh.open())
    asyncio.run(fresh.close())
    assert json.loads(canonical_json(dict(facts))) == facts


def test_every_request_is_answered_once(backend: Backend) -> None:
    asked = requests(20, max_tokens=3)

    async def gather() -> list[tuple[Request, Any]]:
        return [pair async for pair in backend.generate(asked)]

    pairs = asyncio.run(gather())
    assert Counter(request.key for request, _ in pairs) == Counter(r.key for r in asked)
    for request, completion in pairs:
        assert (completion.error is None) == (completion.outcome is not Outcome.ERROR)
        if completion.outcome is not Outcome.ERROR:
            assert completion.usage.input_tokens == backend.count_tokens(request)
            assert completion.usage.output_tokens <= 3


def test_no_request_no_answer(backend: Backend) -> None:
    async def gather() -> list[tuple[Request, Any]]:
        return [pair async for pair in backend.generate([])]

    assert asyncio.run(gather()) == []


def test_the_same_request_has_the_same_answer(backend: Backend) -> None:
    async def texts() -> dict[str, str]:
        asked = requests(4, max_tokens=4, temperature=1.0, seed=7)
        return {request.key: said.text async for request, said in backend.generate(asked)}

    assert asyncio.run(texts()) == asyncio.run(texts())


def test_cancelling_returns_at_once(backend: Backend) -> None:
    async def cancel() -> float:
        first = asyncio.Event()

        async def consume() -> None:
            async for _ in backend.generate(requests(400, max_tokens=200)):
                first.set()
                await asyncio.sleep(0.01)

        task = asyncio.create_task(consume())
        await asyncio.wait_for(first.wait(), 20)
        started = time.perf_counter()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.perf_counter() - started

    assert asyncio.run(cancel()) < 1


def test_it_answers_after_it_was_left_early(backend: Backend) -> None:
    async def leave_and_ask() -> int:
        answers = backend.generate(requests(8, max_tokens=2))
        await anext(answers)
        await answers.aclose()  # type: ignore[attr-defined]
        return len([pair async for pair in backend.generate(requests(2, max_tokens=2))])

    assert asyncio.run(leave_and_ask()) == 2


def test_check_is_one_line(make: Make) -> None:
    fresh = make()
    health = asyncio.run(fresh.check())
    asyncio.run(fresh.close())
    assert health.ok
    assert "\n" not in health.detail
