"""`promptlab init`."""

from __future__ import annotations

from pathlib import Path

import click

from promptlab.cli.verbs import example
from promptlab.workbench.scaffold import make_project


@click.command(epilog=example("init my-prompts"))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=".")
def init(folder: Path) -> None:
    """Make a project in FOLDER that runs at once. Nothing that exists is written over."""
    for path in make_project(folder):
        click.echo(f"made {path}")
    enter = "" if folder == Path() else f"cd {folder} && "
    click.echo(f"Now: {enter}promptlab run thanks")
