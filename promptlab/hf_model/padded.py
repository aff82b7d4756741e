"""Answer prompts in padded batches, through transformers' own `generate`.

It takes every causal model, and is the way for those that cannot read packed steps.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import LogitsProcessorList, StoppingCriteriaList

from promptlab.capacity import Throughput
from promptlab.hf_model.answers import (
    NO_MEMORY,
    Answer,
    Emit,
    Prompt,
    end_tokens,
    is_out_of_memory,
    told,
)
from promptlab.hf_model.rows import Decode, Draw, Row, Stop
from promptlab.hf_model.step import Cancelled

ROWS = 16

# Of one batch with its answers: bounds its memory, and the time until a cancellation is seen.
_PADDED_TOKENS = 16_384
# What a model's authors set for sampling would warn about a greedy call, or cut our own draws.
_OURS = (
    *("do_sample", "temperature", "top_p", "top_k", "min_p", "typical_p", "num_beams"),
    *("epsilon_cutoff", "eta_cutoff", "num_return_sequences", "max_length", "max_new_tokens"),
    *("max_time", "stop_strings", "cache_implementation", "return_dict_in_generate"),
    *("output_scores", "output_logits"),
)


class Padded:
    """A loaded model that answers prompts in batches of up to `rows`."""

    def __init__(
        self,
        model: Any,
        decode: Decode,
        rows: int | None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.stats = Throughput()
        self._model = model
        self._clock = clock
        self._decode = decode
        self.rows = rows or ROWS
        self._cancelled = threading.Event()
        self._config = _greedy(model.generation_config)
        self._eos = end_tokens(model)
        if self._config.pad_token_id is None:
            self._config.pad_token_id = min(self._eos, default=0)
        model.generation_config = self._config  # `generate` fills gaps from it
        for module in model.modules():  # each a place where a long pass can be left
            module.register_forward_pre_hook(self._leave_if_cancelled)

    def generate(self, prompts: Sequence[Prompt], emit: Emit, cancelled: threading.Event) -> None:
        """Answer all prompts, longest first, telling `emit` each answer as soon as it ends."""
        self._cancelled = cancelled
        waiting = sorted(range(len(prompts)), key=lambda i: len(prompts[i].ids), reverse=True)
        limit = self.rows
        while waiting and not cancelled.is_set():
            size = min(limit, _affordable([prompts[i] for i in waiting[:limit]]))
            batch, waiting = waiting[:size], waiting[size:]
            left, error = self._answer(batch, prompts, emit)
            if left and error is None and size > 1:  # out of memory
                limit = size // 2
                waiting = left + waiting
                continue
            for index in left:
                emit(index, Answer(error=error or NO_MEMORY))

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
        except Exception as failure:  # noqa: BLE001 - a model's own code, like a plugin's
            error = None if is_out_of_memory(failure) else told(failure)
        self._count(prompts, batch, rows, self._clock() - started)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return [i for i, row in zip(batch, rows, strict=True) if row.finish is None], error

    def _count(
        self, prompts: Sequence[Prompt], batch: Sequence[int], rows: Sequence[Row], seconds: float
    ) -> None:
        ended = [i for i, row in zip(batch, rows, strict=True) if row.finish is not None]
        read = sum(len(prompts[i].ids) for i in ended)
        self.stats.prompt_tokens += read
        self.stats.read_tokens += read
        self.stats.said_tokens += sum(len(row.tokens) for row in rows)
        self.stats.seconds += seconds

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
