"""A server for tests that answers like OpenAI's chat completions, and fails on request.

It runs in a thread of its own on a free port of this machine. The fixture `fault_server` of
`tests/conftest.py` gives a test a new one; for its type in other folders, `from
tests.remote.fault_server import FaultServer` under `if TYPE_CHECKING`.

    def test_something(fault_server: FaultServer) -> None:
        fault_server.latency_s = 0.1
        fault_server.fail("429", times=2)      # the first two tries of each prompt
        fault_server.mix(share=0.1, times=3)   # 10 % of the tries, not after 3 tries of a prompt
        fault_server.plan = lambda call: "500" if call.number % 7 == 0 else None
        ... a backend `openai` whose base_url is fault_server.base_url ...
        fault_server.down(20.0)                # at once no longer there, then back on its port
        assert fault_server.requests == 3000 and prompt in fault_server.answered

The answer to a prompt is `answer_to(prompt)`, a function of the text of the last message alone: it
proves which answer belongs to which prompt (`say` may be another function of the call). Its tokens
are `usage_of(prompt)`; log-probabilities come where they are asked for and `logprobs` is left true.
Every error repeats the `authorization` of its request: a key that is not struck out is noticed.

It counts `requests`, `connections` (all that were ever opened), `in_flight`, `most_in_flight`,
`bytes_sent` (of the huge bodies alone) and `faults` (how often each was played). `asked` and
`answered` hold for each prompt the moments (`time.monotonic`) of its tries and of its answers,
`received` the last requests with their headers and bodies. All may be read while calls are made.

The faults by name, in groups (`server.PASSING` ...):
PASSING   asking again helps: 429 (without Retry-After), 429-retry-after (`retry_after` says how
          long), 500, 503, 529, reset (before the answer), cut (in the middle of the body),
          half-chunk (the same of a chunked body), stalled (headers, then silence), drip (a byte
          every `drip_s`), silent (no answer, ever), html, half-json, empty, gzip-bomb (1 GB in
          1 MB), huge (50 MB), huge-chunked, redirect, no-http, error-in-200, gave-up (half an
          answer, with a reason that says so), stream-cut (a stream without its end)
ANSWERS   strange, and yet answers: text-plain, gzip, no-usage, null-content, refusal,
          content-filter, echo-key (the answer is what stood in `authorization`), streamed
          (unasked), thinks-aloud (thoughts in the text)
REJECTED  of no use to ask again: context (400), moderated (403, as OpenRouter does)
FATAL     of no use to ask anything more: 401, 404, quota (429 insufficient_quota)
With `stalled`, `drip` and `silent` a call takes as long as the client waits: set a small
`timeout_s`. `drip` is an answer where the client waits long enough (some 500 bytes).
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Self

from . import fault_replies
from .fault_replies import Call, Line, answer_to, play, usage_of

Plan = Callable[[Call], str | None]
_WAIT_S = 10.0  # for the server's thread


class FaultServer:
    """A server that fails by plan, and counts; see the docstring of the module."""

    PASSING = fault_replies.PASSING
    ANSWERS = fault_replies.ANSWERS
    REJECTED = fault_replies.REJECTED
    FATAL = fault_replies.FATAL
    answer_to = staticmethod(answer_to)
    usage_of = staticmethod(usage_of)

    def __init__(self) -> None:
        self.plan: Plan = lambda call: None
        self.say: Callable[[Call], str] = lambda call: answer_to(call.prompt)
        self.logprobs = True
        self.latency_s = 0.0
        self.retry_after = "0.05"
        self.drip_s = 0.05
        self.requests = self.connections = self.in_flight = self.most_in_flight = 0
        self.bytes_sent = 0
        self.faults: Counter[str] = Counter()
        self.asked: dict[str, list[float]] = defaultdict(list)
        self.answered: dict[str, list[float]] = defaultdict(list)
        self.received: deque[Call] = deque(maxlen=64)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._return: asyncio.TimerHandle | None = None
        self._back: asyncio.Task[None] | None = None
        self._serving: set[asyncio.Task[None]] = set()
        # Bound, and never listening: it keeps the port for us while the server is down.
        self._guard = _bound(0)
        self.port: int = self._guard.getsockname()[1]
        self.base_url: str = f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        self._carry_out(self._listen())
        return self

    def __exit__(self, *error: object) -> None:
        self._carry_out(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_WAIT_S)
        self._loop.close()
        self._guard.close()

    def fail(self, fault: str | None, times: int | None = None) -> None:
        """Play a fault at the first `times` tries of each prompt, without a number at all."""
        assert fault is None or fault in fault_replies.FAULTS
        self.plan = lambda call: fault if times is None or call.tries <= times else None

    def mix(
        self,
        faults: Sequence[str] = PASSING,
        *,
        share: float = 0.1,
        times: int = 2,
        seed: int = 0,
    ) -> None:
        """Play any of `faults` at a share of the tries; after `times` tries a prompt is answered.

        What happens at which try of which prompt is a matter of the seed, not of the order.
        """
        assert set(faults) <= set(fault_replies.FAULTS)

        def plan(call: Call) -> str | None:
            chance = random.Random(f"{seed} {call.tries} {call.prompt}")
            hit = call.tries <= times and chance.uniform(0, 1) < share
            return chance.choice(faults) if hit else None

        self.plan = plan

    def down(self, seconds: float) -> None:
        """Break all connections off and be gone; be back on the same port after so many seconds.

        It returns when the server is gone.
        """
        self._carry_out(self._go_away(seconds))

    async def _go_away(self, seconds: float) -> None:
        await self._stop()
        self._return = self._loop.call_later(seconds, self._come_back)

    def _come_back(self) -> None:
        self._back = self._loop.create_task(self._listen())

    def _carry_out(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_WAIT_S)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(
            self._serve, sock=_bound(self.port), backlog=4096, start_serving=False
        )
        await self._server.start_serving()

    async def _stop(self) -> None:
        if self._return is not None:
            self._return.cancel()
        if self._back is not None:
            await self._back
        if self._server is not None:
            self._server.close()
        serving = list(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        self._serving.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            while not writer.is_closing():
                await self._take(Line(reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client is gone, or we are
        finally:
            self._serving.discard(task)
            writer.close()

    async def _take(self, line: Line) -> None:
        head = await line.reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].split(b"\r", 1)[0]
        content = await line.reader.readexactly(int(length or b"0"))
        body = json.loads(content) if content else None
        prompt = _last_text(body)
        self.requests += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.asked[prompt].append(time.monotonic())
        call = Call(self.requests, prompt, len(self.asked[prompt]), head, body)
        self.received.append(call)
        try:
            fault = self.plan(call)
            if fault is not None:
                self.faults[fault] += 1
            if self.latency_s:
                await asyncio.sleep(self.latency_s)
            await play(fault, self, call, line)
        finally:
            self.in_flight -= 1


def _bound(port: int) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    return made


def _last_text(body: Any) -> str:
    messages = body.get("messages") if isinstance(body, dict) else None
    content = messages[-1]["content"] if messages else ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)
