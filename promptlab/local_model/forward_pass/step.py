"""One forward pass over many prompts at once: which tokens, where their keys and values go, and
what each attends to.

The tokens of a step form one row without padding. Each is written to a column of a store; each
attends to columns of its own row (`Causal` while a prompt is read, `Rows` while answers are
generated), and to shared or earlier columns (`Part`). Knows tensors, not prompts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from promptlab.local_model.forward_pass.kv import Geometry, Store


class Cancelled(Exception):
    """Raised inside the model's forward pass to leave it at once."""


@dataclass(frozen=True, slots=True)
class Write:
    """Tokens (None: all, in order) and the rows and columns of a store that they are written to."""

    store: Store
    rows: torch.Tensor
    columns: torch.Tensor
    tokens: torch.Tensor | None


@dataclass(frozen=True, slots=True)
class Causal:
    """Runs of tokens of similar length, each of which attends only to itself.

    `index` [runs, longest] holds the tokens of each run, padded at the end; `tokens` lists them
    run after run, and `places` gives their positions in the flattened `index`.
    """

    index: torch.Tensor
    tokens: torch.Tensor
    places: torch.Tensor


@dataclass(frozen=True, slots=True)
class Rows:
    """Single tokens, each of which attends to the columns of its own row of a store.

    Row i belongs to token `tokens[i]` and has `lengths[i]` columns, the token's own included;
    `width` is the greatest of these lengths.
    """

    store: Store
    tokens: torch.Tensor
    lengths: torch.Tensor
    width: int


@dataclass(frozen=True, slots=True)
class Part:
    """Tokens `first` to `last` attend to columns `begin` to `end` of one row of a store.

    `position` is the position of column `begin` in each prompt. The columns of the parts `above`
    are attended to at the same time: each ends where the next begins, the last at `position`.
    """

    first: int
    last: int
    store: Store
    row: int
    begin: int
    end: int
    position: int
    above: tuple[Part, ...] = ()

    @property
    def start(self) -> int:
        """Return the position of the first column."""
        return self.above[0].position if self.above else self.position

    @property
    def stop(self) -> int:
        """Return the position after the last column."""
        return self.position + self.end - self.begin

    def columns(self, layer: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return keys and values [heads, columns, size] of a layer."""
        parts = (*self.above, self)
        keys = [part.store.keys[layer][part.row, :, part.begin : part.end] for part in parts]
        values = [part.store.values[layer][part.row, :, part.begin : part.end] for part in parts]
        if not self.above:
            return keys[0], values[0]
        return torch.cat(keys, 1), torch.cat(values, 1)


@dataclass(slots=True)
class Step:
    """Everything about one forward pass. `keep` lists the tokens whose logits are needed."""

    ids: Sequence[int]
    positions: Sequence[int]
    keep: Sequence[int]
    writes: list[Write] = field(default_factory=list)
    causal: list[Causal] = field(default_factory=list)
    rows: list[Rows] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    masks: dict[Any, torch.Tensor | None] = field(default_factory=dict)

    def mask(self, key: Any, make: Callable[[], torch.Tensor | None]) -> torch.Tensor | None:
        """Return a mask that several layers share, created once."""
        if key not in self.masks:
            self.masks[key] = make()
        return self.masks[key]


class StepCache:
    """Stands in for the model's cache: puts keys and values where the step wants them.

    `layer` is the layer that was updated last.
    """

    def __init__(self, step: Step, geometry: Geometry, cancelled: threading.Event) -> None:
        self.step = step
        self.geometry = geometry
        self.layer = 0
        self._cancelled = cancelled

    def update(
        self,
        key_states: torch.Tensor,
        value_states: torch.Tensor,
        layer_idx: int,
        *_: object,
        **__: object,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Store a layer's keys and values [1, heads, tokens, size], and return them."""
        if self._cancelled.is_set():
            raise Cancelled
        self.layer = layer_idx
        keys, values = key_states[0].transpose(0, 1), value_states[0].transpose(0, 1)
        for write in self.step.writes:
            for store, new in ((write.store.keys, keys), (write.store.values, values)):
                kept = store[layer_idx]
                chosen = new if write.tokens is None else new.index_select(0, write.tokens)
                kept[write.rows, :, write.columns] = chosen.to(kept.dtype)
        return key_states, value_states

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Return 0: every token's position is passed explicitly."""
        return 0
