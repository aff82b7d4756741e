"""Prepares a stored run to be finished."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from promptlab.core.budget import Spent
from promptlab.core.errors import PromptlabError
from promptlab.core.results import RunInfo
from promptlab.core.runs import RunSettings
from promptlab.core.types import ScorerSpec
from promptlab.executors.foreign import make_executor
from promptlab.runner.flow import Job, finish
from promptlab.scorers.binding import BoundScorer, bind, knowing
from promptlab.scorers.identity import same_grading
from promptlab.store import Store
from promptlab.templates.template import Template
from promptlab.workbench.bench import Workbench
from promptlab.workbench.gates import stored_gates
from promptlab.workbench.jobs import Prepared, make_budget
from promptlab.workbench.permission import require_code_allowed
from promptlab.workbench.scoring import Asking, grade_run_again


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much may be sent, at once and in total; None keeps what the run began with."""

    jobs: int | None = None
    max_cost: float | None = None
    max_calls: int | None = None

    def over(self, settings: RunSettings) -> RunSettings:
        """Return the settings with these bounds."""
        return replace(
            settings,
            jobs=settings.jobs if self.jobs is None else self.jobs,
            max_cost=settings.max_cost if self.max_cost is None else self.max_cost,
            max_calls=settings.max_calls if self.max_calls is None else self.max_calls,
        )


AS_BEGUN = Bounds()
"""The limits that a run began with."""


@contextmanager
def prepare_resume(
    bench: Workbench, run_ref: str | None, bounds: Bounds = AS_BEGUN
) -> Iterator[Prepared]:
    """Prepare a stored run to be finished, by default the newest interrupted one.

    Bounds include what the run has already spent. The store stays open while it is carried out.
    """
    root = bench.project.root
    with bench.open_store(readonly=False) as store:
        run_id = _choose(store, run_ref)
        _refuse_imported(store.run(run_id))
        plan, settings = store.load_plan(run_id), bounds.over(store.run(run_id).settings)
        bound = bind(plan.graded_here, root, prompts=bench.judge_prompts)
        scorers = knowing(bound, plan.backends, plan.arms)
        require_code_allowed(bench, plan.suite, scorers)
        regraded: tuple[str, ...] = ()
        if changed := _changed(plan.graded_here, scorers):
            left = _left(settings, store.spent(run_id))
            regraded = _grade_as_today(bench, run_id, changed, left)
            plan = store.load_plan(run_id)
        backends = bench.stored_backends(plan.backends)
        before = store.spent(run_id)
        job = Job(
            run_id=run_id,
            plan=plan,
            templates={source.digest: Template(source) for source in plan.templates},
            backends=backends,
            scorers=scorers,
            store=store,
            executor=make_executor(settings.executor, root, settings.jobs),
            root=root,
            fresh=store.run(run_id).fresh,
            offline=settings.offline,
            budget=make_budget(settings.max_calls, settings.max_cost, backends, before),
            limits=bench.project.rule.limits,
        )
        store.resume_run(run_id)
        gates = stored_gates(plan, bench.library)
        notes = (*regraded, *(() if settings.max_cost is None else _uncounted(before)))
        yield Prepared(job, finish, gates, bench.project.rule, notes)


def _uncounted(before: Spent) -> tuple[str, ...]:
    """Note answers that were paid for before a price was set, which no limit counts."""
    if not before.unpriced or before.cost_usd:
        return ()
    answers = "1 earlier answer" if before.unpriced == 1 else f"{before.unpriced:,} earlier answers"
    return (f"--max-cost does not count {answers} of unknown cost",)


def _choose(store: Store, run_ref: str | None) -> str:
    if run_ref is not None:
        return store.find_run(run_ref)
    unfinished = [run for run in store.unfinished() if run.settings.imported is None]
    if not unfinished:
        raise PromptlabError("no run was interrupted", hint="name a run to retry its failed trials")
    return unfinished[0].run_id


def _refuse_imported(run: RunInfo) -> None:
    """Refuse an imported run, whose trials cannot be carried out here."""
    if run.settings.imported is not None:
        raise PromptlabError(
            f"run {run.run_id} was imported from {run.settings.imported}",
            hint="there is nothing to resume; import the file again if a part is missing",
        )


def _changed(stored: Sequence[ScorerSpec], bound: Sequence[BoundScorer]) -> list[BoundScorer]:
    """Return the scorers that grade by other rules than when the run began.

    Raise `PromptlabError` for one that is not ours: whether it means to is the user's to say.
    """
    pairs = zip(stored, bound, strict=True)
    changed = [scorer for spec, scorer in pairs if not same_grading(spec, scorer.spec)]
    for scorer in changed:
        if not scorer.built_in:
            raise PromptlabError(
                f"scorer {scorer.spec.label!r} has changed since the run began",
                hint="start a new run: it grades everything again, and stored answers cost nothing",
            )
    return changed


def _left(settings: RunSettings, spent: Spent) -> Asking:
    """Return how much a run may still ask."""
    calls, cost = settings.max_calls, settings.max_cost
    return Asking(
        jobs=settings.jobs,
        max_cost=None if cost is None else max(0.0, cost - spent.cost_usd),
        max_calls=None if calls is None else max(0, calls - spent.calls),
        offline=settings.offline,
    )


def _grade_as_today(
    bench: Workbench, run_id: str, changed: Sequence[BoundScorer], left: Asking
) -> tuple[str, ...]:
    """Grade what there is of a run by today's rules; return a note for each score that differs."""
    labels = [scorer.spec.label for scorer in changed]
    _, gradings = grade_run_again(bench, run_id, labels, left)
    return tuple(
        f"scorer {grading.spec.label!r} grades differently since this run began: it was graded "
        f"again, and {grading.changed:,} of {grading.scores:,} scores changed"
        for grading in gradings
        if grading.changed
    )
