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
from promptlab.report.terminal import print_result, print_run, print_turns
from promptlab.report.view import result_json, turns_json
from promptlab.results import Result, ResultFilter
from promptlab.store import Store


@click.command(cls=RunCommand)
@click.argument("run_ref", metavar="[RUN]", type=RUN, default="latest")
@click.option("--failed", is_flag=True, help="Only trials that a scorer failed.")
@click.option("--errors", is_flag=True, help="Only trials or scorers that ended in an error.")
@click.option("--case", "cases", multiple=True, metavar="ID", help="Only this case; repeatable.")
@click.option("-t", "--template", "templates", multiple=True, metavar="REF", help="Only this one.")
@click.option("--where", metavar="SQL", help="A condition over the columns of the view `results`.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N")
@click.option("--full", is_flag=True, help="Whole conversations and outputs.")
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
    limit: int,
    full: bool,
    as_json: bool,
) -> None:
    """Review the scored results of RUN (an id, a unique prefix, `latest` or `-2`)."""
    wanted = ResultFilter(
        failed=failed, errors=errors, cases=cases, templates=_versions(templates), where=where
    )
    with open_store(session) as store:
        run_id = store.find_run(run_ref)
        trials, more = _first_trials(store, run_id, wanted, limit)
        if as_json:
            print_json({"run": run_id, "results": _json(store, run_id, trials, full)})
            return
        if wanted == ResultFilter():
            print_run(stdout(), read_view(store, run_id, store.load_plan(run_id)))
        for rows in trials:
            print_result(stdout(), rows, full=full)
            if full:
                print_turns(stdout(), store.conversation(run_id, rows[0].seq))
    if more:
        click.echo(f"These are the first {limit} trials; --limit shows more.")
    elif not trials:
        click.echo(f"No trial of run {run_id} is like that.")


def _first_trials(
    store: Store, run_id: str, wanted: ResultFilter, limit: int
) -> tuple[list[list[Result]], bool]:
    """Read the first trials, each with a row a scorer, and whether there are more."""
    with closing(store.results(run_id, wanted)) as results:
        trials = groupby(results, key=lambda result: result.seq)
        found = [list(rows) for _, rows in islice(trials, limit)]
        return found, next(trials, None) is not None


def _versions(references: tuple[str, ...]) -> tuple[tuple[str, str | None], ...]:
    parted = (reference.partition("@") for reference in references)
    return tuple(
        (name, version if version not in ("", "*") else None) for name, _, version in parted
    )


def _json(
    store: Store, run_id: str, trials: list[list[Result]], full: bool
) -> list[dict[str, object]]:
    found = []
    for rows in trials:
        turns = {"turns": turns_json(store.conversation(run_id, rows[0].seq))} if full else {}
        found += [{**result_json(row), **turns} for row in rows]
    return found
