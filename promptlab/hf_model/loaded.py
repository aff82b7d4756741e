"""A model that is ready to answer: requests in, completions out, in the calling thread.

Brings together tokenizer, chat template and engine; knows no event loop and no place of weights.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import torch

from promptlab.capacity import Throughput
from promptlab.digest import seed_from
from promptlab.hf_model import linear
from promptlab.hf_model.answers import Answer, Prompt
from promptlab.hf_model.chat import Chat, ChatError
from promptlab.hf_model.engine import Engine
from promptlab.hf_model.llama import Llama
from promptlab.hf_model.loading import load_model, resolve_device
from promptlab.types import Completion, Json, Outcome, Request, Usage

Emit = Callable[[Request, Completion], None]


@dataclass(frozen=True, slots=True)
class Setup:
    """How a model is to be run."""

    dtype: str
    device: str
    batch_size: int | None
    threads: int | None
    max_length: int | None
    pack: linear.Packing
    measurements: Path  # the folder of those that tell whether packing pays


class LocalModel:
    """A loaded model under the name that its completions carry."""

    def __init__(self, name: str, chat: Chat, engine: Engine, facts: dict[str, Json]) -> None:
        self.facts = facts
        self._name = name
        self._chat = chat
        self._engine = engine

    @property
    def stats(self) -> Throughput:
        """Return what was done so far: tokens read, shared and said."""
        return self._engine.stats

    @property
    def note(self) -> str | None:
        """Say that the model is answered in padded batches, and why; None for packed steps."""
        reason = self._engine.note
        return None if reason is None else f"{self._name} runs in padded batches: {reason}"

    def answer(self, requests: Sequence[Request], emit: Emit, cancelled: threading.Event) -> None:
        """Answer every request once, in any order, or stop early once `cancelled` is set."""
        asked: list[Request] = []
        prompts: list[Prompt] = []
        for request in requests:
            try:
                prompt = self._prompt(request)
            except ChatError as error:
                emit(request, Completion(Outcome.ERROR, model=self._name, error=str(error)))
                continue
            asked.append(request)
            prompts.append(prompt)

        def answered(index: int, answer: Answer) -> None:
            emit(asked[index], self._completion(len(prompts[index].ids), answer))

        self._engine.generate(prompts, answered, cancelled)

    def _prompt(self, request: Request) -> Prompt:
        sampling = request.sampling
        if sampling.seed is None:  # the same request draws the same answer, whoever asks
            sampling = replace(sampling, seed=seed_from(request.key))
        return Prompt(self._chat.encode(request.messages), sampling)

    def _completion(self, input_tokens: int, answer: Answer) -> Completion:
        return Completion(
            outcome=_outcome(answer),
            text=answer.text,
            usage=Usage(input_tokens, None if answer.error else answer.tokens),
            latency_s=answer.seconds,
            model=self._name,
            finish_reason=answer.finish,
            error=answer.error,
        )


def open_model(name: str, folder: Path, chat: Chat, setup: Setup) -> LocalModel:
    """Load the model in `folder`."""
    if setup.threads is not None:
        torch.set_num_threads(setup.threads)
    device = resolve_device(setup.device)
    model = load_model(folder, setup.dtype, device)
    if model.generation_config.eos_token_id is None:
        model.generation_config.eos_token_id = chat.end_token
    packed = linear.pack(model, setup.pack, setup.measurements)
    engine = Engine(model, chat.decode, setup.batch_size, setup.max_length)
    facts: dict[str, Json] = {
        "device": device,
        "dtype": setup.dtype,
        "decoder": "promptlab" if isinstance(model, Llama) else "transformers",
        "batch_size": engine.batch_size,
        "batching": "packed" if engine.note is None else f"padded: {engine.note}",
        "packed_weights": packed,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "transformers": version("transformers"),
        "chat_template": chat.template_digest,
    }
    return LocalModel(name, chat, engine, facts)


def _outcome(answer: Answer) -> Outcome:
    if answer.error is not None:
        return Outcome.ERROR
    if answer.finish == "length":
        return Outcome.TRUNCATED
    return Outcome.OK if answer.text.strip() else Outcome.EMPTY
