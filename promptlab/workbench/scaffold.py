"""Creates a new project that is ready to run."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from promptlab.core.errors import PromptlabError

_ELSEWHERE = "name another folder: promptlab init DIR"


def make_project(folder: Path) -> list[Path]:
    """Write the files of a new project into `folder` and return them; overwrite nothing."""
    if (folder / "templates").is_dir() and (folder / "suites").is_dir():
        raise PromptlabError(
            "there is already a project here", where=str(folder.resolve()), hint=_ELSEWHERE
        )
    files = _files(resources.files("promptlab") / "scaffold", Path())
    taken = [str(path) for path, _ in files if (folder / path).exists()]
    if taken:
        raise PromptlabError("already exists", where=str(folder / taken[0]), hint=_ELSEWHERE)
    try:
        for path, text in files:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise PromptlabError(
            f"cannot write: {error.strerror}",
            where=str(error.filename),
            hint="choose a folder that you can write to",
        ) from None
    return [folder / path for path, _ in files]


def _files(folder: Traversable, path: Path) -> list[tuple[Path, str]]:
    files = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            files += _files(entry, path / entry.name)
        else:
            files.append((path / entry.name, entry.read_text(encoding="utf-8")))
    return files
