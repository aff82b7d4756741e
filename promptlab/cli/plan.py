"""`promptlab plan`."""

from __future__ import annotations

from typing import Any

import click

from promptlab.cli.numbers import Amount
from promptlab.cli.output import print_json, stdout, tell
from promptlab.cli.params import ParamCommand
from promptlab.cli.run_options import selecting, settings_of
from promptlab.cli.verbs import example
from promptlab.core.visible import visible
from promptlab.report.documents.planning import planning_json
from promptlab.report.terminal.planning import print_planning
from promptlab.report.views.planning import planning_view
from promptlab.workbench.bench import Workbench
from promptlab.workbench.planning import Wish, look_forward
from promptlab.workbench.session import Session


@click.command(
    cls=ParamCommand,
    epilog=example("plan sentiment", "plan sentiment --effect 0.1 --until-decided"),
)
@click.argument("suite")
@selecting
@click.option(
    "--effect",
    type=Amount(min=0, min_open=True),
    metavar="D",
    help="The difference to find; by default twice the project's min_effect, or 0.05.",
)
@click.option(
    "--alpha",
    type=Amount(0, 1, min_open=True, max_open=True),
    help="Level of all tests together; 0.05 by default.",
)
@click.option("--baseline", metavar="REF", help="Plan to compare all others with this version.")
@click.option("--until-decided", is_flag=True, help="Plan for a run that may stop early.")
@click.option(
    "--case-cost",
    type=Amount(min=0),
    default=0.0,
    metavar="CALLS",
    help="What one more case costs to write, counted in calls.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def plan(
    session: Session,
    /,
    suite: str,
    effect: float | None,
    alpha: float | None,
    baseline: str | None,
    case_cost: float,
    as_json: bool,
    **options: Any,
) -> None:
    """Show what SUITE can show and what more it takes, without any call.

    Spreads are those of earlier runs of the suite, if there are any.
    """
    wish = Wish(effect=effect, alpha=alpha, baseline=baseline, case_cost=case_cost)
    planned = look_forward(Workbench(session), suite, settings_of(options), wish)
    outlook = planned.outlook
    tell(*(f"Note: {visible(note)}" for note in outlook.notes))
    view = planning_view(planned.prospect, outlook.forecast, outlook.shortfalls)
    if as_json:
        print_json(planning_json(view))
    else:
        print_planning(stdout(), view)
