"""Models and LoRA adapters in folders, as training tools leave them; random, and made with peft."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from promptlab.core.lazy import lazy_module

if TYPE_CHECKING:
    import peft
else:
    peft = lazy_module("peft")  # it takes seconds, which a worker without its tests need not spend


def write_model(folder: Path, model: Any, tokenizer: Any = None) -> Path:
    """Save a model, and a tokenizer if there is one."""
    model.save_pretrained(folder)
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)
    return folder


def write_adapter(folder: Path, model: Any, seed: int = 1, **config: Any) -> Path:
    """Save an adapter for the model, strong enough to change its answers; modifies `model`."""
    asked = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", **config}
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what peft says to those who train
        adapted = peft.get_peft_model(model, peft.LoraConfig(task_type="CAUSAL_LM", **asked))
        with torch.no_grad():
            for parameter in adapted.parameters():
                if parameter.requires_grad:
                    parameter.add_(0.3 * torch.randn_like(parameter))
        adapted.save_pretrained(folder)
    return folder


def with_peft(model: Any, folder: Path) -> Any:
    """Return the model with the adapter in it, as peft's own documentation loads it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return peft.PeftModel.from_pretrained(model, str(folder)).eval()


def edit_config(folder: Path, **changes: Any) -> None:
    """Change keys of an adapter's config."""
    file = folder / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_bytes()), **changes}), encoding="utf-8")
