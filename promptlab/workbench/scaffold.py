"""Creates a new project that is ready to run."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from promptlab.core.errors import PromptlabError
from promptlab.core.files import exists, is_folder, make_folder, read_text, write_text

_ELSEWHERE = "name another folder: promptlab init DIR"
_IGNORED = Path(".gitignore")  # in the package without its dot, or git would obey it there


def make_project(folder: Path) -> list[tuple[str, Path]]:
    """Write the files of a new project into `folder`, and return what was done to which.

    Nothing is overwritten. Where git already ignores some files, ours are added to them: what is
    made in a project, and the keys that it needs, shall not be committed by mistake.
    """
    if is_folder(folder / "templates") and is_folder(folder / "suites"):
        raise PromptlabError(
            "there is already a project here", where=str(folder.resolve()), hint=_ELSEWHERE
        )
    files = _files(resources.files("promptlab") / "scaffold", Path())
    taken = [str(path) for path, _ in files if exists(folder / path) and path != _IGNORED]
    if taken:
        raise PromptlabError("already exists", where=str(folder / taken[0]), hint=_ELSEWHERE)
    done = []
    for path, text in files:
        before = read_text(folder / path, str(path)) if exists(folder / path) else ""
        make_folder((folder / path).parent)
        write_text(folder / path, _with_lines(before, text) if before else text)
        done.append(("completed" if before else "created", folder / path))
    return done


def _with_lines(before: str, added: str) -> str:
    """Return a text followed by those lines of another that it lacks."""
    lacking = [line for line in added.splitlines() if line not in before.splitlines()]
    if not lacking:
        return before
    return "\n".join([*before.splitlines(), *lacking]) + "\n"


def _files(folder: Traversable, path: Path) -> list[tuple[Path, str]]:
    files = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            files += _files(entry, path / entry.name)
        else:
            name = _IGNORED.name if entry.name == "gitignore" else entry.name
            files.append((path / name, entry.read_text(encoding="utf-8")))
    return files
