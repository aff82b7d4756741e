"""`promptlab show`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from promptlab.cli.choosing import choosing_trials
from promptlab.cli.formats import Format, format_of, format_option
from promptlab.cli.numbers import Whole
from promptlab.cli.output import print_data, print_json, print_json_with, say, stdout
from promptlab.cli.runref import RUN, RunCommand
from promptlab.cli.verbs import example
from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.report.documents.confusion import classified_json
from promptlab.report.documents.noted import noted_json
from promptlab.report.documents.run import part_json
from promptlab.report.documents.trial import shown_json, turns_json
from promptlab.report.terminal.confusion import print_classified
from promptlab.report.terminal.noted import print_noted
from promptlab.report.terminal.run import print_run, print_scores
from promptlab.report.terminal.trial import print_result, print_tracebacks, print_turns
from promptlab.report.views.confusion import classified_view
from promptlab.report.views.noted import noted_view
from promptlab.report.views.run import run_view
from promptlab.report.views.trial import conversation_view, trial_view
from promptlab.report.wording import counted
from promptlab.workbench.bench import Workbench
from promptlab.workbench.classifying import classified
from promptlab.workbench.rated import read_ratings
from promptlab.workbench.reviewing import Chosen, Review, Trial, review
from promptlab.workbench.runs import read_run, results_by_tag
from promptlab.workbench.session import Session

if TYPE_CHECKING:
    from promptlab.analysis.grid import Grid
    from promptlab.report.documents import matrix as matrix_document
    from promptlab.report.markdown import run as markdown
    from promptlab.report.terminal import matrix as matrix_screen
    from promptlab.report.views import matrix as matrix_views
    from promptlab.workbench import matrix as matrix_reading
else:  # for --matrix, which needs numpy
    matrix_document = lazy_module("promptlab.report.documents.matrix")
    markdown = lazy_module("promptlab.report.markdown.run")
    matrix_screen = lazy_module("promptlab.report.terminal.matrix")
    matrix_views = lazy_module("promptlab.report.views.matrix")
    matrix_reading = lazy_module("promptlab.workbench.matrix")

_SHOWN = 20


@click.command(cls=RunCommand, epilog=example("show --failed -t sentiment@v2", "show -2 --full"))
@click.argument("run_ref", metavar="[RUN]", type=RUN, default="latest")
@choosing_trials
@click.option(
    "-n",
    "--limit",
    type=Whole(1),
    metavar="N",
    help="How many trials or cases; by default 20, or all with --json.",
)
@click.option(
    "--by",
    type=click.Choice(["tag", "note"]),
    help="tag: means on the cases of each tag; note: what people noted, counted. No trials.",
)
@click.option(
    "--confusion",
    is_flag=True,
    help="Accuracy, F1 and the confusion matrix of each arm, and no trials.",
)
@click.option("--matrix", is_flag=True, help="The table of cases and arms, cases that flip first.")
@click.option(
    "--scorer", metavar="LABEL", help="The scorer of --matrix; the primary one by default."
)
@click.option("--full", is_flag=True, help="Whole conversations, outputs and tracebacks.")
@format_option
@click.pass_obj
def show(
    session: Session,
    /,
    run_ref: str,
    limit: int | None,
    full: bool,
    format_name: Format | None,
    as_json: bool,
    by: str | None,
    confusion: bool,
    **options: Any,
) -> None:
    """Review the scored results of RUN (an id, a unique prefix, `latest` or `-2`)."""
    form = format_of(format_name, as_json=as_json)
    as_json = form == "json"
    matrix, scorer = options.pop("matrix"), options.pop("scorer")
    if matrix:
        _refuse_beside("--matrix", full=full, confusion=confusion, by=by, **_untabled(options))
        most = limit if limit or as_json else _SHOWN
        grid = matrix_reading.read_grid(
            Workbench(session),
            (run_ref,),
            scorer=scorer,
            templates=options["templates"],
            cases=options["cases"],
            most=most,
        )
        _print_matrix(grid, form)
        return
    if form == "markdown":
        _refuse_beside(
            "--format markdown", full=full, confusion=confusion, by=by, scorer=scorer, **options
        )
        with Workbench(session).open_store() as store:
            whole = read_run(store, store.find_run(run_ref))
        print_data(markdown.run_markdown(run_view(whole)))
        return
    if scorer is not None:
        raise PromptlabError("--scorer chooses that of --matrix", hint="show --matrix --scorer L")
    if by is not None or confusion:
        if (by is not None and confusion) or limit or full or any(options.values()):
            raise PromptlabError(
                "--confusion counts all trials, which no filter changes"
                if confusion
                else f"--by {by} shows {_BY[by or ''][0]}, which no filter changes",
                hint="leave one of the two out",
            )
        show_all = _show_confusion if confusion else _BY[by or ""][1]
        show_all(session, run_ref, as_json=as_json)
        return
    shown = limit if limit or as_json else _SHOWN
    chosen = Chosen(**options, limit=shown)
    with review(Workbench(session), run_ref, chosen, full=full) as reviewed:
        if as_json:
            results = (row for trial in reviewed.trials for row in _json(trial, full=full))
            print_json_with({"run": reviewed.run_id, "more": reviewed.more}, "results", results)
        else:
            _print(reviewed, full=full, shown=shown)


def _untabled(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that choose trials, which a table of cases cannot go by."""
    return {name: value for name, value in options.items() if name not in ("cases", "templates")}


def _refuse_beside(option: str, **others: object) -> None:
    for name, value in others.items():
        if value:
            raise PromptlabError(
                f"{option} cannot be combined with --{name}", hint="leave one of them out"
            )


def _print_matrix(grid: Grid, form: Format) -> None:
    view = matrix_views.matrix_view(grid)
    if form == "json":
        print_json(matrix_document.matrix_json(view))
    elif form == "markdown":
        print_data(markdown.matrix_markdown(view))
    else:
        matrix_screen.print_matrix(stdout(), view)


def _show_by_tag(session: Session, run_ref: str, *, as_json: bool) -> None:
    parts = [(part, run_view(part.results)) for part in results_by_tag(Workbench(session), run_ref)]
    if as_json:
        slices = [
            {"tag": part.tag, "cases": part.cases, "arms": part_json(view)} for part, view in parts
        ]
        print_json({"run": parts[0][0].results.run.run_id, "by": "tag", "parts": slices})
        return
    for part, view in parts:
        print_scores(stdout(), f"{part.tag}: {counted(part.cases, 'case')}", view)


def _show_by_note(session: Session, run_ref: str, *, as_json: bool) -> None:
    rated = read_ratings(Workbench(session), run_ref)
    view = noted_view(rated.run_id, rated.plan, rated.ratings)
    if as_json:
        print_json(noted_json(view))
    else:
        print_noted(stdout(), view)


_BY = {"tag": ("means", _show_by_tag), "note": ("all that was noted", _show_by_note)}


def _show_confusion(session: Session, run_ref: str, *, as_json: bool) -> None:
    found = classified(Workbench(session), run_ref)
    view = classified_view(found.run_id, found.arms, found.primary, found.by_scorer, found.without)
    if as_json:
        print_json(classified_json(view))
    else:
        print_classified(stdout(), view)


def _print(reviewed: Review, *, full: bool, shown: int | None) -> None:
    if reviewed.whole is not None:
        print_run(stdout(), run_view(reviewed.whole))
    for trial in reviewed.trials:
        print_result(stdout(), trial_view(trial.rows), full=full)
        if full:
            print_tracebacks(stdout(), trial.tracebacks)
            print_turns(stdout(), conversation_view(trial.turns))
    if reviewed.more:
        say(f"There are more trials than that: --limit N shows more than {shown}.")
    elif not reviewed.count:
        say(f"No trial of run {reviewed.run_id} matches.")


def _json(trial: Trial, *, full: bool) -> list[dict[str, object]]:
    if not full:
        return [shown_json(row) for row in trial.rows]
    turns = turns_json(trial.turns)
    return [
        {**shown_json(row), "traceback": trial.tracebacks.get(row.scorer or ""), "turns": turns}
        for row in trial.rows
    ]
