"""Load tokenizers: those of converted models without torch and transformers.

So that a run can tell what its model will read before it loads it, and at all if it need not.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptlab.core.errors import BackendError
from promptlab.core.lazy import lazy_module
from promptlab.local_model.files.cache import read_manifest
from promptlab.local_model.text.tokens import read_tokens

if TYPE_CHECKING:
    from promptlab.local_model.loading import from_transformers
else:
    from_transformers = lazy_module("promptlab.local_model.loading.from_transformers")


def load_tokenizer(path: Path) -> Any:
    """Load the tokenizer of a model folder or a GGUF file."""
    if is_converted(path) and (tokens := read_tokens(path)):
        return tokens
    try:
        return from_transformers.read_tokenizer(path)
    except Exception as error:  # a bad file makes these libraries raise anything
        raise unreadable("tokenizer", path, error) from error


def is_converted(path: Path) -> bool:
    """Return whether a folder was written by a conversion."""
    return read_manifest(path) is not None


def unreadable(what: str, path: Path, error: Exception) -> BackendError:
    """Return what a library raised on a bad file as one line."""
    reason = next((line for line in str(error).splitlines() if line.strip()), "no reason given")
    return BackendError(f"cannot load the {what} in {path}: {type(error).__name__}: {reason}")
