"""`promptlab score`."""

from __future__ import annotations

from typing import Any

import click

from promptlab.cli.carry import INTERRUPTED, SOME_FAILED
from promptlab.cli.output import print_json, say, tell
from promptlab.cli.progress import watching
from promptlab.cli.run_options import spending
from promptlab.cli.runref import RUN, RunCommand
from promptlab.cli.verbs import example
from promptlab.core.visible import visible
from promptlab.report.wording import counted
from promptlab.workbench.bench import Workbench
from promptlab.workbench.interruption import Interruptible
from promptlab.workbench.scoring import Asking, NewGrading, Regraded, grade_run
from promptlab.workbench.session import Session


@click.command(
    cls=RunCommand, epilog=example("score latest", "score -2 --scorer tone --max-calls 500")
)
@click.argument("run_ref", metavar="[RUN]", type=RUN, default="latest")
@click.option(
    "--scorer", "labels", multiple=True, metavar="LABEL", help="Only this scorer; repeatable."
)
@spending
@click.option("--offline", is_flag=True, help="Make no model call; a question not stored stops it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def score(
    session: Session, /, run_ref: str, labels: tuple[str, ...], as_json: bool, **asking: Any
) -> int:
    """Grade the stored outputs of RUN again, with its scorers as they are today.

    Only scorers that ask a model make calls, for what is not stored. The new scores replace the old
    ones, which stay in the database.
    """
    bench = Workbench(session)
    with Interruptible() as interruptible:
        try:
            done = interruptible.run(grade_run(bench, run_ref, labels, Asking(**asking), watching))
        except KeyboardInterrupt:
            tell(
                "interrupted: the scores are as before, what scorers were answered is stored;"
                f" go on with: {session.command} score {run_ref}"
            )
            return INTERRUPTED
    if as_json:
        print_json(_document(done))
    else:
        _print(done)
    tell(*(f"Note: {visible(line)}" for line in done.unasked))
    if done.limit is not None:
        names = ", ".join(done.unfinished)
        tell(
            f"stopped at {done.limit}, after {counted(done.calls, 'call')}: scores as before of"
            f" {names}; go on with a larger limit: {session.command} score {done.run_id}"
        )
    failed = done.limit is not None or any(grading.failed for grading in done.gradings)
    return SOME_FAILED if failed else 0


def _print(done: Regraded) -> None:
    calls = counted(done.calls, "model call") if done.calls else "out a model call"
    say(f"Run {done.run_id}, graded again with{' ' if done.calls else ''}{calls}:")
    for grading in done.gradings:
        say(f"  {_line(grading)}")


def _line(grading: NewGrading) -> str:
    parts = [counted(grading.scores, "score"), f"{grading.changed:,} changed"]
    if grading.failed:
        parts.append(f"{grading.failed:,} failed")
    return f"{grading.spec.label}: {', '.join(parts)}"


def _document(done: Regraded) -> dict[str, object]:
    return {
        "run": done.run_id,
        "scorers": [_as_json(grading) for grading in done.gradings],
        "calls": done.calls,
        "unfinished": list(done.unfinished),
    }


def _as_json(grading: NewGrading) -> dict[str, object]:
    return {
        "scorer": grading.spec.label,
        "version": grading.spec.version,
        "scores": grading.scores,
        "changed": grading.changed,
        "failed": grading.failed,
    }
