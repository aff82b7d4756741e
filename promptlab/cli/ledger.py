"""`promptlab ledger`."""

from __future__ import annotations

import click

from promptlab.cli.output import print_json, say, stdout
from promptlab.cli.verbs import example
from promptlab.report.documents.ledger import ledger_json
from promptlab.report.terminal.ledger import print_ledger
from promptlab.report.views.ledger import ledger_view
from promptlab.workbench.bench import Workbench
from promptlab.workbench.ledger import looks_at
from promptlab.workbench.session import Session


@click.command(epilog=example("ledger sentiment"))
@click.argument("suite")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def ledger(session: Session, suite: str, as_json: bool) -> None:
    """List what was concluded of the cases of SUITE, look by look.

    Whoever asks the same question of the same cases again, with other answers, has less of the
    level left; a holdout bears three uses.
    """
    view = ledger_view(suite, looks_at(Workbench(session), suite))
    if as_json:
        print_json(ledger_json(view))
    elif view.tables:
        print_ledger(stdout(), view)
    else:
        say(f"Nothing was concluded of suite {suite} yet: promptlab compare")
