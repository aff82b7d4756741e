"""Creates a new project that is ready to run."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from promptlab.core.errors import PromptlabError
from promptlab.core.files import exists, is_folder, make_folder, write_text

_ELSEWHERE = "name another folder: promptlab init DIR"


def make_project(folder: Path) -> list[Path]:
    """Write the files of a new project into `folder` and return them; overwrite nothing."""
    if is_folder(folder / "templates") and is_folder(folder / "suites"):
        raise PromptlabError(
            "there is already a project here", where=str(folder.resolve()), hint=_ELSEWHERE
        )
    files = _files(resources.files("promptlab") / "scaffold", Path())
    taken = [str(path) for path, _ in files if exists(folder / path)]
    if taken:
        raise PromptlabError("already exists", where=str(folder / taken[0]), hint=_ELSEWHERE)
    for path, text in files:
        make_folder((folder / path).parent)
        write_text(folder / path, text)
    return [folder / path for path, _ in files]


def _files(folder: Traversable, path: Path) -> list[tuple[Path, str]]:
    files = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            files += _files(entry, path / entry.name)
        else:
            files.append((path / entry.name, entry.read_text(encoding="utf-8")))
    return files
