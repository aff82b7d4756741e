"""`promptlab suite`."""

from __future__ import annotations

import click

from promptlab.cli.output import print_json, say, stdout
from promptlab.cli.verbs import VerbGroup, example
from promptlab.report.documents.suites import shown_suite_json, suite_json
from promptlab.report.terminal.suites import print_suite, print_suites
from promptlab.workbench.bench import Workbench
from promptlab.workbench.session import Session
from promptlab.workbench.suites import outline_of, suites_of


@click.group(cls=VerbGroup, epilog=example("suite list", "suite show sentiment"))
def suite() -> None:
    """List suites, and show what one says and its runs."""


@suite.command("list", epilog=example("suite list"))
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """List the suites of the project."""
    suites = suites_of(Workbench(session))
    if as_json:
        print_json([suite_json(each) for each in suites])
    elif suites:
        print_suites(stdout(), suites)
    else:
        say("There are no suites yet: a suite is a file suites/NAME.yaml")


@suite.command(epilog=example("suite show sentiment"))
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def show(session: Session, name: str, as_json: bool) -> None:
    """Show what the suite NAME says, and its runs."""
    shown = outline_of(Workbench(session), name)
    if as_json:
        print_json(shown_suite_json(shown))
    else:
        print_suite(stdout(), shown)
