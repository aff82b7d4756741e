"""`promptlab runs`."""

from __future__ import annotations

import click

from promptlab.cli.output import print_json, stdout
from promptlab.cli.session import Session
from promptlab.cli.workbench import open_store
from promptlab.report.documents.run import runs_json
from promptlab.report.terminal.runs import print_runs
from promptlab.report.views.runs import runs_view


@click.command()
@click.option("-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def runs(session: Session, limit: int, as_json: bool) -> None:
    """List the runs, the newest first."""
    with open_store(session) as store:
        found = store.runs(limit)
    if as_json:
        print_json(runs_json(runs_view(found)))
    elif found:
        print_runs(stdout(), runs_view(found))
    else:
        click.echo("There is no run yet: promptlab run SUITE")
