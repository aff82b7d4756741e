"""What an engine is asked and what it says: prompts of token ids in, answers out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from promptlab.core.capacity import Throughput
from promptlab.core.types import Likelihood, Sampling


@dataclass(frozen=True, slots=True)
class Prompt:
    """The token ids of one prompt, and how to answer it.

    With a `continuation` nothing is generated: asked is how likely these tokens are after `ids`.
    One that is `followed` begins a later prompt.
    """

    ids: Sequence[int]
    sampling: Sampling
    continuation: Sequence[int] = ()
    followed: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said to one prompt; with `error` it said nothing.

    `tokens` counts what was generated, the end token included, padding not. `seconds` run from
    when the prompt was first read to its own end. `likelihood` is that of a continuation.
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
    """Something that answers up to `rows` prompts together: in packed steps, or padded batches."""

    stats: Throughput
    rows: int

    def generate(self, prompts: Sequence[Prompt], emit: Emit, cancelled: threading.Event) -> None:
        """Answer all prompts, in any order; return early once `cancelled` is set."""


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether an error says that memory ran out."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def told(error: Exception) -> str:
    """Return an error of a model's own code in one line."""
    return f"{type(error).__name__}: {error}"


def end_tokens(model: Any) -> frozenset[int]:
    """Return the tokens that end an answer of this model."""
    asked: int | Sequence[int] | None = model.generation_config.eos_token_id
    if asked is None:
        return frozenset()
    return frozenset([asked] if isinstance(asked, int) else asked)
