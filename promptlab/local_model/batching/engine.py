"""Answer many prompts with one loaded model, as fast as possible and as if each were alone.

A model whose attention can be replaced reads packed steps: common prefixes are read once, nothing
is padded, and prompts come and go one by one. Any other model gets padded batches, and `note` says
why. Knows token ids, not messages. Runs in one thread at a time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from promptlab.core.capacity import Throughput
from promptlab.core.lazy import lazy_module
from promptlab.local_model.batching.answers import Answer, Emit, Generator, Prompt
from promptlab.local_model.batching.packed import Packed
from promptlab.local_model.batching.rows import Decode
from promptlab.local_model.forward_pass.kv import Geometry
from promptlab.local_model.forward_pass.llama import Llama

if TYPE_CHECKING:
    from promptlab.local_model.batching import fitness, padded
else:
    fitness = lazy_module("promptlab.local_model.batching.fitness")
    padded = lazy_module("promptlab.local_model.batching.padded")


class Engine:
    """A loaded model that answers up to `batch_size` prompts together.

    `note` says why a model cannot read packed steps; None if it can.
    """

    def __init__(
        self,
        model: Any,
        decode: Decode,
        batch_size: int | None = None,
        max_length: int | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._context = _context(model.config, max_length)
        self._vocabulary: int = model.get_input_embeddings().weight.shape[0]
        self._decode = decode
        geometry = model.geometry if isinstance(model, Llama) else fitness.fitness(model)
        self.note: str | None = None
        self._generator: Generator
        if isinstance(geometry, Geometry):
            self._generator = Packed(model, geometry, decode, batch_size, clock)
        else:
            self.note = geometry.reason
            self._generator = padded.Padded(model, decode, batch_size, clock)
        self.batch_size = self._generator.rows

    @property
    def context(self) -> int | None:
        """Return the maximum number of tokens of prompt and answer together, None if unknown."""
        return self._context

    @property
    def stats(self) -> Throughput:
        """Return the work done so far."""
        return self._generator.stats

    def generate(self, prompts: Sequence[Prompt], emit: Emit, cancelled: threading.Event) -> None:
        """Answer all prompts, passing each answer to `emit` as soon as it ends.

        Returns early, with the rest unanswered, once `cancelled` is set.
        """
        fitting: list[int] = []
        for index, prompt in enumerate(prompts):
            if (error := self._unfit(prompt)) is not None:
                emit(index, Answer(error=error))
            else:
                fitting.append(index)
        accepted = [prompts[index] for index in fitting]
        self._generator.generate(accepted, lambda i, answer: emit(fitting[i], answer), cancelled)

    def _unfit(self, prompt: Prompt) -> str | None:
        """Return why the model cannot read a prompt, before others would suffer from it."""
        if not prompt.ids:
            return "the prompt has no tokens"
        if (largest := max(*prompt.ids, *prompt.continuation, 0)) >= self._vocabulary:
            return (
                f"the prompt holds token {largest} ({self._decode([largest])!r}),"
                f" but the model's vocabulary ends at {self._vocabulary - 1}"
            )
        return self._too_long(prompt)

    def _too_long(self, prompt: Prompt) -> str | None:
        given = len(prompt.continuation)
        # The last token of a continuation is not read.
        more = given - 1 if given else prompt.sampling.max_tokens
        if self._context is None or len(prompt.ids) + more <= self._context:
            return None
        answer = f"continuation has {given}" if given else f"answer may have {more}"
        return (
            f"the prompt has {len(prompt.ids)} tokens and the {answer}, "
            f"but the model's context is {self._context}"
        )


def _context(config: Any, max_length: int | None) -> int | None:
    own = getattr(config.get_text_config(), "max_position_embeddings", None)
    return min((n for n in (own, max_length) if n is not None), default=None)
