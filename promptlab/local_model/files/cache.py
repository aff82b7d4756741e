"""The cache folder: digests of large files, and models converted from GGUF.

    stamps/<name>.json         a file's digest, valid while its size and mtime stay the same
    models/<digest>-<format>/  a converted model, with its manifest beside the weights
    speeds/<digest>.json       how fast this machine's matrix products are
    notes/<digest>.json        what is to be told of a model before a run

A converted model is valid only if every file in its manifest has the recorded digest. Digests go
through the stamps, so each file is read in full once (and again when it is touched), and a start
costs a few `stat` calls. Knows files and digests, but not torch, hubs or the environment.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from promptlab.core.digest import TAG, digest_file, digest_json, digest_text
from promptlab.core.errors import BackendError

MANIFEST = "promptlab.json"
_FORMAT = 2  # 1 had no check of the weights against the file, and only one end token


class Manifest(BaseModel):
    """What a converted model was made from, and the digest of each of its files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = _FORMAT
    model: str | None
    source: str
    files: Mapping[str, str]


class _Stamp(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    size: int
    mtime_ns: int
    digest: str


def cache_folder(environ: Mapping[str, str], home: Path) -> Path:
    """Return the cache folder set in the environment, by default below `home`."""
    if chosen := environ.get("PROMPTLAB_CACHE"):
        return Path(chosen).expanduser()
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base).expanduser() if base else home / ".cache") / "promptlab"


@dataclass(frozen=True, slots=True)
class Cache:
    """The cache at `folder`, which is created on the first write."""

    folder: Path

    @property
    def models(self) -> Path:
        """Return the folder of the converted models."""
        return self.folder / "models"

    @property
    def speeds(self) -> Path:
        """Return the folder of this machine's speed measurements."""
        return self.folder / "speeds"

    def place(self, source: str) -> Path:
        """Return the folder for the conversion of the file with digest `source`."""
        return self.models / f"{source.removeprefix(TAG)}-{_FORMAT}"

    def former(self, source: str) -> Path:
        """Return where earlier versions put that conversion."""
        return self.models / source.removeprefix(TAG)

    def digest(self, path: Path) -> str:
        """Return a file's digest, reading the file only if its size or mtime has changed."""
        path = path.resolve()
        stat = path.stat()
        stamp = self._read_stamp(path)
        if stamp and (stamp.size, stamp.mtime_ns) == (stat.st_size, stat.st_mtime_ns):
            return stamp.digest
        digest = digest_file(path)
        self._write_stamp(
            _Stamp(path=str(path), size=stat.st_size, mtime_ns=stat.st_mtime_ns, digest=digest)
        )
        return digest

    def lines(self, about: object, find: Callable[[], list[str]]) -> list[str]:
        """Return the lines that `find` finds, or that it found before about the same JSON."""
        file = self.folder / "notes" / f"{digest_json(about).removeprefix(TAG)}.json"
        with suppress(OSError, ValueError, RecursionError):
            kept = json.loads(file.read_bytes())
            if isinstance(kept, list) and all(isinstance(line, str) for line in kept):
                return kept
        found = find()
        _write(file, json.dumps(found))
        return found

    def converted(self, source: str) -> Path | None:
        """Return the intact conversion of the file with digest `source`, if there is one."""
        folder = self.place(source)
        manifest = read_manifest(folder)
        if manifest is None or manifest.source != source:
            return None
        return folder if not self.damaged(folder, manifest) else None

    def named(self, model: str) -> Iterator[Manifest]:
        """Yield the intact conversions of the model with this name."""
        if not self.models.is_dir():
            return
        for folder in sorted(self.models.iterdir()):
            manifest = read_manifest(folder)
            if manifest and manifest.model == model and self.converted(manifest.source):
                yield manifest

    def damaged(self, folder: Path, manifest: Manifest, *, reread: bool = False) -> list[str]:
        """List the files that are missing or changed; `reread` ignores the stamps."""
        digest_of = digest_file if reread else self.digest
        return [
            name
            for name, digest in manifest.files.items()
            if not (folder / name).is_file() or digest_of(folder / name) != digest
        ]

    def verify(self, revision: str, name: str) -> None:
        """Read all of a converted model again; raise `BackendError` if it is damaged."""
        folder = self.place(revision)
        manifest = read_manifest(folder)
        if manifest and (damaged := self.damaged(folder, manifest, reread=True)):
            raise BackendError(
                f"the converted weights of {name} are damaged: {', '.join(damaged)}",
                hint=f"remove {folder}; it will be created again",
            )

    def _stamp_file(self, path: Path) -> Path:
        return self.folder / "stamps" / f"{digest_text(str(path)).removeprefix(TAG)}.json"

    def _read_stamp(self, path: Path) -> _Stamp | None:
        try:
            stamp = _Stamp.model_validate_json(self._stamp_file(path).read_bytes())
        except (OSError, ValidationError):
            return None
        return stamp if stamp.path == str(path) else None

    def _write_stamp(self, stamp: _Stamp) -> None:
        _write(self._stamp_file(Path(stamp.path)), stamp.model_dump_json())


def _write(file: Path, text: str) -> None:
    draft = file.with_suffix(f".{os.getpid()}.tmp")
    with suppress(OSError):  # a cache that cannot be written only costs time
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)


def read_manifest(folder: Path) -> Manifest | None:
    """Read the manifest of a converted model; return None for another format."""
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return None
    return manifest if manifest.format == _FORMAT else None
