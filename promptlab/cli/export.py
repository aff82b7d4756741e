"""`promptlab export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from promptlab.cli.choosing import choosing_trials
from promptlab.cli.output import say, tell, write_pieces
from promptlab.cli.runref import RUN, RunCommand
from promptlab.cli.verbs import example
from promptlab.exporters.runs.formats import FORMATS, format_of
from promptlab.report.wording import counted
from promptlab.workbench.bench import Workbench
from promptlab.workbench.exporting import export_file, export_text
from promptlab.workbench.reviewing import Chosen
from promptlab.workbench.session import Session


@click.command(
    cls=RunCommand, epilog=example("export -o results.xlsx", "export --format junit > results.xml")
)
@click.argument("run_ref", metavar="[RUN]", type=RUN, default="latest")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    help="By default that of the ending of FILE, or csv.",
)
@click.option(
    "-o", "--output", "file", metavar="FILE", type=click.Path(path_type=Path),
    help="The file to write; by default text is printed.",
)  # fmt: skip
@choosing_trials
@click.pass_obj
def export(
    session: Session,
    /,
    run_ref: str,
    format_name: str | None,
    file: Path | None,
    **options: Any,
) -> None:
    """Write the results of RUN for other programs, one row for each trial.

    Each row has the question, what was expected, the output and what every scorer said of it.
    """
    name, bench = format_of(format_name, file), Workbench(session)
    chosen = Chosen(**options)
    if file is None:
        done = write_pieces(export_text(bench, run_ref, chosen, name))
    else:
        done = export_file(bench, run_ref, chosen, name, file)
        say(f"{counted(done.trials, 'trial')} of run {done.run_id} written to {file}")
    sys.stdout.flush()
    tell(*(f"Note: {note}" for note in done.notes))
