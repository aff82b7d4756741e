"""Whether a folder holds a whole language model, told from its files without loading them.

One rule for a user's folder, a snapshot in the hub's cache and a download. A link that leads
nowhere is a file that is missing. What is in the weights is checked when they are loaded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from promptlab.core.errors import BackendError
from promptlab.local_model.files.adapter import refuse_adapter

INDEX = "model.safetensors.index.json"
_TOKENIZERS = (
    *("tokenizer.json", "tokenizer_config.json", "*.model", "*.tiktoken", "tekken.json"),
    *("vocab.json", "vocab.txt", "merges.txt"),
)
# The classes that say next tokens; what else a checkpoint holds has no use for a prompt.
_SPEAKERS = re.compile(r"(CausalLM|LMHead(Model)?|ForConditionalGeneration|Decoder)$", re.I)
_SHOWN = 3
UNUSED = "unused_weights"  # what the option `accept` calls weights without a place in the model


class Misfit(ValueError):
    """Weights that are not those of the model; `harmless` if all that it needs are there."""

    def __init__(self, message: str, *, harmless: bool) -> None:
        super().__init__(message)
        self.harmless = harmless


def lacking(folder: Path) -> list[str]:
    """Return the files that a model's folder lacks; raise `BackendError` for an unreadable index.

    A missing tokenizer counts as `tokenizer.json`.
    """
    missing = [name for name in ["config.json", *_weights(folder)] if not (folder / name).is_file()]
    if not any(path.is_file() for pattern in _TOKENIZERS for path in folder.glob(pattern)):
        missing.append("tokenizer.json")
    return missing


def require_model(folder: Path, *, tokenizer: bool = True) -> Path:
    """Return the folder; raise `BackendError` unless it holds a whole language model.

    Without `tokenizer`, an adapter may bring one.
    """
    refuse_adapter(folder)
    missing = [name for name in lacking(folder) if tokenizer or name != "tokenizer.json"]
    if missing:
        raise BackendError(
            f"the model in {folder} lacks {some(missing)}",
            hint="it needs config.json, the tokenizer's files and the weights as safetensors",
        )
    kinds = _architectures(folder)
    if kinds and not any(map(_SPEAKERS.search, kinds)):
        raise BackendError(
            f"the model in {folder} is a {kinds[0]}, which does not continue a text",
            hint="choose a model whose config.json names a class such as LlamaForCausalLM",
        )
    return folder


def require_fit(missing: Iterable[str], other_size: Iterable[str], unused: Iterable[str]) -> None:
    """Raise `Misfit` unless the weights in a file are those of the model, one for one."""
    needed = {"it lacks": sorted(missing), "in another size it has": sorted(other_size)}
    wrong = {what: keys for what, keys in needed.items() if keys}
    left = {"the model has no use for": keys} if (keys := sorted(unused)) else {}
    if wrong or left:
        found = "; ".join(f"{what} {some(keys)}" for what, keys in {**wrong, **left}.items())
        raise Misfit(found, harmless=not wrong)


def some(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def read_settings(file: Path) -> dict[str, Any]:
    """Read a file of settings of a model, {} if there is none; raise `BackendError` if broken."""
    try:
        settings = json.loads(file.read_bytes()) if file.is_file() else {}
    except (OSError, ValueError, RecursionError) as error:
        raise BackendError(f"cannot read {file}: {error}") from error
    if not isinstance(settings, dict):
        raise BackendError(f"cannot read {file}: it holds no object")
    return settings


def _weights(folder: Path) -> list[str]:
    index = folder / INDEX
    if not index.is_file():
        return ["model.safetensors"]
    shards = read_settings(index).get("weight_map")
    if not isinstance(shards, dict) or not all(isinstance(name, str) for name in shards.values()):
        raise BackendError(f"cannot read {index}: its weight_map names no files")
    return sorted(set(shards.values()))


def _architectures(folder: Path) -> list[str]:
    kinds = read_settings(folder / "config.json").get("architectures")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return [str(kind) for kind in kinds] if isinstance(kinds, list) else []
