"""What every backend must do."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from promptlab.backends import Backend, Price, stream_of
from promptlab.cases.images import ImageFolder
from promptlab.core.digest import canonical_json
from promptlab.core.errors import BackendError
from promptlab.core.types import Completion, Json, Message, Outcome, Request, Sampling

Make = Callable[[], Backend]

_SCHEMA: dict[str, Json] = {
    "type": "object",
    "properties": {"label": {"type": "string"}},
    "required": ["label"],
    "additionalProperties": False,
}
_RED_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAEElEQVR4nGP4z8AARAwoFABE0AX7pM/egAAAAABJRU5ErkJg"
    "gg=="
)


def requests(count: int, **sampling: Any) -> list[Request]:
    """Return requests, each for a different answer."""
    return [
        Request(f"k{i}", (Message("user", f"Say the number {i}."),), Sampling(**sampling))
        for i in range(count)
    ]


async def gather(backend: Backend, batch: Sequence[Request]) -> list[tuple[Request, Completion]]:
    """Return all answers, in the order in which they arrived."""
    return [pair async for pair in backend.generate(batch)]


def is_line(text: str) -> bool:
    """Return whether a text is one line, and not blank."""
    return bool(text.strip()) and len(text.splitlines()) == 1


class BackendContract:
    """Subclass this with a name that begins with `Test`, and define how to create your backend."""

    seeds: ClassVar[bool] = True
    """Whether a seed makes its answers reproducible."""

    def make_backend(self) -> Backend:
        """Return a backend that is not open yet, always with the same configuration."""
        raise NotImplementedError("define how to create your backend: def make_backend(self)")

    def accept(self, backend: Backend, request: Request, completion: Completion) -> None:
        """Check an answer; override it to require more of yours."""
        assert (completion.error is None) == (completion.outcome is not Outcome.ERROR)
        if completion.outcome is Outcome.ERROR:
            return
        usage, counted = completion.usage, backend.count_tokens(request)
        assert None in (counted, usage.input_tokens) or counted == usage.input_tokens
        assert usage.output_tokens is None or usage.output_tokens <= request.sampling.max_tokens

    @pytest.fixture(scope="class")
    @classmethod
    def make(cls) -> Make:
        return cls().make_backend

    @pytest.fixture(scope="class")
    @classmethod
    def runner(cls) -> Iterator[asyncio.Runner]:
        with asyncio.Runner() as loop_runner:  # the one event loop in which an open backend lives
            yield loop_runner

    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, make: Make, runner: asyncio.Runner) -> Iterator[Backend]:
        opened = make()
        runner.run(opened.open())
        yield opened
        runner.run(opened.close())

    def test_its_capacity_is_positive(self, backend: Backend) -> None:
        capacity = backend.capacity
        assert min(capacity.calls, capacity.batch) >= 1
        assert min(capacity.patience.retries, capacity.patience.limit_s) >= 0

    def test_unknown_options_are_refused(self, backend: Backend) -> None:
        with pytest.raises(ValidationError, match="no_such_option"):
            backend.options_model.model_validate({"no_such_option": 1})

    def test_its_identity_is_json_and_stable(self, make: Make, backend: Backend) -> None:
        identity = backend.identity()
        assert json.loads(canonical_json(dict(identity))) == identity
        assert make().identity() == identity

    def test_opening_returns_facts_as_json(self, make: Make) -> None:
        async def open_and_close() -> Any:
            fresh = make()
            facts = await fresh.open()
            await fresh.close()
            return facts

        facts = asyncio.run(open_and_close())
        assert json.loads(canonical_json(dict(facts))) == facts

    def test_it_declares_what_it_takes(self, backend: Backend) -> None:
        assert isinstance(backend.charges, bool)
        assert isinstance(backend.reads_images, bool)
        assert isinstance(backend.weighs_answers, bool)
        assert backend.price is None or isinstance(backend.price, Price)
        notice = backend.notice()
        assert notice is None or is_line(notice)

    @pytest.mark.parametrize("schema", [None, _SCHEMA])
    def test_what_it_does_not_honour_is_reported_in_lines(
        self, backend: Backend, schema: dict[str, Json] | None
    ) -> None:
        lines = backend.shortfalls(Sampling(temperature=1.0, top_p=0.5, seed=7), schema)
        assert all(map(is_line, lines))
        assert len(set(lines)) == len(lines)

    @pytest.mark.parametrize(
        "sampling", [Sampling(temperature=2.0), Sampling(stop=("\n",)), Sampling(stop=(*"abcdef",))]
    )
    def test_what_it_cannot_honour_at_all_is_refused_in_a_line(
        self, backend: Backend, sampling: Sampling
    ) -> None:
        try:
            lines = backend.shortfalls(sampling, None)
        except BackendError as error:
            lines = [error.message, error.hint or ""]
        assert all(map(is_line, lines))

    def test_every_request_is_answered_once(self, backend: Backend, runner: asyncio.Runner) -> None:
        batch = requests(20, max_tokens=3)
        pairs = runner.run(gather(backend, batch))
        assert Counter(request.key for request, _ in pairs) == Counter(r.key for r in batch)
        for request, completion in pairs:
            self.accept(backend, request, completion)

    def test_what_it_streams_ends_in_the_answer(
        self, backend: Backend, runner: asyncio.Runner
    ) -> None:
        stream = stream_of(backend)
        if stream is None:
            pytest.skip("its answers come whole")

        async def listen(request: Request) -> list[str | Completion]:
            return [piece async for piece in stream(request)]

        [request] = requests(1, max_tokens=3)
        *pieces, completion = runner.run(listen(request))
        assert isinstance(completion, Completion)
        assert all(isinstance(piece, str) for piece in pieces)
        self.accept(backend, request, completion)
        if self.seeds:
            [(_, whole)] = runner.run(gather(backend, [request]))
            assert (completion.text, completion.outcome) == (whole.text, whole.outcome)

    def test_no_request_no_answer(self, backend: Backend, runner: asyncio.Runner) -> None:
        assert runner.run(gather(backend, [])) == []

    def test_the_same_request_has_the_same_answer(
        self, backend: Backend, runner: asyncio.Runner
    ) -> None:
        if not self.seeds:
            pytest.skip("a seed does not make its answers reproducible")

        async def texts() -> dict[str, str]:
            batch = requests(4, max_tokens=4, temperature=1.0, seed=7)
            return {request.key: answer.text for request, answer in await gather(backend, batch)}

        assert runner.run(texts()) == runner.run(texts())

    def test_an_image_is_read_or_refused(
        self, backend: Backend, runner: asyncio.Runner, tmp_path: Path
    ) -> None:
        (tmp_path / "red.png").write_bytes(_RED_PNG)
        image = ImageFolder(tmp_path).load("red.png")
        message = Message("user", ("What colour is", image))
        request = Request("k", (message,), Sampling(max_tokens=4))
        [(_, completion)] = runner.run(gather(backend, [request]))
        if backend.reads_images:
            assert completion.outcome is Outcome.OK
        self.accept(backend, request, completion)

    def test_cancelling_returns_at_once(self, backend: Backend, runner: asyncio.Runner) -> None:
        async def cancel() -> float:
            first = asyncio.Event()
            batch = requests(400, max_tokens=200)
            for place in range(0, 400, 20):  # some come soon, so that the test need not wait
                batch[place] = replace(
                    batch[place], sampling=replace(batch[place].sampling, max_tokens=1)
                )

            async def consume() -> None:
                async for _ in backend.generate(batch):
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

    def test_it_answers_after_it_was_left_early(
        self, backend: Backend, runner: asyncio.Runner
    ) -> None:
        async def leave_and_ask() -> int:
            answers = backend.generate(requests(8, max_tokens=2))
            await anext(answers)
            await answers.aclose()  # type: ignore[attr-defined] # it is a generator
            return len([pair async for pair in backend.generate(requests(2, max_tokens=2))])

        assert runner.run(leave_and_ask()) == 2

    def test_check_is_one_line(self, make: Make) -> None:
        async def check_and_close() -> Any:
            fresh = make()
            health = await fresh.check()
            await fresh.close()
            return health

        health = asyncio.run(check_and_close())
        assert health.ok
        assert is_line(health.detail)
