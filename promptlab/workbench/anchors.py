"""Whether the judges of a run still say what they said when they were calibrated.

A server may change a model behind its name. So whoever asks the judges of a run something new asks
them about a few answers of their passports again. Models that are pinned, as those on this machine
are by their weights, are not asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from promptlab.backends import is_pinned
from promptlab.core.digest import seed_from
from promptlab.core.errors import PromptlabError
from promptlab.core.passport import Anchor, passport_digest
from promptlab.core.watch import Watch
from promptlab.runner.asking_again import Means
from promptlab.runner.probing import probed_scores
from promptlab.runner.regrading import Stored
from promptlab.runner.samples import Samples, weighing
from promptlab.scorers.binding import BoundScorer
from promptlab.scorers.rivals import own_turns
from promptlab.scorers.sample import Sample

ANCHORS = 20
_APART = 1_000_000  # numbers of runs, by which their questions differ


async def ask_anchors(
    stored: Stored, scorers: Sequence[BoundScorer], said: int, means: Means, watch: Watch
) -> tuple[str, ...]:
    """Ask judges of a run about their anchors, and store by how much they moved.

    `said` is how many answers of judges are new in this run: without any, nothing is asked, since
    they said then what they said; with as many as before, what was asked before is not asked again.
    Return a line for each judge that could not be asked; the run is as good without.
    """
    told: list[str] = []
    for scorer in scorers if said else ():
        if not _is_asked(scorer, means):
            continue
        digest = passport_digest(scorer.spec)
        anchors = stored.store.judges.anchors(stored.plan.suite, digest)
        if anchors:
            backends = {name: means.backends[name] for name in scorer.backends}
            own = replace(means, backends=backends)
            try:
                await _ask(replace(stored, fresh=False), scorer, anchors, said, own, watch)
            except PromptlabError as error:
                told.append(not_asked(scorer, error))
    return tuple(told)


def not_asked(judge: BoundScorer, why: PromptlabError) -> str:
    """Return the line for a judge that could not be asked."""
    return f"judge {judge.spec.label!r}: its anchors were not asked: {why}"


def _is_asked(scorer: BoundScorer, means: Means) -> bool:
    """Return whether a scorer asks a model that may become another one under its name."""
    asks = scorer.spec.judge and scorer.may_ask
    return asks and any(
        name not in means.backends or not is_pinned(means.backends[name])
        for name in scorer.backends
    )


async def _ask(
    stored: Stored,
    scorer: BoundScorer,
    anchors: Sequence[Anchor],
    said: int,
    means: Means,
    watch: Watch,
) -> None:
    samples = list(_samples(stored, anchors, said, weighing(means.backends)))
    scores = await probed_scores(stored, scorer, samples, means, watch)
    moves = [
        score.value - anchor.score
        for anchor, score in zip(anchors, scores, strict=True)
        if score.value is not None
    ]
    if moves:
        moved, digest = sum(moves) / len(moves), passport_digest(scorer.spec)
        stored.store.judges.keep_move(stored.run_id, digest, len(moves), moved)


def _samples(
    stored: Stored, anchors: Sequence[Anchor], said: int, weighing: frozenset[str]
) -> Iterator[Sample]:
    """Yield the anchors as trials, with questions that are new after so many answers of a run."""
    plans = {run_id: stored.store.load_plan(run_id) for run_id in {one.run_id for one in anchors}}
    again = 2 + seed_from("anchors", stored.run_id, said) % _APART
    for anchor in anchors:
        plan = plans[anchor.run_id]
        turns = stored.store.conversation(anchor.run_id, anchor.seq)
        kept = [turn for _, turn in own_turns(turns)]
        sample = Samples(plan, weighing).of(plan.trial(anchor.seq), kept, anchor.turn)
        asker = sample.asker and replace(sample.asker, again=again)
        yield replace(sample, asker=asker)
