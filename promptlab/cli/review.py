"""`promptlab review`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from promptlab.analysis.raters import agreement_among
from promptlab.cli.choosing import only_cases, only_versions
from promptlab.cli.numbers import Whole
from promptlab.cli.output import print_json, say, stdout
from promptlab.cli.runref import RUN, RunCommand
from promptlab.cli.verbs import example
from promptlab.core import extras
from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.core.ratings import Kind
from promptlab.report.documents.raters import raters_json
from promptlab.report.terminal.raters import print_raters
from promptlab.report.wording import counted
from promptlab.workbench.bench import Workbench
from promptlab.workbench.rated import export_labels, read_ratings
from promptlab.workbench.rating_of_run import RunReview, Selection, open_review
from promptlab.workbench.session import Session

if TYPE_CHECKING:
    from promptlab.tui import review as screen
else:
    screen = lazy_module("promptlab.tui.review")


@click.command(
    cls=RunCommand, epilog=example("review", "review latest --pairs -t sentiment@v2..v3 -n 40")
)
@click.argument("run_ref", metavar="[RUN]", type=RUN, default="latest")
@click.option("--pairs", is_flag=True, help="Two outputs of a case side by side: which is better?")
@only_versions
@only_cases
@click.option("-n", "--limit", type=Whole(1), metavar="N", help="N cases, drawn by the seed.")
@click.option("--seed", type=Whole(), metavar="N", help="Draws the order; by default the run's.")
@click.option("--rater", metavar="NAME", help="Who rates; by default the user's name.")
@click.option(
    "--export",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write what was said into FILE (.csv, .jsonl) as labels, and rate nothing.",
)
@click.option(
    "--agreement", is_flag=True, help="How far raters agree, with intervals, and rate nothing."
)
@click.option("--json", "as_json", is_flag=True, help="--agreement as one JSON document on stdout.")
@click.pass_obj
def review(
    session: Session,
    /,
    run_ref: str,
    pairs: bool,
    templates: tuple[str, ...],
    cases: tuple[str, ...],
    limit: int | None,
    seed: int | None,
    rater: str | None,
    export: Path | None,
    agreement: bool,
    as_json: bool,
) -> None:
    """Rate the outputs of RUN by hand, without knowing which version they are of.

    Each verdict, note and tag is stored at once, as a score of the scorer `human`.
    """
    kind: Kind = "pairs" if pairs else "outputs"
    if as_json and not agreement:
        raise PromptlabError("--json is for --agreement", hint="show --json has the scores")
    if export is not None or agreement:
        chosen = (templates, cases, limit, seed, rater, None if export is None else agreement)
        if any(other not in (None, (), False) for other in chosen):
            raise PromptlabError(
                "--export and --agreement take all that was said of the run",
                hint="leave the other options out",
            )
        if export is not None:
            _export(session, run_ref, kind, export)
        else:
            _show_agreement(session, run_ref, kind, as_json=as_json)
        return
    selection = Selection(
        kind=kind,
        templates=templates,
        cases=cases,
        limit=limit,
        seed=seed,
    )
    with open_review(Workbench(session), run_ref, selection, rater) as opened:
        _require_terminal()
        screen.run_review(opened)
        _say_where(opened)


def _export(session: Session, run_ref: str, kind: Kind, file: Path) -> None:
    run_id, number = export_labels(Workbench(session), run_ref, kind, file)
    say(f"{counted(number, 'label')} of run {run_id} written to {file}.")


def _show_agreement(session: Session, run_ref: str, kind: Kind, *, as_json: bool) -> None:
    rated = read_ratings(Workbench(session), run_ref, kind)
    found = agreement_among(rated.ratings, kind)
    if as_json:
        print_json(raters_json(rated.run_id, found))
    else:
        print_raters(stdout(), found)


def _require_terminal() -> None:
    try:
        lazy_module("textual")
    except ModuleNotFoundError:
        raise PromptlabError(
            "review needs the package textual, which is not installed",
            hint=extras.install("review", "textual"),
        ) from None
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise PromptlabError(
            "review needs a terminal, and stdin or stderr is none",
            hint="call it without < and 2>",
        )


def _say_where(opened: RunReview) -> None:
    session = opened.session
    rated = f"{session.rated:,} of {counted(len(session.items), session.kind.removesuffix('s'))}"
    noted = f", {session.noted:,} with a note or tags" if session.noted else ""
    say(f"{session.rater} has rated {rated} of run {opened.run_id}{noted}.")
    if not session.is_done:
        say("The same command goes on from here.")
