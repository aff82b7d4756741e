"""`promptlab show`."""

from __future__ import annotations

from contextlib import closing
from itertools import groupby, islice

import click

from promptlab.cli.carry import read_view
from promptlab.cli.output import print_json, stdout
from promptlab.cli.runref import RUN, RunCommand
from promptlab.cli.session import Session
from promptlab.cli.workbench import open_store
from promptlab.core.plugins import unknown
from promptlab.core.results import Result, ResultFilter
from promptlab.core.types import Plan
from promptlab.report.documents.trial import result_json, turns_json
from promptlab.report.terminal.run import print_run
from promptlab.report.terminal.trial import print_result, print_tracebacks, print_turns
from promptlab.report.views.trial import conversation_view, trial_view
from promptlab.store import Store
from promptlab.templates.library import chosen_versions, natural_key

_SHOWN = 20


@click.command(cls=RunCommand)
@click.argument("run_ref", metavar="[RUN]", type=RUN, default="latest")
@click.option("--failed", is_flag=True, help="Only trials that a scorer failed.")
@click.option("--errors", is_flag=True, help="Only trials or scorers that ended in an error.")
@click.option("--case", "cases", multiple=True, metavar="ID", help="Only this case; repeatable.")
@click.option("-t", "--template", "templates", multiple=True, metavar="REF", help="Only this one.")
@click.option("--where", metavar="SQL", help="A condition over the columns of the view `results`.")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="How many trials; 20, all with --json."
)
@click.option("--full", is_flag=True, help="Whole conversations, outputs and tracebacks.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def show(
    session: Session,
    run_ref: str,
    failed: bool,
    errors: bool,
    cases: tuple[str, ...],
    templates: tuple[str, ...],
    where: str | None,
    limit: int | None,
    full: bool,
    as_json: bool,
) -> None:
    """Review the scored results of RUN (an id, a unique prefix, `latest` or `-2`)."""
    with open_store(session) as store:
        run_id = store.find_run(run_ref)
        plan = store.load_plan(run_id)
        wanted = ResultFilter(
            failed=failed,
            errors=errors,
            cases=_known_cases(plan, cases),
            templates=_versions(plan, templates),
            where=where,
        )
        shown = limit if limit or as_json else _SHOWN
        trials, more = _first_trials(store, run_id, wanted, shown)
        if as_json:
            found = _json(store, run_id, trials, full)
            print_json({"run": run_id, "results": found, "more": more})
            return
        if wanted == ResultFilter():
            print_run(stdout(), read_view(store, run_id, plan))
        for rows in trials:
            print_result(stdout(), trial_view(rows), full=full)
            if full:
                print_tracebacks(stdout(), store.tracebacks(run_id, rows[0].seq))
                turns = store.conversation(run_id, rows[0].seq)
                print_turns(stdout(), conversation_view(turns))
    if more:
        click.echo(f"There are more trials than that: --limit N shows more than {shown}.")
    elif not trials:
        click.echo(f"No trial of run {run_id} is like that.")


def _first_trials(
    store: Store, run_id: str, wanted: ResultFilter, limit: int | None
) -> tuple[list[list[Result]], bool]:
    """Read the first trials, each with a row a scorer, and whether there are more."""
    with closing(store.results(run_id, wanted)) as results:
        trials = groupby(results, key=lambda result: result.seq)
        found = [list(rows) for _, rows in islice(trials, limit)]
        return found, next(trials, None) is not None


def _known_cases(plan: Plan, cases: tuple[str, ...]) -> tuple[str, ...]:
    known = {case.id for case in plan.cases}
    for case in cases:
        if case not in known:
            raise unknown("case", case, known, of="this run")
    return cases


def _versions(plan: Plan, references: tuple[str, ...]) -> tuple[tuple[str, str | None], ...]:
    """Resolve references among the versions that the run had."""
    chosen: list[tuple[str, str | None]] = []
    for reference in references:
        name = reference.partition("@")[0]
        versions = {arm.version for arm in plan.arms if arm.template == name}
        if not versions:
            raise unknown("template", name, {arm.template for arm in plan.arms}, of="this run")
        in_order = sorted(versions, key=natural_key)
        chosen += [(name, version) for version in chosen_versions(reference, in_order, {})]
    return tuple(chosen)


def _json(
    store: Store, run_id: str, trials: list[list[Result]], full: bool
) -> list[dict[str, object]]:
    found = []
    for rows in trials:
        if not full:
            found += [result_json(row) for row in rows]
            continue
        turns = turns_json(store.conversation(run_id, rows[0].seq))
        raised = store.tracebacks(run_id, rows[0].seq)
        found += [
            {**result_json(row), "traceback": raised.get(row.scorer or ""), "turns": turns}
            for row in rows
        ]
    return found
