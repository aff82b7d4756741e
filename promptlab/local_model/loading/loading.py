"""Load tokenizers and models, ready to be used: paths in, objects out.

A folder that we converted is read without transformers where its model and its tokenizer are of the
kinds that we know: that takes a third of the time until the first answer. All else is read with
transformers. Where the weights come from is not known here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from promptlab.core.errors import BackendError
from promptlab.core.lazy import lazy_module
from promptlab.local_model.batching.trial import works_here
from promptlab.local_model.files.adapter import refuse_adapter
from promptlab.local_model.files.cache import read_manifest
from promptlab.local_model.files.shape import read_shape
from promptlab.local_model.forward_pass import llama
from promptlab.local_model.text.tokens import read_tokens

if TYPE_CHECKING:
    from promptlab.local_model.loading import from_transformers
else:
    from_transformers = lazy_module("promptlab.local_model.loading.from_transformers")


def load_tokenizer(path: Path) -> Any:
    """Load the tokenizer of a model folder or of a GGUF file."""
    if _converted(path) and (tokens := read_tokens(path)):
        return tokens
    try:
        return from_transformers.read_tokenizer(path)
    except Exception as error:  # a bad file makes these libraries raise anything
        raise _unreadable("tokenizer", path, error) from error


def load_model(path: Path, dtype: str, device: str, *, ours: bool = True) -> Any:
    """Load the model in a folder (or, slowly, in a GGUF file), ready to answer on `device`.

    With `ours` it may be a decoder of ours, which knows nothing of training.
    """
    refuse_adapter(path)
    numbers = getattr(torch, dtype)
    told = read_shape(path) if ours and _converted(path) else None
    try:
        if told and works_here(told[0], numbers, device):
            return llama.load(path, told, numbers, device)
        return from_transformers.read_model(path, numbers).to(device).eval()
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


def _converted(path: Path) -> bool:
    return read_manifest(path) is not None


def _unreadable(what: str, path: Path, error: Exception) -> BackendError:
    reason = next((line for line in str(error).splitlines() if line.strip()), "no reason given")
    return BackendError(f"cannot load the {what} in {path}: {type(error).__name__}: {reason}")
