"""`promptlab runs`."""

from __future__ import annotations

import click

from promptlab.cli.numbers import Whole
from promptlab.cli.output import print_json, say, stdout
from promptlab.cli.verbs import example
from promptlab.report.documents.run import runs_json
from promptlab.report.terminal.runs import print_runs
from promptlab.report.views.runs import runs_view
from promptlab.workbench.bench import Workbench
from promptlab.workbench.session import Session


@click.command(epilog=example("runs -n 5"))
@click.option(
    "-n",
    "--limit",
    type=Whole(1),
    default=20,
    show_default=True,
    help="How many runs.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def runs(session: Session, limit: int, as_json: bool) -> None:
    """List the runs, the newest first."""
    with Workbench(session).open_store() as store:
        infos = store.runs(limit)
    if as_json:
        print_json(runs_json(runs_view(infos)))
    elif infos:
        print_runs(stdout(), runs_view(infos))
    else:
        say("There are no runs yet: promptlab run SUITE")
