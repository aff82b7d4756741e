"""`promptlab import`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from promptlab.cli.output import print_json, say, stdout
from promptlab.cli.verbs import example
from promptlab.core.errors import PromptlabError
from promptlab.importers.outcome_rows import ROLES
from promptlab.report.terminal.run import print_run
from promptlab.report.views.run import run_view
from promptlab.report.wording import counted
from promptlab.workbench.bench import Workbench
from promptlab.workbench.importing import Reading, import_outcomes
from promptlab.workbench.session import Session


@click.command(
    "import", epilog=example("import outcomes.csv --suite bbh --column case=question_id")
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--suite", required=True, metavar="NAME", help="The name of the suite.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="ROLE=NAME",
    help="Read this role from the column NAME; repeatable.",
)
@click.option("--ignore-unknown", is_flag=True, help="Ignore columns that have no role.")
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
    """Import outcomes measured elsewhere as a run; FILE has one row for each.

    The roles of columns are template, case and score, and optionally backend, repeat, group,
    practices (separated by spaces), scorer, output, input_tokens, output_tokens and cost_usd. An
    empty cell means unknown. FILE is .csv (with any separator), .tsv, .xlsx, .jsonl,
    .json, .yaml or .parquet.
    """
    reading = Reading(suite=suite, columns=_columns(columns), ignore_unknown=ignore_unknown)
    results = import_outcomes(Workbench(session), file, reading)
    run, plan = results.run, results.plan
    if as_json:
        print_json(
            {
                "run": run.run_id,
                "suite": run.suite,
                "trials": run.trials,
                "cases": len(plan.cases),
                "arms": [arm.label for arm in plan.arms],
            }
        )
        return
    print_run(stdout(), run_view(results))
    say(f"Run {run.run_id}: {counted(run.trials, 'trial')} imported from {file.name}.")
    if len(plan.arms) > 1:
        say(f"Next: {session.command} compare")


def _columns(pairs: Iterable[str]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for pair in pairs:
        role, equals, name = pair.partition("=")
        if not (role and equals and name):
            raise PromptlabError(
                f"--column {pair} does not name a role and a column",
                hint=f"write --column ROLE=NAME, where ROLE is one of {', '.join(ROLES)}",
            )
        if role in columns:
            raise PromptlabError(f"--column {role} is given twice", hint="keep one of them")
        columns[role] = name
    return columns
