"""Whether the judges of a run still say what they said when they were calibrated.

A server may change a model behind its name. So each run asks its judges about a few answers of
their passports again. Models on this machine are known by their weights, and are not asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from promptlab.core.budget import NOTHING
from promptlab.core.digest import seed_from
from promptlab.core.errors import PromptlabError
from promptlab.core.passport import Anchor, passport_digest
from promptlab.core.watch import Watch
from promptlab.runner.asking_again import Means
from promptlab.runner.flow import Job
from promptlab.runner.probing import probed_scores
from promptlab.runner.regrading import Stored
from promptlab.runner.samples import Samples, weighing
from promptlab.scorers.binding import BoundScorer
from promptlab.scorers.rivals import own_turns
from promptlab.scorers.sample import Sample

ANCHORS = 20
_APART = 1_000_000  # numbers of runs, by which their questions differ


async def ask_anchors(job: Job, watch: Watch) -> tuple[str, ...]:
    """Ask the judges of a finished run about their anchors, and store by how much they moved.

    A run that the store has answered asks nothing: its judges said then what they said. Return a
    line for each judge that could not be asked; the run is as good without.
    """
    told: list[str] = []
    if not any(map(_is_asked, job.scorers)) or not job.store.judges.asked_anew(job.run_id):
        return ()
    for scorer in job.scorers:
        if not _is_asked(scorer):
            continue
        anchors = job.store.judges.anchors(job.plan.suite, passport_digest(scorer.spec))
        if anchors and not all(_is_here(job, name) for name in scorer.backends):
            try:
                await _ask(job, scorer, anchors, watch)
            except PromptlabError as error:
                told.append(f"judge {scorer.spec.label!r}: its anchors were not asked: {error}")
    return tuple(told)


def _is_asked(scorer: BoundScorer) -> bool:
    return scorer.spec.judge and scorer.may_ask and bool(scorer.backends)


def _is_here(job: Job, name: str) -> bool:
    """Return whether a backend computes on this machine."""
    return name in job.backends and job.backends[name].capacity.batch > 1


async def _ask(job: Job, scorer: BoundScorer, anchors: list[Anchor], watch: Watch) -> None:
    backends = {name: job.backends[name] for name in scorer.backends}
    means = Means(backends, job.executor, job.budget, offline=job.offline, before=NOTHING)
    samples = list(_samples(job, anchors, weighing(backends)))
    stored = Stored(job.store, job.run_id, job.plan, fresh=False)
    scores = await probed_scores(stored, scorer, samples, means, watch)
    moves = [
        score.value - anchor.score
        for anchor, score in zip(anchors, scores, strict=True)
        if score.value is not None
    ]
    if moves:
        moved = sum(moves) / len(moves)
        job.store.judges.keep_move(job.run_id, passport_digest(scorer.spec), len(moves), moved)


def _samples(job: Job, anchors: list[Anchor], weighing: frozenset[str]) -> Iterator[Sample]:
    """Yield the anchors as trials about which every question is new to this run."""
    plans = {run_id: job.store.load_plan(run_id) for run_id in {one.run_id for one in anchors}}
    again = 2 + seed_from("anchors", job.run_id) % _APART
    for anchor in anchors:
        plan = plans[anchor.run_id]
        turns = job.store.conversation(anchor.run_id, anchor.seq)
        kept = [turn for _, turn in own_turns(turns)]
        sample = Samples(plan, weighing).of(plan.trial(anchor.seq), kept, anchor.turn)
        asker = sample.asker and replace(sample.asker, again=again)
        yield replace(sample, asker=asker)
