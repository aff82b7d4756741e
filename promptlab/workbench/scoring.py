"""Grades the stored outputs of a run again, with today's scorers and without a model call.

A scorer's grading is replaced as a whole once all its scores are there, so that an interruption
leaves each scorer with either its old or its new grading.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from promptlab.core.errors import PromptlabError
from promptlab.core.plugins import unknown
from promptlab.core.results import GradedTrial
from promptlab.core.types import Plan, Score, ScorerSpec
from promptlab.runner.samples import Samples
from promptlab.scorers.binding import BoundScorer, bind, knowing
from promptlab.scorers.sample import Sample
from promptlab.store import Store
from promptlab.workbench.bench import Workbench
from promptlab.workbench.looping import run_to_end
from promptlab.workbench.permission import require_code_allowed

_AT_ONCE = 64  # user-defined scorers may be slow


@dataclass(frozen=True, slots=True)
class Grading:
    """The result of grading a run again with one scorer: scores, and how many changed."""

    spec: ScorerSpec
    scores: int
    changed: int
    failed: int


def grade_run_again(
    bench: Workbench, run_ref: str, labels: Collection[str] = ()
) -> tuple[str, list[Grading]]:
    """Grade a run with its scorers as they are today, or with those that have these labels.

    Return the id of the run, and a grading for each scorer.
    """
    return run_to_end(_grade_run(bench, run_ref, labels))


async def _grade_run(
    bench: Workbench, run_ref: str, labels: Collection[str]
) -> tuple[str, list[Grading]]:
    with bench.open_store(readonly=False) as store:
        run_id = store.find_run(run_ref)
        scorers = scorers_of(bench, store, run_id)
        chosen = [each for each in scorers if not labels or each.spec.label in labels]
        require_code_allowed(bench, store.run(run_id).suite, chosen)
        return run_id, await grade_again(store, run_id, scorers, labels)


def scorers_of(bench: Workbench, store: Store, run_id: str) -> tuple[BoundScorer, ...]:
    """Return the scorers of a run as they are today, in the project of the workbench."""
    run = store.run(run_id)
    if run.settings.imported is not None:
        raise PromptlabError(
            f"run {run_id} was imported from {run.settings.imported}, with its scores",
            hint="grade the outcomes where they were measured, and import them again",
        )
    if run.status == "running":
        raise PromptlabError(
            f"run {run_id} is still running", hint="wait for it to finish, or stop it first"
        )
    plan = store.load_plan(run_id)
    bound = bind(plan.graded_here, bench.project.root, prompts=bench.judge_prompts)
    return knowing(bound, plan.backends)


async def grade_again(
    store: Store, run_id: str, scorers: Sequence[BoundScorer], labels: Collection[str] = ()
) -> list[Grading]:
    """Grade a run with its scorers, or with those that have these labels, and store the scores."""
    known = [scorer.spec.label for scorer in scorers]
    for label in labels:
        if label not in known:
            raise unknown("scorer", label, known, of=f"run {run_id}")
    plan, trials = store.load_plan(run_id), store.gradings.trials(run_id)
    return [
        await _grade(store, run_id, scorer, trials, plan)
        for scorer in scorers
        if not labels or scorer.spec.label in labels
    ]


async def _grade(
    store: Store,
    run_id: str,
    scorer: BoundScorer,
    trials: Sequence[GradedTrial],
    plan: Plan,
) -> Grading:
    grades: dict[int, Score] = {}
    trials = [trial for trial in trials if scorer.grades(plan.cases[trial.case])]
    samples_of = Samples(plan)
    for start in range(0, len(trials), _AT_ONCE):
        batch = trials[start : start + _AT_ONCE]
        samples = [_sample(store, run_id, trial, plan, samples_of) for trial in batch]
        scores = await asyncio.gather(*(scorer.score(sample) for sample in samples))
        grades.update(zip((trial.seq for trial in batch), scores, strict=True))
        await asyncio.sleep(0)  # built-in scorers never suspend: let Ctrl-C through
    before = store.gradings.scores(run_id, scorer.spec.label)
    store.gradings.replace(run_id, scorer.spec, grades)
    return Grading(
        spec=scorer.spec,
        scores=len(grades),
        changed=sum(_verdict(score) != _verdict(before.get(seq)) for seq, score in grades.items()),
        failed=sum(score.value is None for score in grades.values()),
    )


def _sample(store: Store, run_id: str, graded: GradedTrial, plan: Plan, samples: Samples) -> Sample:
    return samples.of(plan.trial(graded.seq), store.conversation(run_id, graded.seq), graded.graded)


def _verdict(score: Score | None) -> tuple[float | None, bool | None] | None:
    """Return the part of a score that counts: a changed reason is not a change."""
    return None if score is None else (score.value, score.passed)
