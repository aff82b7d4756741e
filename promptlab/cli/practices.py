"""`promptlab practices`."""

from __future__ import annotations

from typing import Any

import click

from promptlab.analysis.practices import practice_effects
from promptlab.cli.evidence import deciding, read_evidence, rule_of
from promptlab.cli.output import print_json, stdout
from promptlab.cli.runref import RUN, RunCommand
from promptlab.cli.session import Session
from promptlab.cli.workbench import open_store
from promptlab.report.documents.practices import practices_json
from promptlab.report.terminal.practices import print_practices
from promptlab.report.views.practices import practices_view


@click.command(cls=RunCommand)
@click.argument("run_refs", metavar="[RUN]...", type=RUN, nargs=-1)
@deciding
@click.pass_obj
def practices(
    session: Session,
    /,
    run_refs: tuple[str, ...],
    scorer: str | None,
    as_json: bool,
    **deciding_options: Any,
) -> None:
    """Show what each practice changes in RUN, by default the newest.

    From `design: ablation` or `factorial`, or from versions that differ in one practice.
    """
    rule = rule_of(session, **deciding_options)
    with open_store(session) as store:
        evidence = read_evidence(store, run_refs, scorer)
    found = practice_effects(evidence.table, rule)
    view = practices_view(evidence.run_ids, evidence.table.scorer.label, found, rule)
    if as_json:
        print_json(practices_json(view))
    else:
        print_practices(stdout(), view)
