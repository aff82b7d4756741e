"""`promptlab compare`."""

from __future__ import annotations

from typing import Any

import click

from promptlab.analysis.compare import By, compare
from promptlab.analysis.measurements import Measurements
from promptlab.cli.evidence import baseline_of, deciding, read_evidence, rule_of
from promptlab.cli.output import print_json, stdout
from promptlab.cli.runref import RUN, RunCommand
from promptlab.cli.session import Session
from promptlab.cli.workbench import open_store
from promptlab.core.plugins import unknown
from promptlab.report.documents.comparison import compare_json
from promptlab.report.terminal.compare import print_comparisons
from promptlab.report.views.comparison import comparison_view


@click.command("compare", cls=RunCommand)
@click.argument("run_refs", metavar="[RUN]...", type=RUN, nargs=-1)
@click.option("--baseline", metavar="REF", help="Set all others against this arm.")
@click.option(
    "--by",
    type=click.Choice(["version", "backend", "group"]),
    default="version",
    show_default=True,
    help="What differs in a pair; `group` compares versions in each group of cases.",
)
@deciding
@click.pass_obj
def compare_verb(
    session: Session,
    /,
    run_refs: tuple[str, ...],
    baseline: str | None,
    by: By,
    scorer: str | None,
    as_json: bool,
    **deciding_options: Any,
) -> None:
    """Compare the arms of RUN, by default the newest, case by case.

    Several runs are joined: the same version is one arm in all of them.
    """
    rule = rule_of(session, **deciding_options)
    with open_store(session) as store:
        evidence = read_evidence(store, run_refs, scorer)
        if baseline is not None and by != "backend":
            evidence = baseline_of(session, store, evidence, baseline)
    named = evidence.baseline or baseline
    if by == "backend" and named is not None:
        _require_backend(evidence.table, named)
    found = compare(evidence.table, rule, by=by, baseline=named)
    scorer = evidence.table.scorer.label
    view = comparison_view(evidence.run_ids, scorer, found, rule, evidence.notes)
    if as_json:
        print_json(compare_json(view))
    else:
        print_comparisons(stdout(), view)


def _require_backend(table: Measurements, name: str) -> None:
    backends = dict.fromkeys(arm.arm.backend for arm in table.arms)
    if name not in backends:
        raise unknown("backend", name, [*backends])
