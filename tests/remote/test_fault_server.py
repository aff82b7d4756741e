"""The server that other tests rely on does what it says."""

from __future__ import annotations

import asyncio
import sys
import time

import httpx
import pytest

from promptlab.backends.openai import OpenAI, Options
from promptlab.core.types import Message, Outcome, Request, Sampling

from .fault_replies import FAULTS, Call, answer_to
from .fault_server import FaultServer

QUICK = tuple(set(FaultServer.PASSING) - {"stalled", "silent", "drip", "gzip-bomb", "huge-chunked"})


def call(prompt: str, tries: int = 1) -> Call:
    return Call(1, prompt, tries, b"POST /v1/x HTTP/1.1\r\nA: b\r\n", None)


@pytest.mark.slow
def test_a_mixture_is_a_matter_of_the_seed(fault_server: FaultServer) -> None:
    prompts = [f"number {number}" for number in range(3000)]

    def played(seed: int) -> list[str | None]:
        fault_server.mix(share=0.1, times=2, seed=seed)
        return [fault_server.plan(call(prompt)) for prompt in prompts]

    first = played(seed=1)
    assert 240 < len(first) - first.count(None) < 360
    assert set(first) == {None, *FaultServer.PASSING}
    assert first == played(seed=1) != played(seed=2)
    second = [fault_server.plan(call(prompt, tries=2)) for prompt in prompts]
    assert 240 < len(second) - second.count(None) < 360
    assert {fault_server.plan(call(prompt, tries=3)) for prompt in prompts} == {None}


@pytest.mark.slow
def test_under_a_mixture_all_answers_arrive_by_asking_again(fault_server: FaultServer) -> None:
    prompts = [f"number {number}" for number in range(400)]
    fault_server.mix(QUICK, share=0.3, times=3)
    options = Options.model_validate({"base_url": fault_server.base_url, "timeout_s": 10})

    async def ask(backend: OpenAI, prompt: str) -> str:
        request = Request(prompt, (Message("user", prompt),), Sampling())
        for _ in range(4):
            async for _, completion in backend.generate([request]):
                if completion.outcome is Outcome.OK:
                    return completion.text
        raise AssertionError(f"no answer to {prompt}")

    async def calls() -> list[str]:
        backend = OpenAI("some-model", options)
        await backend.open()
        try:
            return await asyncio.gather(*(ask(backend, prompt) for prompt in prompts))
        finally:
            await backend.close()

    assert asyncio.run(calls()) == list(map(answer_to, prompts))
    assert fault_server.answered.keys() == set(prompts)
    assert {len(moments) for moments in fault_server.answered.values()} == {1}
    assert fault_server.requests == 400 + fault_server.faults.total()
    assert set(fault_server.faults) == set(QUICK)
    assert fault_server.in_flight == 0


def test_it_keeps_its_port_while_it_is_down(fault_server: FaultServer) -> None:
    began = time.monotonic()
    fault_server.down(0.2)
    while True:
        try:
            assert httpx.get(fault_server.base_url, trust_env=False).status_code == 200
        except httpx.ConnectError:
            continue
        break
    assert 0.2 <= time.monotonic() - began < 5


def test_a_call_tells_path_and_headers() -> None:
    assert call("x").path == "/v1/x"
    assert call("x").headers == {"a": "b"}


def test_its_faults_are_all_named_in_its_description() -> None:
    described = sys.modules[FaultServer.__module__].__doc__ or ""
    assert not [name for name in FAULTS if name not in described]
