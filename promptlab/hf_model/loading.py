"""Load tokenizers and models with transformers: quietly, from this machine, running no code of
theirs. Paths in, objects out; where the weights come from is not known here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from promptlab.errors import BackendError

_SAFE = {"trust_remote_code": False, "local_files_only": True}

logging.set_verbosity_error()
logging.disable_progress_bar()


def load_tokenizer(path: Path) -> Any:
    """Load the tokenizer of a model folder or of a GGUF file."""
    try:
        return AutoTokenizer.from_pretrained(**_source(path), **_SAFE)
    except Exception as error:  # a bad file makes these libraries raise anything
        raise _unreadable("tokenizer", path, error) from error


def load_model(path: Path, dtype: str, device: str) -> Any:
    """Load the model in a folder (or, slowly, in a GGUF file), ready to answer on `device`."""
    safe = _SAFE if path.suffix == ".gguf" else {**_SAFE, "use_safetensors": True}
    try:
        model = AutoModelForCausalLM.from_pretrained(
            **_source(path), **safe, dtype=getattr(torch, dtype)
        )
        return model.to(device).eval()
    except Exception as error:  # a bad file makes these libraries raise anything
        raise _unreadable("model", path, error) from error


def resolve_device(asked: str) -> str:
    """Turn `auto` into the GPU where there is one, and refuse a device that is not there."""
    if asked == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if asked.startswith("cuda") and not torch.cuda.is_available():
        raise BackendError(
            f"device {asked!r} is not there: torch sees no GPU",
            hint="set device to auto or cpu, or install torch for this GPU",
        )
    return asked


def _source(path: Path) -> dict[str, str]:
    if path.suffix == ".gguf":
        return {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
    return {"pretrained_model_name_or_path": str(path)}


def _unreadable(what: str, path: Path, error: Exception) -> BackendError:
    reason = next((line for line in str(error).splitlines() if line.strip()), "no reason given")
    return BackendError(f"cannot load the {what} in {path}: {type(error).__name__}: {reason}")
