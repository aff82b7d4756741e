"""`promptlab runs`."""

from __future__ import annotations

import sys

import click

from promptlab.cli.numbers import Whole
from promptlab.cli.output import print_json, say, stdout, tell
from promptlab.cli.runref import RUN, RunCommand
from promptlab.cli.verbs import VerbGroup, example
from promptlab.core.errors import PromptlabError
from promptlab.report.documents.run import runs_json
from promptlab.report.terminal.runs import print_runs
from promptlab.report.views.runs import loss_line, runs_view
from promptlab.workbench.bench import Workbench
from promptlab.workbench.deleting import delete_runs, losses_of
from promptlab.workbench.session import Session


@click.group(
    cls=VerbGroup,
    invoke_without_command=True,
    epilog=example("runs -n 5", "runs delete 20260131-0412 --yes"),
)
@click.option(
    "-n",
    "--limit",
    type=Whole(1),
    default=20,
    show_default=True,
    help="How many runs.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_context
def runs(ctx: click.Context, limit: int, as_json: bool) -> None:
    """List the runs, the newest first."""
    if ctx.invoked_subcommand is not None:
        return
    session: Session = ctx.obj
    with Workbench(session).open_store() as store:
        infos = store.runs(limit)
    if as_json:
        print_json(runs_json(runs_view(infos)))
    elif infos:
        print_runs(stdout(), runs_view(infos))
    else:
        say("There are no runs yet: promptlab run SUITE")


@runs.command(cls=RunCommand, epilog=example("runs delete 20260131-0412 --yes"))
@click.argument("run_refs", metavar="RUN...", type=RUN, nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def delete(session: Session, run_refs: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Delete runs with their trials, scores and ratings; says first what is lost.

    Templates, what other runs use and the ledger of looks stay. Answers that no run has any more
    go with the next `promptlab db vacuum`. A run that later conclusions go by is not deleted, nor
    any that is named with it: one that could stop early, one of chosen cases (`-n`, `--case`,
    `--tag`) that was looked at or run again.
    """
    bench = Workbench(session)
    losses = losses_of(bench, run_refs)
    tell(*map(loss_line, losses))
    if not yes and not _agreed(len(losses)):
        raise PromptlabError("nothing was deleted", hint="--yes deletes without asking")
    deleted = delete_runs(bench, losses)
    if as_json:
        print_json({"deleted": deleted})
    else:
        say(f"Deleted: {', '.join(deleted)}. promptlab db vacuum returns the space to the disk.")


def _agreed(number: int) -> bool:
    """Ask whoever sits at the terminal; where nobody does, nobody agrees."""
    if not sys.stdin.isatty():
        return False
    what = "this run" if number == 1 else f"these {number} runs"
    return click.confirm(f"Delete {what} for ever?", err=True)
