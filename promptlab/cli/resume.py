"""`promptlab resume`."""

from __future__ import annotations

from typing import Any

import click

from promptlab.cli.carry import carry
from promptlab.cli.run_options import spending
from promptlab.cli.runref import RUN, RunCommand
from promptlab.cli.verbs import example
from promptlab.workbench.bench import Workbench
from promptlab.workbench.resume import Bounds, prepare_resume
from promptlab.workbench.session import Session


@click.command(cls=RunCommand, epilog=example("resume", "resume latest --max-calls 500"))
@click.argument("run_ref", metavar="[RUN]", type=RUN, required=False)
@spending
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def resume(session: Session, /, run_ref: str | None, as_json: bool, **bounds: Any) -> int:
    """Finish an interrupted RUN, by default the newest; failed trials are retried.

    Limits are those the run began with unless given again. They include what the run has already
    spent.
    """
    with prepare_resume(Workbench(session), run_ref, Bounds(**bounds)) as prepared:
        return carry(prepared, session.command, as_json=as_json)
