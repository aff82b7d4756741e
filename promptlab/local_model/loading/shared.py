"""Weights loaded once for all backends of a process that use the same base.

Each backend gets its own tree of modules over the same tensors, so an adapter, hook or setting of
one does not affect the others, and they need not take turns. The tensors are freed with the last
of them.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import torch

from promptlab.local_model.files.weights import fingerprint
from promptlab.local_model.loading import linear
from promptlab.local_model.loading.loading import load_model


class Base:
    """A loaded model that is never run itself; `packed` is whether its weights are rearranged."""

    def __init__(self, model: Any, packed: bool) -> None:
        self.packed = packed
        self._model = model

    def model(self) -> Any:
        """Return a separate model over the shared tensors. Keep the base alive as long as it."""
        shared: dict[int, Any] = {id(tensor): tensor for tensor in _weights(self._model)}
        return copy.deepcopy(self._model, shared)


_BASES: WeakValueDictionary[tuple[object, ...], Base] = WeakValueDictionary()
_LOADING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Making:
    """How a base is made of its files; `unused` means that these may hold more than it needs."""

    dtype: str
    device: str
    packing: linear.Packing
    unused: bool = False


def load_base(folder: Path, made: Making, measurements: Path) -> Base:
    """Return the base in this folder, loading it unless a backend already has it."""
    threads = torch.get_num_threads()  # whether packing pays depends on them
    key = (folder.resolve(), fingerprint(folder), made, threads)
    with _LOADING:
        base = _BASES.get(key)
        if base is None:
            model = load_model(folder, made.dtype, made.device, unused=made.unused)
            base = _BASES[key] = Base(model, linear.pack(model, made.packing, measurements))
        return base


def _weights(model: Any) -> Iterator[torch.Tensor]:
    """Yield every tensor that is only read; in some models, buffers are written."""
    yield from model.parameters()
    for module in model.modules():
        if isinstance(module, linear.PackedLinear):
            yield module.weight
            if module.bias is not None:
                yield module.bias
