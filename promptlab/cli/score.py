"""`promptlab score`."""

from __future__ import annotations

import click

from promptlab.cli.carry import SOME_FAILED
from promptlab.cli.output import print_json, say
from promptlab.cli.runref import RUN, RunCommand
from promptlab.cli.verbs import example
from promptlab.report.wording import counted
from promptlab.workbench.bench import Workbench
from promptlab.workbench.scoring import Grading, grade_run_again
from promptlab.workbench.session import Session


@click.command(cls=RunCommand, epilog=example("score latest", "score -2 --scorer label"))
@click.argument("run_ref", metavar="[RUN]", type=RUN, default="latest")
@click.option(
    "--scorer", "labels", multiple=True, metavar="LABEL", help="Only this scorer; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def score(session: Session, run_ref: str, labels: tuple[str, ...], as_json: bool) -> int:
    """Grade the stored outputs of RUN again, with its scorers as they are today.

    No model call is made. The new scores replace the old ones, which stay in the database.
    """
    run_id, gradings = grade_run_again(Workbench(session), run_ref, labels)
    if as_json:
        print_json({"run": run_id, "scorers": [_as_json(grading) for grading in gradings]})
    else:
        say(f"Run {run_id}, graded again without a model call:")
        for grading in gradings:
            say(f"  {_line(grading)}")
    return SOME_FAILED if any(grading.failed for grading in gradings) else 0


def _line(grading: Grading) -> str:
    parts = [counted(grading.scores, "score"), f"{grading.changed:,} changed"]
    if grading.failed:
        parts.append(f"{grading.failed:,} failed")
    return f"{grading.spec.label}: {', '.join(parts)}"


def _as_json(grading: Grading) -> dict[str, object]:
    return {
        "scorer": grading.spec.label,
        "version": grading.spec.version,
        "scores": grading.scores,
        "changed": grading.changed,
        "failed": grading.failed,
    }
