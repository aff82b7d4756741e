"""`promptlab import`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import click

from promptlab.cases.files import read_rows
from promptlab.cli.carry import read_view
from promptlab.cli.output import print_json, stdout
from promptlab.cli.session import Session
from promptlab.cli.workbench import open_store
from promptlab.core.errors import PromptlabError
from promptlab.importers.outcome_rows import ROLES, read_outcomes
from promptlab.importers.outcomes import IMPORTED, ImportedRun, gather
from promptlab.report.terminal.run import print_run
from promptlab.report.wording import counted
from promptlab.store import Store


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--suite", required=True, metavar="NAME", help="What the suite is called.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="ROLE=NAME",
    help="Read this role from the column NAME; repeatable.",
)
@click.option("--ignore-unknown", is_flag=True, help="Leave out columns that play no role.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def import_(
    session: Session,
    file: Path,
    suite: str,
    columns: tuple[str, ...],
    ignore_unknown: bool,
    as_json: bool,
) -> None:
    """Make a run of outcomes that were measured elsewhere, one row of FILE each.

    The roles of columns are template, case and score, and if known backend, repeat, group,
    practices (separated by spaces), scorer, output, input_tokens, output_tokens and cost_usd. An
    empty cell is unknown. FILE is .csv, .jsonl, .json, .yaml or .parquet.
    """
    name = _checked_name(suite)
    rows = read_rows(file, str(file))
    mapping = _columns(columns)
    measured = read_outcomes(rows, str(file), mapping, ignore_unknown=ignore_unknown)
    imported = gather(measured, name, str(file))
    plan = imported.plan
    with open_store(session, readonly=False) as store:
        run_id = session.new_run_id()
        _keep(store, run_id, imported, file)
        if as_json:
            print_json(
                {
                    "run": run_id,
                    "suite": name,
                    "trials": imported.size,
                    "cases": len(plan.cases),
                    "arms": [arm.label for arm in plan.arms],
                }
            )
            return
        print_run(stdout(), read_view(store, run_id, plan))
    click.echo(f"Run {run_id}: {counted(imported.size, 'trial')} imported from {file.name}.")
    if len(plan.arms) > 1:
        click.echo(f"Next: {session.command} compare")


def _checked_name(suite: str) -> str:
    name = suite.strip()
    if not name or not name.isprintable() or "@" in name:
        raise PromptlabError(
            f"{suite!r} cannot name a suite", where="--suite", hint="use letters, digits, _ and -"
        )
    return name


def _columns(pairs: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        role, equals, name = pair.partition("=")
        if not (role and equals and name):
            raise PromptlabError(
                f"--column {pair} does not name a role and a column",
                hint=f"write --column ROLE=NAME, ROLE one of {', '.join(ROLES)}",
            )
        if role in found:
            raise PromptlabError(f"--column {role} is given twice", hint="keep one of them")
        found[role] = name
    return found


def _keep(store: Store, run_id: str, imported: ImportedRun, file: Path) -> None:
    """Store the run: all of it, or as much as was stored when it broke off."""
    overrides = {IMPORTED: file.name}
    store.begin_run(run_id, imported.plan, overrides=overrides, trials=imported.size)
    status: Literal["finished", "interrupted"] = "interrupted"
    try:
        with store.writer(run_id) as writer:
            for result in imported.results():
                writer.put_result(result)
        status = "finished"
    finally:
        store.end_run(run_id, status)
