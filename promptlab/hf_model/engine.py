"""Answer many prompts with one loaded model: batches, per-row ends, cancelling, lack of memory.

Knows token ids, not messages. Runs in one thread at a time.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import LogitsProcessorList, StoppingCriteriaList

from promptlab.hf_model.rows import Decode, Draw, Row, Stop
from promptlab.types import Sampling

# Of one batch with its answers: bounds its memory, and the time until a cancellation is seen.
_PADDED_TOKENS = 16_384
# What a model's authors set for sampling would warn about a greedy call, or cut our own draws.
_OURS = (
    *("do_sample", "temperature", "top_p", "top_k", "min_p", "typical_p", "num_beams"),
    *("epsilon_cutoff", "eta_cutoff", "num_return_sequences", "max_length", "max_new_tokens"),
    *("max_time", "stop_strings", "cache_implementation", "return_dict_in_generate"),
    *("output_scores", "output_logits"),
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """The token ids of one prompt, and how to answer it."""

    ids: Sequence[int]
    sampling: Sampling


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said to one prompt; with `error` it said nothing.

    `tokens` counts what was generated, the end token included, padding not. `seconds` run from
    the start of the prompt's batch to its own end.
    """

    text: str = ""
    tokens: int = 0
    finish: str | None = None
    seconds: float | None = None
    error: str | None = None


Emit = Callable[[int, Answer], None]


class Cancelled(Exception):
    """Raised inside the model's forward pass to leave it at once."""


class Engine:
    """A loaded model that answers prompts in batches of up to `batch_size`."""

    def __init__(
        self,
        model: Any,
        decode: Decode,
        batch_size: int,
        max_length: int | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._model = model
        self._clock = clock
        self._decode = decode
        self._batch_size = batch_size
        self._cancelled = threading.Event()
        self._config = _greedy(model.generation_config)
        self._eos = _eos(self._config.eos_token_id)
        if self._config.pad_token_id is None:
            self._config.pad_token_id = min(self._eos, default=0)
        model.generation_config = self._config  # `generate` fills gaps from it
        self._context = _context(model.config, max_length)
        for module in model.modules():  # each a place where a long pass can be left
            module.register_forward_pre_hook(self._leave_if_cancelled)

    @property
    def context(self) -> int | None:
        """Return how many tokens prompt and answer may have together, None if not known."""
        return self._context

    def generate(self, prompts: Sequence[Prompt], emit: Emit, cancelled: threading.Event) -> None:
        """Answer all prompts, longest first, telling `emit` each answer as soon as it ends.

        Returns early, with the rest unanswered, once `cancelled` is set.
        """
        self._cancelled = cancelled
        waiting = [i for i, prompt in enumerate(prompts) if self._fits(i, prompt, emit)]
        waiting.sort(key=lambda i: len(prompts[i].ids), reverse=True)
        limit = self._batch_size
        while waiting and not cancelled.is_set():
            size = min(limit, _affordable([prompts[i] for i in waiting[:limit]]))
            batch, waiting = waiting[:size], waiting[size:]
            left, error = self._answer(batch, prompts, emit)
            if left and error is None and size > 1:  # out of memory
                limit = size // 2
                waiting = left + waiting
                continue
            for index in left:
                emit(index, Answer(error=error or "out of memory, even with this prompt alone"))

    def _fits(self, index: int, prompt: Prompt, emit: Emit) -> bool:
        asked = len(prompt.ids) + prompt.sampling.max_tokens
        if self._context is None or asked <= self._context:
            return True
        emit(
            index,
            Answer(
                error=(
                    f"the prompt has {len(prompt.ids)} tokens and the answer may have "
                    f"{prompt.sampling.max_tokens}, but the model's context is {self._context}"
                )
            ),
        )
        return False

    def _answer(
        self, batch: Sequence[int], prompts: Sequence[Prompt], emit: Emit
    ) -> tuple[list[int], str | None]:
        """Answer one batch. Return what is left of it, and the error unless memory ran out."""
        rows = [Row(prompts[i].sampling, self._eos, self._decode) for i in batch]
        started = self._clock()

        def done(row: int) -> None:
            said, seconds = rows[row], self._clock() - started
            emit(batch[row], Answer(said.text(), len(said.tokens), said.finish, seconds))

        error = None
        try:
            self._run([prompts[i].ids for i in batch], rows, done)
        except Cancelled:
            return [], None
        except MemoryError:
            pass
        except Exception as failure:  # noqa: BLE001 - a model's own code, like a plugin's
            if not _is_out_of_memory(failure):
                error = f"{type(failure).__name__}: {failure}"
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return [i for i, row in zip(batch, rows, strict=True) if row.finish is None], error

    def _run(
        self, prompts: Sequence[Sequence[int]], rows: list[Row], done: Callable[[int], None]
    ) -> None:
        config = copy.copy(self._config)
        config.max_new_tokens = max(row.sampling.max_tokens for row in rows)
        ids, mask = _padded(prompts, config.pad_token_id)
        with torch.inference_mode():
            self._model.generate(
                ids.to(self._model.device),
                attention_mask=mask.to(self._model.device),
                generation_config=config,
                logits_processor=LogitsProcessorList([Draw(rows)]),
                stopping_criteria=StoppingCriteriaList([Stop(rows, done)]),
            )

    def _leave_if_cancelled(self, *_: object) -> None:
        if self._cancelled.is_set():
            raise Cancelled


def _affordable(prompts: Sequence[Prompt]) -> int:
    """Return how many of the prompts, longest first, fit into one batch, at least one."""
    longest = len(prompts[0].ids)
    answer = 0
    for count, prompt in enumerate(prompts):
        answer = max(answer, prompt.sampling.max_tokens)
        if (count + 1) * (longest + answer) > _PADDED_TOKENS:
            return max(1, count)
    return len(prompts)


def _padded(prompts: Sequence[Sequence[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and attention mask, padded on the left so that all answers start together."""
    width = max(map(len, prompts))
    ids = [[pad] * (width - len(row)) + list(row) for row in prompts]
    mask = [[0] * (width - len(row)) + [1] * len(row) for row in prompts]
    return torch.tensor(ids), torch.tensor(mask)


def _greedy(config: Any) -> Any:
    config = copy.deepcopy(config)
    for name in _OURS:
        setattr(config, name, None)
    return config


def _eos(asked: int | Sequence[int] | None) -> frozenset[int]:
    if asked is None:
        return frozenset()
    return frozenset([asked] if isinstance(asked, int) else asked)


def _context(config: Any, max_length: int | None) -> int | None:
    own = getattr(config.get_text_config(), "max_position_embeddings", None)
    return min((n for n in (own, max_length) if n is not None), default=None)


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
