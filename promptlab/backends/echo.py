"""`echo`: repeats its prompt, instantly and deterministically. For tests and first experiments.

A token here is a word. Answers depend only on the options; there is no model.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from promptlab.backends import NO_ENVIRONMENT, Capacity, Health, Price, Throughput
from promptlab.core.prices import MAX_PRICE
from promptlab.core.types import Completion, Json, Outcome, Request, Sampling, Usage

_WORD = re.compile(r"\S+")
_PIECE = re.compile(r"\s*\S+|\s+\Z")
_BREATH = 256  # requests between two yields to the event loop


class Options(BaseModel):
    """The options of the echo."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reply: str | None = Field(
        None, description="A fixed answer; by default the last user message is repeated."
    )
    delay_s: float = Field(0.0, ge=0, le=3600, description="How long each answer takes.")
    price: float | None = Field(
        None, ge=0, le=MAX_PRICE, description="US dollars per million words, to try out budgets."
    )
    fail: str | None = Field(
        None, min_length=1, description="Fail if the last user message contains this text."
    )


class Echo:
    """A backend without a model."""

    kind: ClassVar[str] = "echo"
    options_model: ClassVar[type[BaseModel]] = Options
    charges: ClassVar[bool] = False
    repeats_itself: ClassVar[bool] = True
    pinned: ClassVar[bool] = True
    weighs_answers: ClassVar[bool] = False
    throughput: Throughput | None = None  # it computes nothing
    reads_images: bool = True

    def __init__(
        self, model: str | None, options: Options, environment: Mapping[str, str] = NO_ENVIRONMENT
    ) -> None:
        self._model = model or self.kind
        self._options = options

    @property
    def price(self) -> Price | None:
        """Return the price in the options, with words as tokens."""
        price = self._options.price
        return None if price is None else Price(price, price)

    @property
    def capacity(self) -> Capacity:
        """Take all requests at once; with a delay, one per call, as a remote backend does."""
        return Capacity(64, 1) if self._options.delay_s else Capacity(1, 1024)

    def identity(self) -> Mapping[str, Json]:
        """Return the options that affect answers; the delay does not."""
        return {
            "kind": self.kind,
            "model": self._model,
            "reply": self._options.reply,
            "fail": self._options.fail,
        }

    def count_tokens(self, request: Request) -> int | None:
        """Return the number of words in all messages."""
        return sum(len(message.text.split()) for message in request.messages)

    def shortfalls(self, sampling: Sampling, schema: Mapping[str, Json] | None) -> Sequence[str]:
        """Report an unenforced schema; sampling has no effect, and needs no seed."""
        return [] if schema is None else ["output.schema is not enforced"]

    def notice(self) -> str | None:
        """Return None: nothing takes long."""
        return None

    async def open(self) -> Mapping[str, Json]:
        """Open nothing."""
        return {}

    async def generate(
        self, requests: Sequence[Request]
    ) -> AsyncIterator[tuple[Request, Completion]]:
        """Answer the requests in order."""
        delay = self._options.delay_s
        for index, request in enumerate(requests):
            if delay or index % _BREATH == 0:
                await asyncio.sleep(delay)
            yield request, self._answer(request)

    async def stream(self, request: Request) -> AsyncIterator[str | Completion]:
        """Answer a request word by word, each after its part of the delay."""
        completion = self._answer(request)
        words = _PIECE.findall(completion.text)
        for word in words:
            await asyncio.sleep(self._options.delay_s / len(words))
            yield word
        yield completion

    async def check(self) -> Health:
        """Report that it answers, as it always does."""
        return Health(True, "answers")

    async def close(self) -> None:
        """Close nothing."""

    def _answer(self, request: Request) -> Completion:
        options = self._options
        prompt = _last_user_text(request)
        if options.fail is not None and options.fail in prompt:
            return Completion(
                Outcome.ERROR, model=self._model, error=f"told to fail on {options.fail!r}"
            )
        whole = prompt if options.reply is None else options.reply
        text, words, finish = _cut(whole, request.sampling)
        outcome = Outcome.OK if words else Outcome.EMPTY
        usage = Usage(self.count_tokens(request), words)
        return Completion(
            outcome=Outcome.TRUNCATED if finish == "length" else outcome,
            text=text,
            thoughts="",
            usage=usage,
            cost_usd=None if self.price is None else self.price.cost(usage),
            latency_s=options.delay_s,
            model=self._model,
            finish_reason=finish,
        )


def _last_user_text(request: Request) -> str:
    for message in reversed(request.messages):
        if message.role == "user":
            return message.text
    return ""


def _cut(text: str, sampling: Sampling) -> tuple[str, int, str]:
    """Cut a text where a model would stop; return it, its number of words, and why it ended."""
    for stop in filter(None, sampling.stop):
        text = text.partition(stop)[0]
    words = len(text.split())
    if words <= sampling.max_tokens:
        return text, words, "stop"
    ends = [word.end() for word in _WORD.finditer(text)]
    return text[: ends[sampling.max_tokens - 1]], sampling.max_tokens, "length"


backend = Echo
