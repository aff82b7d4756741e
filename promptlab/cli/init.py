"""`promptlab init`."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from promptlab.core.errors import PromptlabError

_ELSEWHERE = "name another folder: promptlab init DIR"


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=".")
def init(folder: Path) -> None:
    """Make a project in FOLDER that runs at once. Nothing that exists is written over."""
    if (folder / "templates").is_dir() and (folder / "suites").is_dir():
        raise PromptlabError(
            "there is a project already", where=str(folder.resolve()), hint=_ELSEWHERE
        )
    scaffold = resources.files("promptlab") / "scaffold"
    files = list(_files(scaffold, Path()))
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
    for path, _ in files:
        click.echo(f"made {folder / path}")
    enter = "" if folder == Path() else f"cd {folder} && "
    click.echo(f"Now: {enter}promptlab run thanks")


def _files(folder: Traversable, path: Path) -> list[tuple[Path, str]]:
    found = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found += _files(entry, path / entry.name)
        else:
            found.append((path / entry.name, entry.read_text(encoding="utf-8")))
    return found
