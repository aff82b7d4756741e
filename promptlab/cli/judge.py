"""`promptlab judge`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from promptlab.cli.numbers import Whole
from promptlab.cli.output import print_json, say, stdout
from promptlab.cli.progress import watching
from promptlab.cli.run_options import spending
from promptlab.cli.verbs import VerbGroup, example
from promptlab.report.documents.passport import passport_json
from promptlab.report.terminal.passport import print_passport
from promptlab.report.views.passport import passport_view
from promptlab.workbench.asking import ITEMS, Calibrating
from promptlab.workbench.bench import Workbench
from promptlab.workbench.judging import calibrate as hold_against
from promptlab.workbench.judging import passports
from promptlab.workbench.session import Session


@click.group(
    cls=VerbGroup, epilog=example("judge calibrate support --labels labels.csv", "judge show")
)
def judge() -> None:
    """Hold judges against people's labels, and show what they are good for."""


@judge.command(epilog=example("judge calibrate support --labels labels.csv"))
@click.argument("suite")
@click.option(
    "--labels",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="What people say of stored outputs: case, version, label, rater.",
)
@click.option("--scorer", metavar="LABEL", help="Which judge, if the suite has several.")
@click.option(
    "-b",
    "--backend",
    metavar="BACKEND",
    help="Whose outputs count, of a judge that asks the model of each output.",
)
@click.option("--run", metavar="RUN", help="The run it is of; by default the newest of SUITE.")
@click.option(
    "--items",
    type=Whole(0, 10_000),
    default=ITEMS,
    show_default=True,
    help="Labelled outputs to probe it with; 0 asks it nothing.",
)
@spending
@click.option("--offline", is_flag=True, help="Use stored answers only.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def calibrate(session: Session, /, suite: str, file: Path, as_json: bool, **options: Any) -> None:
    """Hold the judge of SUITE against people's labels, and issue its passport.

    It is asked about some of the labelled outputs again, in other dress. Later comparisons read the
    passport: they correct by the labels, or say why they do not conclude.
    """
    passport = hold_against(Workbench(session), suite, file, Calibrating(**options), watching)
    if as_json:
        print_json(passport_json(passport))
    else:
        print_passport(stdout(), passport_view(passport))


@judge.command(epilog=example("judge show", "judge show support"))
@click.argument("suite", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def show(session: Session, suite: str | None, as_json: bool) -> None:
    """Show the newest passport of each judge, of SUITE or of all suites."""
    found = passports(Workbench(session), suite)
    if as_json:
        print_json({"passports": [passport_json(passport) for passport in found]})
        return
    if not found:
        say("No judge has a passport yet: promptlab judge calibrate SUITE --labels FILE")
    for place, passport in enumerate(found):
        if place:
            say("")
        print_passport(stdout(), passport_view(passport))
