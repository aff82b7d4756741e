"""`promptlab resume`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from promptlab.cli.carry import Wanted, carry_out
from promptlab.cli.gatekeeper import stored_gates
from promptlab.cli.run import make_budget
from promptlab.cli.run_options import spending
from promptlab.cli.runref import RUN, RunCommand
from promptlab.cli.session import Session
from promptlab.cli.workbench import Workbench, open_store
from promptlab.core.budget import Spent
from promptlab.core.errors import PromptlabError
from promptlab.core.results import RunInfo
from promptlab.core.types import Json, ScorerSpec
from promptlab.executors.foreign import make_executor
from promptlab.importers.outcomes import IMPORTED
from promptlab.report.terminal.tables import counted
from promptlab.runner.flow import Job, finish
from promptlab.scorers.binding import BoundScorer, bind
from promptlab.scorers.identity import same_grading
from promptlab.store import Store
from promptlab.templates.template import Template


@click.command(cls=RunCommand)
@click.argument("run_ref", metavar="[RUN]", type=RUN, required=False)
@spending
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def resume(
    session: Session,
    run_ref: str | None,
    jobs: int | None,
    max_cost: float | None,
    max_calls: int | None,
    as_json: bool,
) -> int:
    """Finish an interrupted RUN, by default the newest; failed trials are tried again.

    Limits are those the run began with, unless they are given anew. They count what the run has
    spent before.
    """
    bench = Workbench(session)
    with open_store(session, readonly=False) as store:
        run_id = _choose(store, run_ref)
        _refuse_imported(store.run(run_id))
        plan, asked = store.load_plan(run_id), dict(store.run(run_id).overrides)
        given = {"jobs": jobs, "max_cost": max_cost, "max_calls": max_calls}
        asked.update((name, value) for name, value in given.items() if value is not None)
        scorers = bind(plan.scorers, bench.project.root)
        _refuse_other_versions(plan.scorers, scorers)
        backends = bench.stored_backends(plan.backends)
        before, max_cost = store.spent(run_id), _number(asked.get("max_cost"))
        job = Job(
            run_id=run_id,
            plan=plan,
            templates={source.digest: Template(source) for source in plan.templates},
            backends=backends,
            scorers=scorers,
            store=store,
            executor=make_executor(
                str(asked.get("executor", "local")), bench.project.root, _whole(asked.get("jobs"))
            ),
            root=bench.project.root,
            fresh=store.run(run_id).fresh,
            offline=bool(asked.get("offline", False)),
            budget=make_budget(_whole(asked.get("max_calls")), max_cost, backends, before),
            limits=bench.project.rule.limits,
        )
        store.resume_run(run_id)
        gates = stored_gates(session, plan)
        notes = () if max_cost is None else _uncounted(before)
        wanted = Wanted(session.command, gates, as_json, bench.project.rule, notes)
        return carry_out(job, finish, wanted)


def _uncounted(before: Spent) -> tuple[str, ...]:
    """Tell of answers that were paid for before there was a price, which no limit counts."""
    if not before.unpriced or before.cost_usd:
        return ()
    answers = counted(before.unpriced, "earlier answer")
    return (f"--max-cost does not count {answers} of unknown cost",)


def _number(value: Json) -> float | None:
    """Read a stored limit."""
    return float(value) if isinstance(value, (int, float)) else None


def _whole(value: Json) -> int | None:
    return value if isinstance(value, int) else None


def _choose(store: Store, run_ref: str | None) -> str:
    if run_ref is not None:
        return store.find_run(run_ref)
    unfinished = [run for run in store.unfinished() if IMPORTED not in run.overrides]
    if not unfinished:
        raise PromptlabError(
            "no run was interrupted", hint="name one to try its failed trials again"
        )
    return unfinished[0].run_id


def _refuse_imported(run: RunInfo) -> None:
    """Refuse a run whose trials were measured elsewhere: nothing here can carry them out."""
    if IMPORTED in run.overrides:
        raise PromptlabError(
            f"run {run.run_id} was imported from {run.overrides[IMPORTED]}",
            hint="there is nothing to carry out; import the file again if a part is missing",
        )


def _refuse_other_versions(stored: Sequence[ScorerSpec], bound: Sequence[BoundScorer]) -> None:
    """Refuse to grade the rest of a run by other rules than its beginning."""
    for spec, scorer in zip(stored, bound, strict=True):
        if not same_grading(spec, scorer.spec):
            raise PromptlabError(
                f"scorer {spec.label!r} is not what it was when the run began",
                hint="start a new run: it grades all anew, and stored answers cost nothing",
            )
