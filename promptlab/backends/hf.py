"""`hf`: a local language model, through transformers.

`model` is a name on the Hugging Face hub, a folder of safetensors or a GGUF file; `adapter` is a
folder with a LoRA adapter for it. torch, transformers and peft are imported when first needed.
Answers depend on model, revision, adapter, dtype and device; on batch size and packing only if two
tokens are almost equally likely. A JSON schema in a request is not enforced.
"""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel

from promptlab.backends import NO_ENVIRONMENT, Capacity, Health, Price, Throughput
from promptlab.core.errors import BackendError
from promptlab.core.lazy import lazy_module
from promptlab.core.raw_prompt import RawPrompt
from promptlab.core.types import Completion, Json, Message, Outcome, Request, Sampling
from promptlab.local_model.files.adapter import Adapter, find_adapter
from promptlab.local_model.files.cache import Cache, cache_folder
from promptlab.local_model.files.convert_process import Order, convert_apart
from promptlab.local_model.files.weights import DEFAULT_MODEL, Weights, find
from promptlab.local_model.host import extra
from promptlab.local_model.host.worker import Put, Worker, from_thread, run_apart
from promptlab.local_model.options import Options
from promptlab.local_model.reading import reading
from promptlab.local_model.told import Notes

if TYPE_CHECKING:
    from promptlab.local_model.files import hub
    from promptlab.local_model.loading import loaded, loading, lora, tokenizer
    from promptlab.local_model.text import chat
else:
    chat = lazy_module("promptlab.local_model.text.chat")
    hub = lazy_module("promptlab.local_model.files.hub")
    loaded = lazy_module("promptlab.local_model.loading.loaded")
    loading = lazy_module("promptlab.local_model.loading.loading")
    lora = lazy_module("promptlab.local_model.loading.lora")
    tokenizer = lazy_module("promptlab.local_model.loading.tokenizer")

_PATIENCE_S = 1.0
_PROBE = Request("check", (Message("user", "Hello"),), Sampling(max_tokens=1))


class HuggingFace:
    """A transformers model; it takes requests in large batches and orders them itself."""

    kind: ClassVar[str] = "hf"
    options_model: ClassVar[type[BaseModel]] = Options
    charges: ClassVar[bool] = False
    repeats_itself: ClassVar[bool] = True
    pinned: ClassVar[bool] = True
    weighs_answers: ClassVar[bool] = True
    reads_images: bool = False
    price: Price | None = None  # the cost of the machine is unknown

    def __init__(
        self, model: str | None, options: Options, environment: Mapping[str, str] = NO_ENVIRONMENT
    ) -> None:
        if not model:
            raise BackendError("hf needs a model", hint=f'for example "hf:{DEFAULT_MODEL}"')
        self._name = model
        self._options = options
        self._cache = Cache(options.cache_dir or cache_folder(os.environ, Path.home()))
        self._worker: Worker | None = None
        self._model: loaded.LocalModel | None = None
        self._done = Throughput()  # by models that have been closed

    @property
    def throughput(self) -> Throughput:
        """Return the work of its models so far: tokens read, shared and generated."""
        return self._done + self._model.stats if self._model else self._done

    @property
    def capacity(self) -> Capacity:
        """Take one call at a time, with as many requests as there are: sorting them saves time."""
        return Capacity(calls=1, batch=512)

    def identity(self) -> Mapping[str, Json]:
        """Return what affects the answers, identifying the weights without loading them."""
        with reading(self._name):
            adapter = {"adapter": self._adapter.digest} if self._adapter else {}
            revision = self._weights.revision
        return {
            "kind": self.kind,
            "model": self._name,
            "revision": revision,
            "dtype": self._options.dtype,
            "device": self._device(),
            **adapter,
            **self._options.words,
        }

    def _device(self) -> str:
        """Return the device that computes, importing torch only if there may be a GPU."""
        if self._options.device == "auto" and not extra.may_see_gpu():
            return "cpu"
        return loading.resolve_device(self._options.device)

    def shortfalls(self, sampling: Sampling, schema: Mapping[str, Json] | None) -> Sequence[str]:
        """Report an unenforced schema, and what is odd about the model's files."""
        lines = [] if schema is None else ["output.schema is not enforced by a local model"]
        return [*lines, *self._notes.of_model()] if self._is_here else lines

    def losses(self, messages: Sequence[Message]) -> Sequence[str]:
        """Report what the chat template leaves out; refuse it unless the user accepts it."""
        return self._notes.of_messages(messages) if self._is_here else []

    def raw(self, messages: Sequence[Message]) -> RawPrompt:
        """Return the tokens of a prompt; raise `BackendError` if the model refuses it."""
        with reading(self._name):
            return self._chat.raw(messages)

    @property
    def _notes(self) -> Notes:
        """What is to be told of the model."""
        about, options = self.identity(), self._options
        return Notes(about, lambda: self._chat, self._weights, self._adapter, options, self._cache)

    @property
    def _is_here(self) -> bool:
        """Return whether tokenizer and chat template can be read now, without a long wait."""
        return self._weights.path is not None and not self._weights.unconverted

    def notice(self) -> str | None:
        """Describe what takes long only at the first `open`, if anything does."""
        if self._weights.path is None:
            return f"downloading {self._name} from the hub (once)"
        if self._weights.unconverted:
            return f"converting the weights of {self._name} (once, about 30 s)"
        return None

    def count_tokens(self, request: Request) -> int | None:
        """Count the tokens of the prompt and all continuations.

        Return None for a model that has not been downloaded yet.
        """
        if self._weights.path is None:
            return None
        with reading(self._name):
            reader = self._chat
            try:
                if not request.continuations:
                    return len(reader.encode(request.messages))
                prompt, ends = reader.encode_pairs(request.messages, request.continuations)
            except chat.ChatError:
                return None  # its completion will say why the model cannot take it
            return len(prompt) + sum(map(len, ends))

    async def open(self) -> Mapping[str, Json]:
        """Load the model, downloading or converting its weights first if needed."""
        extra.require(*(("peft",) if self._adapter else ()))
        was_here = self._is_here
        folder = await self._folder()
        self._weights = replace(self._weights, path=folder)
        if self._adapter is not None:  # peft takes seconds to import, in which others may compute
            await run_apart("promptlab-peft", self._import_peft)
        self._model = await self._here().run(lambda: self._load(folder))
        lines = [] if was_here else self._notes.of_model()  # otherwise told before the run
        return {
            "revision": self._weights.revision,
            "weights": self._weights.source,
            **self._model.facts,
            **({"not_honoured": [*lines]} if lines else {}),
        }

    async def generate(
        self, requests: Sequence[Request]
    ) -> AsyncIterator[tuple[Request, Completion]]:
        """Answer all requests in the worker thread; yield each as it ends."""
        model = self._opened()

        def answer(put: Put[tuple[Request, Completion]], cancelled: threading.Event) -> None:
            model.answer(requests, lambda *pair: put(pair), cancelled)

        async for pair in from_thread(self._here(), answer):
            yield pair

    async def stream(self, request: Request) -> AsyncIterator[str | Completion]:
        """Answer a request token by token; an answer that begins with thoughts comes whole."""
        model, shown = self._opened(), ""

        def answer(put: Put[str | Completion], cancelled: threading.Event) -> None:
            model.answer((request,), lambda _, completion: put(completion), cancelled, put)

        async for said in from_thread(self._here(), answer):
            if not isinstance(said, str):
                yield said
            elif said.startswith(shown) and not said.endswith("\N{REPLACEMENT CHARACTER}"):
                yield said[len(shown) :]  # a letter of several tokens waits for its last one
                shown = said

    def _opened(self) -> loaded.LocalModel:
        if self._model is None:
            raise BackendError(f"{self._name} is not open")
        return self._model

    async def check(self) -> Health:
        """Verify the weights, load them and generate one token."""
        try:
            facts = await self.open()
            await self._here().run(lambda: self._cache.verify(self._weights.revision, self._name))
            _, completion = await anext(self.generate([_PROBE]))
        except BackendError as error:
            return Health(False, error.message, error.hint)
        if completion.outcome is Outcome.ERROR:
            return Health(False, completion.error or "the model does not answer")
        notes = (*self._notes.of_model(), *self._notes.of_usual_messages())
        answers = f"answers on {facts['device']} in {facts['dtype']}"
        return Health(True, "; note: ".join((answers, *notes)))

    async def close(self) -> None:
        """Release the model, giving the worker thread a moment to notice a cancellation."""
        patience_s = _PATIENCE_S if self._model else 0.0  # loading cannot be interrupted
        self._done = self.throughput
        self._model = None
        if self._worker is not None:
            await self._worker.stop(patience_s)

    def _here(self) -> Worker:
        """Return the worker of the model's device, which others may share."""
        if self._worker is None:
            self._worker = Worker(f"promptlab-hf-{self._device()}")
        return self._worker

    @cached_property
    def _weights(self) -> Weights:
        return find(self._name, self._options.revision, self._cache)

    @cached_property
    def _adapter(self) -> Adapter | None:
        folder = self._options.adapter
        return None if folder is None else find_adapter(folder, self._cache)

    @cached_property
    def _chat(self) -> chat.Chat:
        if self._adapter and self._adapter.tokenizer:
            path = self._adapter.tokenizer
        else:
            weights = self._weights
            path = weights.path or hub.download(self._name, weights.revision)
        extra.require()
        return chat.Chat(tokenizer.load_tokenizer(path), self._options.wishes)

    async def _folder(self) -> Path:
        """Return the folder of safetensors, converting or downloading it now if needed."""
        weights = self._weights
        if weights.path is None:
            place = f"promptlab-hub-{self._name}"
            return await run_apart(place, lambda: hub.download(self._name, weights.revision))
        if not weights.unconverted:
            return weights.path
        extra.require("gguf", "accelerate")
        name = self._name if weights.source == "package" else None
        return await convert_apart(
            Order(gguf=weights.path, source=weights.revision, model=name, cache=self._cache.folder)
        )

    def _load(self, folder: Path) -> loaded.LocalModel:
        options = self._options
        with extra.importing_torch(os.environ):
            setup = loaded.Setup(
                dtype=options.dtype,
                device=options.device,
                batch_size=options.batch_size,
                threads=options.threads,
                max_length=options.max_length,
                pack=options.pack,
                measurements=self._cache.speeds,
                adapter=self._adapter,
                accept=options.accept,
            )
            model = loaded.open_model(self._name, folder, self._chat, setup)
        if self._adapter and find_adapter(self._adapter.folder, self._cache) != self._adapter:
            raise BackendError(
                f"the adapter in {self._adapter.folder} changed while it was being loaded",
                hint="run again after its training has finished",
            )
        return model

    @staticmethod
    def _import_peft() -> None:
        with extra.importing_torch(os.environ):
            lora.VERSION  # noqa: B018 - the first use of a lazy module imports it


backend = HuggingFace
