"""`embedding`: says how alike texts are, by a local model of sentences.

It answers a request of two messages or more with a JSON list: the cosine of the first text with
each of the others. So what scorers ask of it is planned, stored and resumed like any other call.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from promptlab.backends import NO_ENVIRONMENT, Capacity, Health, Price, Throughput
from promptlab.core.errors import BackendError
from promptlab.core.lazy import lazy_module
from promptlab.core.types import Completion, Json, Outcome, Request, Sampling, Usage
from promptlab.local_model.files.cache import Cache, cache_folder
from promptlab.local_model.files.sentences import (
    SHIPPED_MODEL,
    SentenceModel,
    find_sentence_model,
)
from promptlab.local_model.host import extra
from promptlab.local_model.host.worker import Worker
from promptlab.local_model.reading import reading

if TYPE_CHECKING:
    from promptlab.local_model import embedding
else:
    embedding = lazy_module("promptlab.local_model.embedding")


class Options(BaseModel):
    """The options of a model of sentences."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str = Field(
        "cpu",
        pattern=r"^(cpu|mps|cuda(:\d+)?)$",
        description="Where to compute: cpu, cuda:0, mps.",
    )
    cache_dir: Path | None = Field(None, description="Where digests of files are kept.")


class Embedding:
    """A local model of sentences, loaded once and asked for many texts at a time."""

    kind: ClassVar[str] = "embedding"
    options_model: ClassVar[type[BaseModel]] = Options
    charges: ClassVar[bool] = False
    repeats_itself: ClassVar[bool] = True
    pinned: ClassVar[bool] = True
    weighs_answers: ClassVar[bool] = False
    reads_images: bool = False
    price: Price | None = None  # the cost of the machine is unknown
    throughput: Throughput | None = None

    def __init__(
        self, model: str | None, options: Options, environment: Mapping[str, str] = NO_ENVIRONMENT
    ) -> None:
        if not model:
            raise BackendError("embedding needs a model", hint=f'"embedding:{SHIPPED_MODEL}"')
        self._name = model
        self._options = options
        self._cache = Cache(options.cache_dir or cache_folder(os.environ, Path.home()))
        self._worker: Worker | None = None
        self._embedder: embedding.Embedder | None = None

    @property
    def capacity(self) -> Capacity:
        """Take one call at a time, with as many texts as there are."""
        return Capacity(calls=1, batch=512)

    @cached_property
    def _files(self) -> SentenceModel:
        return find_sentence_model(self._name, self._cache)

    def identity(self) -> Mapping[str, Json]:
        """Return what the vectors depend on: the weights by their digest, not by their name."""
        return {
            "kind": self.kind,
            "model": self._name,
            "revision": self._files.revision,
            "longest": self._files.longest,
        }

    def count_tokens(self, request: Request) -> int | None:
        """Return None: what it reads costs nothing that is counted."""
        return None

    def shortfalls(self, sampling: Sampling, schema: Mapping[str, Json] | None) -> Sequence[str]:
        """Report a schema, as it writes nothing."""
        return [] if schema is None else ["output.schema is not enforced by a model of sentences"]

    def notice(self) -> str | None:
        """Return None: its models are small."""
        return None

    async def open(self) -> Mapping[str, Json]:
        """Load the model."""
        extra.require()
        await self._here().run(self._load)
        return {"revision": self._files.revision, "device": self._options.device}

    async def generate(
        self, requests: Sequence[Request]
    ) -> AsyncIterator[tuple[Request, Completion]]:
        """Embed all texts of the requests together, in the worker; then answer each."""
        plain = [request for request in requests if not _shows(request)]
        for request in requests:
            if _shows(request):
                error = f"{self._name} reads no images"
                yield request, Completion(Outcome.ERROR, error=error)
        if not plain:
            return
        texts = [[str(message.content) for message in request.messages] for request in plain]
        answers = await self._here().run(lambda: self._alike(texts))
        for request, (answer, tokens) in zip(plain, answers, strict=True):
            usage = Usage(input_tokens=tokens, output_tokens=0)
            yield request, Completion(Outcome.OK, answer, usage=usage, model=self._name)

    async def check(self) -> Health:
        """Load the model and compare a word with itself."""
        try:
            await self.open()
            [(answer, _)] = await self._here().run(lambda: self._alike([["word", "word"]]))
        except BackendError as error:
            return Health(False, error.message, error.hint)
        return Health(True, f"answers: a word is {answer} like itself")

    async def close(self) -> None:
        """Release the model."""
        self._embedder = None
        if self._worker is not None:
            worker, self._worker = self._worker, None
            await worker.stop(0)

    def _here(self) -> Worker:
        if self._worker is None:
            self._worker = Worker(f"promptlab-hf-{self._options.device}")
        return self._worker

    def _load(self) -> None:
        with reading(self._name):
            self._embedder = embedding.Embedder(self._files, self._options.device)

    def _alike(self, groups: Sequence[Sequence[str]]) -> list[tuple[str, int]]:
        """Return, for each group, its cosines as JSON and how many tokens were read."""
        if self._embedder is None:
            raise BackendError(f"{self._name} is not open")
        unique = list(dict.fromkeys(text for group in groups for text in group))
        rows = dict(zip(unique, self._embedder.embed(unique), strict=True))
        sizes = dict(zip(unique, self._embedder.count(unique), strict=True))
        return [
            (
                json.dumps([round(float(rows[group[0]] @ rows[text]), 6) for text in group[1:]]),
                sum(sizes[text] for text in group),
            )
            for group in groups
        ]


def _shows(request: Request) -> bool:
    return any(not isinstance(message.content, str) for message in request.messages)


backend = Embedding
