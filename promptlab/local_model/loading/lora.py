"""Put a LoRA adapter into a loaded model with peft, and report failures in one line.

The layers that it changes are wrapped: their own weights, which others may share, stay unchanged.
Knows the model only as a tree of modules.
"""

from __future__ import annotations

import warnings
from typing import Any

import peft
from safetensors import safe_open
from transformers.pytorch_utils import Conv1D

from promptlab.core.errors import BackendError
from promptlab.local_model.batching.answers import describe_error, is_out_of_memory
from promptlab.local_model.files.adapter import WEIGHTS, Adapter

VERSION: str = peft.__version__
_NAME = "default"  # peft's own name for an unnamed adapter
_SHOWN = 1


def change_of_base(adapter: Adapter) -> str | None:
    """Describe how the adapter changes its base's weights; None if it only adds its own."""
    if adapter.changes is not None:
        return f"it sets {adapter.changes}"
    try:
        with safe_open(adapter.folder / WEIGHTS, framework="pt") as file:
            keys = list(file.keys())
            broken = [key for key in keys if not file.get_tensor(key).isfinite().all()]
    except Exception as error:  # a bad file makes this library raise anything
        raise _unreadable(adapter, error) from error
    if broken:
        raise BackendError(
            f"the adapter in {adapter.folder} is unusable: {broken[0]} has NaN or infinite values",
            hint="its training diverged, or the file is damaged",
        )
    whole = [key for key in keys if ".lora_" not in key]
    return f"it holds {whole[0]}" if whole else None


def attach(model: Any, adapter: Adapter) -> Any:
    """Return the model with the adapter in it; `model` itself is changed.

    Raises:
        BackendError: The adapter was made for another base, or its files are damaged.
    """
    transposed = any(isinstance(module, Conv1D) for module in model.modules())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they concern training, or lead to an error here
            config = peft.LoraConfig(
                **adapter.settings,
                init_lora_weights=False,
                fan_in_fan_out=transposed,
                inference_mode=True,
            )
            adapted = peft.PeftModel(model, config, _NAME)
            loaded = adapted.load_adapter(str(adapter.folder), _NAME, torch_device="cpu")
    except Exception as error:  # a bad file makes these libraries raise anything
        if is_out_of_memory(error) or not isinstance(error, ValueError | RuntimeError | KeyError):
            raise _unreadable(adapter, error) from error
        raise _unfit(adapter, _reason(error)) from error
    if loaded.unexpected_keys:
        raise _unfit(adapter, f"the model has no place for {_some(loaded.unexpected_keys)}")
    if loaded.missing_keys:
        raise _unfit(adapter, f"it lacks {_some(loaded.missing_keys)}")
    return adapted.get_base_model().eval()


def _reason(error: Exception) -> str:
    """Return the most informative line of an error; the first of many is a heading."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[min(1, len(lines) - 1)] if lines else type(error).__name__


def _some(keys: list[str]) -> str:
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return ", ".join(keys[:_SHOWN]) + more


def _unfit(adapter: Adapter, reason: str) -> BackendError:
    base = f"it was made for {adapter.base}" if adapter.base else "set `model` to its base"
    return BackendError(
        f"the adapter in {adapter.folder} does not fit the model: {reason}", hint=base
    )


def _unreadable(adapter: Adapter, error: Exception) -> BackendError:
    reason = next(iter(describe_error(error).splitlines()))
    return BackendError(f"cannot load the adapter in {adapter.folder}: {reason}")
