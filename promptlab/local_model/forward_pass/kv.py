"""Storage for keys and values: stores of rows and columns, on every layer of a model.

A column is one token. A store of one row holds a span that many prompts attend to; a store of
many rows holds the tokens that belong to each prompt alone. Knows tensors, not prompts.
"""

from __future__ import annotations

import math
import mmap
from collections import Counter
from dataclasses import dataclass

import torch

_PRIVATE: dict[str, int] = (
    {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
)


@dataclass(frozen=True, slots=True)
class Layer:
    """The shape of one layer's cache: the number of heads, and the width of a key and of a value.

    `window` is how many of the last tokens the layer attends to, the current one included; None
    for all.
    """

    heads: int
    key: int
    value: int
    window: int | None = None


@dataclass(frozen=True, slots=True)
class Geometry:
    """The shape of a model's whole cache."""

    layers: tuple[Layer, ...]
    dtype: torch.dtype
    device: torch.device

    @property
    def token_bytes(self) -> int:
        """Return the bytes that one token takes on all layers."""
        numbers = sum(layer.heads * (layer.key + layer.value) for layer in self.layers)
        return numbers * self.dtype.itemsize


class Store:
    """Keys and values of `rows` rows of `width` columns: per layer, [rows, heads, width, size].

    Columns that were never written hold zeros: masking a column works only if it is not NaN.
    """

    def __init__(self, geometry: Geometry, rows: int, width: int) -> None:
        self.geometry = geometry
        self.rows = rows
        self.width = width
        self._alike: list[torch.Tensor] = []  # [tensors, rows, heads, width, size]
        room = _zeros(self.bytes // geometry.dtype.itemsize, geometry)
        sizes = ((layer, size) for layer in geometry.layers for size in (layer.key, layer.value))
        shapes = [(layer.heads, size) for layer, size in sizes]
        unused = {}
        for (heads, size), count in Counter(shapes).items():
            shape = (count, rows, heads, width, size)
            block, room = room.tensor_split((math.prod(shape),))
            self._alike.append(block.view(shape))
            unused[heads, size] = iter(self._alike[-1])
        tensors = [next(unused[shape]) for shape in shapes]
        self.keys = tensors[::2]
        self.values = tensors[1::2]

    @property
    def bytes(self) -> int:
        """Return the size of the store in bytes."""
        return self.rows * self.width * self.geometry.token_bytes

    def copy(self, source: Store, rows: tuple[int, int], columns: tuple[int, int], to: int) -> None:
        """Copy columns of one row of a store into one of this store.

        Args:
            source: The store to copy from.
            rows: The source row and the target row.
            columns: The first source column, and the one after the last.
            to: The first target column.
        """
        source_row, target_row = rows
        first, stop = columns
        if stop <= first:
            return
        size = stop - first
        for new, old in zip(self._alike, source._alike, strict=True):
            new[:, target_row, :, to : to + size] = old[:, source_row, :, first:stop]

    def part(self, row: int, first: int, stop: int) -> Store:
        """Return a new store with some columns of one row."""
        new = Store(self.geometry, 1, stop - first)
        new.copy(self, (row, 0), (first, stop), 0)
        return new

    def clear(self, row: int) -> None:
        """Fill a row with zeros again."""
        for tensors in self._alike:
            tensors[:, row].zero_()

    def move(self, source: int, target: int, columns: int) -> None:
        """Copy the first columns of one row over those of another."""
        self.copy(self, (source, target), (0, columns), 0)


def _zeros(count: int, geometry: Geometry) -> torch.Tensor:
    if geometry.device.type != "cpu":
        return torch.zeros(count, dtype=geometry.dtype, device=geometry.device)
    # Straight from the system: it provides zeroed pages as they are touched and gets all of them
    # back, whereas a heap with stores of many sizes would grow.
    try:
        room = mmap.mmap(-1, count * geometry.dtype.itemsize, **_PRIVATE)
    except OSError as error:
        raise MemoryError from error
    return torch.frombuffer(room, dtype=geometry.dtype)
