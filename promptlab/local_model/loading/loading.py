"""Load models, ready to use: paths in, objects out.

A converted folder is read without transformers if its model is of a known kind: the first answer
then comes in a third of the time. Everything else is read with transformers. Does not know where
the weights come from.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from promptlab.core.errors import BackendError
from promptlab.core.lazy import lazy_module
from promptlab.local_model.batching.trial import works_here
from promptlab.local_model.files.shape import read_shape
from promptlab.local_model.files.whole import UNUSED, Misfit, require_model
from promptlab.local_model.forward_pass import llama
from promptlab.local_model.loading.tokenizer import is_converted, unreadable

if TYPE_CHECKING:
    from promptlab.local_model.loading import from_transformers
else:
    from_transformers = lazy_module("promptlab.local_model.loading.from_transformers")


def load_model(
    path: Path, dtype: str, device: str, *, ours: bool = True, unused: bool = False
) -> Any:
    """Load the model from a folder (or, slowly, from a GGUF file), ready to answer on `device`.

    Args:
        path: The folder or the file.
        dtype: The number format for computing.
        device: Where to compute.
        ours: Whether it may be the built-in decoder, which supports inference only.
        unused: Whether the file may hold weights that the model has no use for.

    Raises:
        BackendError: The files cannot be read, or do not hold the weights of such a model.
    """
    if path.is_dir():
        require_model(path, tokenizer=False)
    numbers = getattr(torch, dtype)
    settings = read_shape(path) if ours and is_converted(path) else None
    try:
        if settings and works_here(settings[0], numbers, device):
            return llama.load(path, settings, numbers, device)
        return from_transformers.read_model(path, numbers, unused=unused).to(device).eval()
    except Misfit as error:
        raise _unlike(path, error) from error
    except Exception as error:  # a bad file makes these libraries raise anything
        raise unreadable("model", path, error) from error


def resolve_device(device: str) -> str:
    """Resolve `auto` to the GPU if there is one; refuse a device that is not available."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise BackendError(
            f"device {device!r} is not available: torch sees no GPU",
            hint="set device to auto or cpu, or install torch for this GPU",
        )
    return device


def _unlike(path: Path, error: Misfit) -> BackendError:
    hint = "the answers would be random: get the whole checkpoint, or save it again as a model"
    if error.harmless:
        hint = f'remove them from the file, or accept = ["{UNUSED}"] if the model needs none'
    return BackendError(f"the weights in {path} are not those of its model: {error}", hint=hint)
