"""The Hugging Face hub and its local cache.

The library's own switch, `HF_HUB_OFFLINE`, controls whether the network is used.
"""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # what its client raises
from huggingface_hub.utils.tqdm import disable_progress_bars

from promptlab.core.errors import BackendError
from promptlab.local_model.files.whole import require_model

# Weights only as safetensors: the other formats are pickles, which run code when read.
_WANTED = ["*.json", "*.safetensors", "*.jinja", "*.txt", "*.model"]
_FAILURES = (OSError, ValueError, HTTPError)
_TIMEOUT_S = 10


def cached(model: str, revision: str | None) -> Path | None:
    """Return the snapshot in the hub's own cache, if there is one; it may be incomplete."""
    try:
        snapshot = snapshot_download(
            model, revision=revision, local_files_only=True, allow_patterns=_WANTED
        )
    except (OSError, ValueError):
        return None
    return Path(snapshot)


def commit(model: str, revision: str | None) -> str:
    """Ask the hub for the commit of a revision, by default the newest."""
    try:
        sha = HfApi().model_info(model, revision=revision, timeout=_TIMEOUT_S).sha
    except _FAILURES as error:
        raise _unavailable(model, error) from error
    if sha is None:
        raise BackendError(f"the hub reports no commit for {model}")
    return sha


def download(model: str, revision: str) -> Path:
    """Download the model's safetensors, tokenizer and configuration."""
    disable_progress_bars()
    try:
        folder = snapshot_download(model, revision=revision, allow_patterns=_WANTED)
    except _FAILURES as error:
        raise _unavailable(model, error) from error
    return require_model(Path(folder))


def _unavailable(model: str, error: Exception) -> BackendError:
    reason = next(iter(str(error).splitlines()), "") or type(error).__name__
    return BackendError(
        f"weights of {model} are not on this machine, and the hub cannot provide them: {reason}"
    )
