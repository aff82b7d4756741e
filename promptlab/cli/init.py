"""`promptlab init`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from promptlab.cli.output import say
from promptlab.cli.verbs import example
from promptlab.workbench.scaffold import make_project


@click.command(epilog=example("init my-prompts"))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=".")
def init(folder: Path) -> None:
    """Create a project in FOLDER that is ready to run.

    Existing files are never overwritten; a .gitignore gets the lines that it lacks.
    """
    for done, path in make_project(folder):
        say(f"{done} {path}")
    enter = "" if folder == Path() else f"cd {_quoted(folder)} && "
    say(f"Next: {enter}promptlab run thanks")


def _quoted(folder: Path) -> str:
    """Return the folder as a shell reads it, also if its name begins with a dash."""
    return shlex.quote(f"./{folder}" if str(folder).startswith("-") else str(folder))
