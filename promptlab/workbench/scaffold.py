"""Makes a new project that runs at once."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from promptlab.core.errors import PromptlabError

_ELSEWHERE = "name another folder: promptlab init DIR"


def make_project(folder: Path) -> list[Path]:
    """Write the files of a new project into `folder` and return them; write nothing over."""
    if (folder / "templates").is_dir() and (folder / "suites").is_dir():
        raise PromptlabError(
            "there is a project already", where=str(folder.resolve()), hint=_ELSEWHERE
        )
    files = _files(resources.files("promptlab") / "scaffold", Path())
    taken = [str(path) for path, _ in files if (folder / path).exists()]
    if taken:
        raise PromptlabError("exists already", where=str(folder / taken[0]), hint=_ELSEWHERE)
    try:
        for path, text in files:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise PromptlabError(
            f"cannot write: {error.strerror}",
            where=str(error.filename),
            hint="choose a folder of yours",
        ) from None
    return [folder / path for path, _ in files]


def _files(folder: Traversable, path: Path) -> list[tuple[Path, str]]:
    found = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found += _files(entry, path / entry.name)
        else:
            found.append((path / entry.name, entry.read_text(encoding="utf-8")))
    return found
