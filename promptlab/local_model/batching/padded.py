"""Answer prompts in padded batches, through transformers' own `generate`.

Works with every causal model; used for those that cannot read packed steps. Continuations are
weighed in one plain forward pass over each batch.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import LogitsProcessorList, StoppingCriteriaList

from promptlab.core.capacity import Throughput
from promptlab.local_model.batching.answers import (
    NO_MEMORY,
    Answer,
    Emit,
    Prompt,
    describe_error,
    end_tokens,
    is_out_of_memory,
    weighed,
)
from promptlab.local_model.batching.rows import Decode, Draw, Row, Stop
from promptlab.local_model.forward_pass.step import Cancelled
from promptlab.local_model.forward_pass.weigh import (
    Weighing,
    affordable_logits,
    picks_logits,
    weigh_padded,
)

ROWS = 16

# Tokens of a batch with its answers: limits its memory, and the delay until it is cancelled.
_PADDED_TOKENS = 16_384
_LOGIT_BYTES = 2**28
# Sampling settings of a model's authors, which would cause warnings or limit our own sampling.
_OURS = (
    *("do_sample", "temperature", "top_p", "top_k", "min_p", "typical_p", "num_beams"),
    *("epsilon_cutoff", "eta_cutoff", "num_return_sequences", "max_length", "max_new_tokens"),
    *("max_time", "stop_strings", "cache_implementation", "return_dict_in_generate"),
    *("output_scores", "output_logits", "remove_invalid_values", "renormalize_logits"),
)

_Answering = Callable[[Sequence[int], Sequence[Prompt], Emit], tuple[list[int], str | None]]


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
        self._logits = affordable_logits(model, _LOGIT_BYTES)
        self._picks = picks_logits(model)
        self._config = _greedy(model.generation_config)
        self._eos = end_tokens(model)
        if self._config.pad_token_id is None:
            self._config.pad_token_id = min(self._eos, default=0)
        model.generation_config = self._config  # `generate` fills gaps from it
        for module in model.modules():  # each is a point where a long pass can be left
            module.register_forward_pre_hook(self._leave_if_cancelled)

    def generate(self, prompts: Sequence[Prompt], emit: Emit, cancelled: threading.Event) -> None:
        """Answer all prompts, longest first, passing each answer to `emit` as soon as it ends."""
        self._cancelled = cancelled
        longest = sorted(range(len(prompts)), key=lambda i: len(prompts[i].ids), reverse=True)
        generating = [i for i in longest if not prompts[i].continuation]
        given = [i for i in longest if prompts[i].continuation]
        self._all(generating, prompts, self._answer, emit)
        self._all(given, prompts, self._weigh, emit)

    def _all(
        self, waiting: Sequence[int], prompts: Sequence[Prompt], answer: _Answering, emit: Emit
    ) -> None:
        """Answer all prompts; those of a batch that fails are tried again in ever smaller parts."""
        limit = self.rows
        parts = [waiting] if waiting else []
        while parts and not self._cancelled.is_set():
            part = parts.pop()
            size = min(limit, self._affordable([prompts[i] for i in part[:limit]]))
            rest = part[size:]
            left, error = answer(part[:size], prompts, emit)
            if left and error is None and size > 1:  # out of memory
                limit = size // 2
                parts += [[*left, *rest]]
                continue
            if left and size > 1:
                half = (len(left) + 1) // 2
                parts += [each for each in (rest, left[half:], left[:half]) if each]
                continue
            parts += [rest] if rest else []
            for index in left:
                emit(index, Answer(error=error or NO_MEMORY))

    def _answer(
        self, batch: Sequence[int], prompts: Sequence[Prompt], emit: Emit
    ) -> tuple[list[int], str | None]:
        """Answer one batch. Return what is unanswered, and the error unless memory ran out."""
        rows = [Row(prompts[i].sampling, self._eos, self._decode, prompts[i].heard) for i in batch]
        started = self._clock()

        def done(row: int) -> None:
            emit(batch[row], rows[row].answer(self._clock() - started))

        error = None
        try:
            self._run([prompts[i].ids for i in batch], rows, done)
        except Cancelled:
            return [], None
        except Exception as failure:  # noqa: BLE001 - a model's own code, like a plugin's
            error = None if is_out_of_memory(failure) else describe_error(failure)
        ended = [i for i, row in zip(batch, rows, strict=True) if row.finish is not None]
        self._count(sum(len(prompts[i].ids) for i in ended), started)
        self.stats.output_tokens += sum(len(row.tokens) for row in rows)
        return [i for i, row in zip(batch, rows, strict=True) if row.finish is None], error

    def _weigh(
        self, batch: Sequence[int], prompts: Sequence[Prompt], emit: Emit
    ) -> tuple[list[int], str | None]:
        """Weigh the continuations of one batch. Return the same."""
        weighings = [Weighing(prompts[i].continuation) for i in batch]
        pairs = [(prompts[i].ids, weighing) for i, weighing in zip(batch, weighings, strict=True)]
        started = self._clock()
        try:
            with torch.inference_mode():
                weigh_padded(self._model, pairs, self._config.pad_token_id)
        except Cancelled:
            return [], None
        except Exception as failure:  # noqa: BLE001 - a model's own code, like a plugin's
            self._count(0, started)
            return list(batch), None if is_out_of_memory(failure) else describe_error(failure)
        read = sum(len(ids) + len(weighing.tokens) - 1 for ids, weighing in pairs)
        seconds = self._count(read, started)
        for index, weighing in zip(batch, weighings, strict=True):
            emit(index, weighed(weighing.likelihood(), seconds))
        return [], None

    def _count(self, read: int, started: float) -> float:
        """Count the tokens that a batch read successfully; return how long it took."""
        seconds = self._clock() - started
        self.stats.prompt_tokens += read
        self.stats.read_tokens += read
        self.stats.seconds += seconds
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return seconds

    def _run(
        self, prompts: Sequence[Sequence[int]], rows: list[Row], done: Callable[[int], None]
    ) -> None:
        config = copy.copy(self._config)
        config.max_new_tokens = max(row.sampling.max_tokens for row in rows)
        ids, mask = _padded(prompts, config.pad_token_id)
        draw = Draw(rows)
        with torch.inference_mode():
            self._model.generate(
                ids.to(self._model.device),
                attention_mask=mask.to(self._model.device),
                generation_config=config,
                logits_processor=LogitsProcessorList([draw]),
                stopping_criteria=StoppingCriteriaList([Stop(rows, draw, done)]),
            )

    def _affordable(self, prompts: Sequence[Prompt]) -> int:
        """Return how many of the prompts, longest first, fit into one batch; at least one."""
        longest = len(prompts[0].ids)
        further = 0
        for count, prompt in enumerate(prompts):
            given = len(prompt.continuation)
            further = max(further, given or prompt.sampling.max_tokens)
            unasked = len(prompt.ids) - 1 if self._picks else 0
            logits = longest + further - unasked if given else 0
            full = (count + 1) * (longest + further) > _PADDED_TOKENS
            if full or (count + 1) * logits > self._logits:
                return max(1, count)
        return len(prompts)

    def _leave_if_cancelled(self, *_: object) -> None:
        if self._cancelled.is_set():
            raise Cancelled


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
