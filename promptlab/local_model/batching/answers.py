"""The engine's input and output: prompts of token ids in, answers out."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from promptlab.core.capacity import Throughput
from promptlab.core.types import Likelihood, Sampling

Heard = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Prompt:
    """The token ids of a prompt, and how to answer it.

    With a `continuation` nothing is generated: the answer is how likely these tokens are after
    `ids`. A prompt that is `followed` is the beginning of a later one. `heard` is given the answer
    so far, token by token, from the thread that computes.
    """

    ids: Sequence[int]
    sampling: Sampling
    continuation: Sequence[int] = ()
    followed: bool = False
    heard: Heard | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The model's answer to one prompt; with `error` there is none.

    `tokens` counts what was generated, including the end token but not padding. `seconds` is the
    time from first reading the prompt to the end of its answer. `likelihood` is that of a
    continuation.
    """

    text: str = ""
    tokens: int = 0
    finish: str | None = None
    seconds: float | None = None
    error: str | None = None
    likelihood: Likelihood | None = None


Emit = Callable[[int, Answer], None]
NO_MEMORY = "out of memory, even with this prompt alone"


class Generator(Protocol):
    """Answers up to `rows` prompts together, in packed steps or padded batches."""

    stats: Throughput
    rows: int

    def generate(self, prompts: Sequence[Prompt], emit: Emit, cancelled: threading.Event) -> None:
        """Answer all prompts, in any order; return early once `cancelled` is set."""


def weighed(likelihood: Likelihood, seconds: float) -> Answer:
    """Return the likelihood of a continuation as the answer, unless it is not a finite number."""
    if math.isfinite(likelihood.logprob):
        return Answer(seconds=seconds, likelihood=likelihood)
    error = f"the model's log-probability of an answer is {likelihood.logprob}"
    return Answer(seconds=seconds, error=error)


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error means that memory ran out."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def describe_error(error: Exception) -> str:
    """Describe an error of a model's own code in one line."""
    return f"{type(error).__name__}: {error}"


def end_tokens(model: Any) -> frozenset[int]:
    """Return the tokens that a model's settings, of whatever file, name as the end of an answer."""
    configs = (model.generation_config, model.config, model.config.get_text_config())
    named = [getattr(config, "eos_token_id", None) for config in configs]
    ids = (each for value in named for each in (value if isinstance(value, list) else [value]))
    return frozenset(each for each in ids if isinstance(each, int))
