"""Linear layers with weights in oneDNN's layout: the same product, faster on some machines.

PyTorch's own float32 kernel is written for one vendor's processors; on others it runs at less than
half the speed that oneDNN reaches with weights rearranged beforehand. Which is faster here is
measured once, at the model's own shapes, and cached. Knows layers, not models' names.
"""

from __future__ import annotations

import json
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from torch.nn.functional import linear

from promptlab.core.digest import TAG, digest_json

Packing = Literal["auto", "on", "off"]

_ROWS = (8, 64, 256)  # a few answers, many answers, reading
_LEAST_GAIN = 1.1
_SECONDS = 0.02  # for each measurement
_HINT = 256  # rows for which oneDNN arranges the weights
_CONV1D = "transformers.pytorch_utils.Conv1D"  # by name, as importing it takes a second
_CPUINFO = Path("/proc/cpuinfo")


class PackedLinear(nn.Linear):
    """A linear layer with rearranged weights only; they are not parameters."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        nn.Module.__init__(self)
        self.out_features, self.in_features = weight.shape
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), _HINT)
        self.bias = bias  # type: ignore[assignment] # a tensor; a layer made for training has more

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x @ weight.T + bias."""
        packed: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
            x, self.weight, self.bias, "none", [], ""
        )
        return packed


def pack(model: Any, packing: Packing, memory: Path) -> bool:
    """Rearrange the weights of a model on a CPU, if requested or faster.

    Args:
        model: The model; its linear layers are replaced in place.
        packing: `auto` measures; `on` and `off` do not.
        memory: The folder of cached measurements.

    Returns:
        Whether the weights were rearranged.
    """
    if packing == "off" or not _can(model):
        return False
    if packing == "auto" and _gain(model, memory) < _LEAST_GAIN:
        return False
    if packing == "on" and not _calls_its_layers(model):
        return False
    for parent, name, weight, bias in list(_layers(model)):
        setattr(parent, name, PackedLinear(weight, bias))
    with torch.no_grad():
        for (
            parameter
        ) in model.parameters():  # one view of the mapped file would keep all of it in memory
            parameter.data = parameter.data.clone()
    return True


def _can(model: Any) -> bool:
    available: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if model.device.type != "cpu" or not available:
        return False
    if model.dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return bool(model.dtype == torch.float32)


def _layers(
    model: Any,
) -> Iterator[tuple[nn.Module, str, torch.Tensor, torch.Tensor | None]]:
    """Yield the linear layers: parent, name, weight [out, in] and bias."""
    for parent in model.modules():
        for name, child in parent.named_children():
            bias = child.bias.data if getattr(child, "bias", None) is not None else None
            if type(child) is nn.Linear:
                yield parent, name, child.weight.data, bias
            elif f"{type(child).__module__}.{type(child).__qualname__}" == _CONV1D:
                yield parent, name, child.weight.data.T, bias


def _calls_its_layers(model: Any) -> bool:
    """Try one layer of each kind: some models read a layer's weights and compute on their own."""
    kinds = {
        (type(parent), name): (parent, weight, bias)
        for parent, name, weight, bias in _layers(model)
    }
    before = [(parent, name, getattr(parent, name)) for (_, name), (parent, *_) in kinds.items()]
    for (_, name), (parent, weight, bias) in kinds.items():
        setattr(parent, name, PackedLinear(weight, bias))
    try:
        with torch.inference_mode():
            model(input_ids=torch.tensor([[0]]))
    except Exception:  # noqa: BLE001 - a model's own code, like a plugin's
        return False
    finally:
        for parent, name, layer in before:
            setattr(parent, name, layer)
    return True


def _gain(model: Any, memory: Path) -> float:
    """Return how many times faster the packed layers are; 0 if the model would not use them.

    Measured once for each machine, model class and shapes.
    """
    weights = [weight for _, _, weight, _ in _layers(model)]
    if not weights:
        return 1.0
    shapes = Counter(tuple(weight.shape) for weight in weights)
    about = [
        _processor(), torch.__version__, torch.get_num_threads(), str(model.dtype),
        version("transformers"), type(model).__qualname__,
        sorted([*shape, count] for shape, count in shapes.items()),
    ]  # fmt: skip
    file = memory / f"{digest_json(about).removeprefix(TAG)}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        return float(json.loads(file.read_bytes())["gain"])
    gain = 0.0
    if _calls_its_layers(model):
        gain = _measured({tuple(weight.shape): weight for weight in weights}, shapes)
    with suppress(OSError):  # a cache that cannot be written only costs time
        memory.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"gain": gain, "about": about}), encoding="utf-8")
    return gain


def _measured(examples: dict[tuple[int, ...], torch.Tensor], shapes: Counter[Any]) -> float:
    plain = packed = 0.0
    with torch.inference_mode():
        for shape, weight in examples.items():
            layer = PackedLinear(weight, None)
            for rows in _ROWS:
                x = torch.ones(rows, shape[1], dtype=weight.dtype)
                share = shapes[shape] / rows  # a token costs as much in each kind of step
                plain += share * _seconds(partial(linear, x, weight))
                packed += share * _seconds(partial(layer, x))
    return plain / packed


def _seconds(call: Callable[[], object]) -> float:
    """Return the least time that a call takes."""
    call()
    times: list[float] = []
    end = time.perf_counter() + _SECONDS
    while len(times) < 3 or time.perf_counter() < end:
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return min(times)


def _processor() -> str:
    """Return the processor's name, as far as the system reports it."""
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    pairs = dict(line.split(":", 1) for line in lines if ":" in line)
    fields = {name.strip(): value.strip() for name, value in pairs.items()}
    names = ("vendor_id", "model name", "cpu family", "model", "flags", "Features")
    return " ".join(fields.get(name, "") for name in names)
