"""Whether the judges of a run still say what they said when they were calibrated.

A server may change a model behind its name. So whoever asks the judges of a run something new asks
them about a few answers of their passports again. Models that are pinned, as those on this machine
are by their weights, are not asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from promptlab.backends import is_pinned
from promptlab.core.digest import seed_from
from promptlab.core.errors import PromptlabError
from promptlab.core.passport import Anchor, passport_digest
from promptlab.core.types import BackendSpec, Plan
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


@dataclass(frozen=True, slots=True)
class Judge:
    """A judge that may have a passport: a scorer, and the backends that it asks.

    `own` is that of the answers, where the scorer asks the model of each answer.
    """

    scorer: BoundScorer
    names: tuple[str, ...]
    own: BackendSpec | None = None

    @property
    def digest(self) -> str:
        """Return the digest that binds its passport to it."""
        return passport_digest(self.scorer.spec, None if self.own is None else self.own.digest)

    def not_asked(self, why: PromptlabError) -> str:
        """Return the line for a judge that could not be asked."""
        of_it = "" if self.own is None else f", asked of {self.own.name} about its own answers"
        return f"judge {self.scorer.spec.label!r}{of_it}: its anchors were not asked: {why}"


def asks_own(scorer: BoundScorer) -> bool:
    """Return whether a scorer may ask the model of each answer: each is another judge then."""
    return scorer.may_ask and (bool(scorer.members) or not scorer.backends)


def judges_of(plan: Plan, scorers: Sequence[BoundScorer], own: Collection[str]) -> list[Judge]:
    """Return the judges among scorers, whether or not they have a passport.

    `own` are the backends whose models have said something new of answers of their own.
    """
    found: dict[str, Judge] = {}
    for scorer in scorers:
        if not (scorer.spec.judge and scorer.may_ask):
            continue
        judges = [Judge(scorer, scorer.backends)] if scorer.backends else []
        if asks_own(scorer):
            judges += [
                Judge(scorer, tuple(dict.fromkeys((spec.name, *scorer.backends))), spec)
                for spec in plan.backends
                if spec.name in own
            ]
        for judge in judges:  # one model may have two names
            found.setdefault(judge.digest, judge)
    return list(found.values())


async def ask_anchors(
    stored: Stored, judges: Sequence[Judge], said: int, means: Means, watch: Watch
) -> tuple[str, ...]:
    """Ask judges of a run about their anchors, and store by how much they moved.

    `said` is how many answers of judges are new in this run: without any, nothing is asked, since
    they said then what they said; with as many as before, what was asked before is not asked again.
    Return a line for each judge that could not be asked; the run is as good without.
    """
    told: list[str] = []
    for judge in judges if said else ():
        if not means.backends.keys() >= {*judge.names}:  # it was not asked anything for this run
            continue
        backends = {name: means.backends[name] for name in judge.names}
        if all(map(is_pinned, backends.values())):
            continue
        anchors = stored.store.judges.anchors(stored.plan.suite, judge.digest)
        if anchors:
            own = replace(means, backends=backends)
            try:
                await _ask(replace(stored, fresh=False), judge, anchors, said, own, watch)
            except PromptlabError as error:
                told.append(judge.not_asked(error))
    return tuple(told)


async def _ask(
    stored: Stored,
    judge: Judge,
    anchors: Sequence[Anchor],
    said: int,
    means: Means,
    watch: Watch,
) -> None:
    samples = list(_samples(stored, judge.own, anchors, said, weighing(means.backends)))
    scores = await probed_scores(stored, judge.scorer, samples, means, watch)
    moves = [
        score.value - anchor.score
        for anchor, score in zip(anchors, scores, strict=True)
        if score.value is not None
    ]
    if moves:
        moved = sum(moves) / len(moves)
        stored.store.judges.keep_move(stored.run_id, judge.digest, len(moves), moved)


def _samples(
    stored: Stored,
    own: BackendSpec | None,
    anchors: Sequence[Anchor],
    said: int,
    weighing: frozenset[str],
) -> Iterator[Sample]:
    """Yield the anchors as trials, with questions that are new after so many answers of a run.

    They ask the model `own` about its own answers, under the name that it has in this run.
    """
    plans = {run_id: stored.store.load_plan(run_id) for run_id in {one.run_id for one in anchors}}
    again = 2 + seed_from("anchors", stored.run_id, said) % _APART
    for anchor in anchors:
        plan = plans[anchor.run_id]
        turns = stored.store.conversation(anchor.run_id, anchor.seq)
        kept = [turn for _, turn in own_turns(turns)]
        sample = Samples(plan, weighing).of(plan.trial(anchor.seq), kept, anchor.turn)
        asker = sample.asker and replace(sample.asker, again=again)
        if asker is not None and own is not None:
            digests = {**asker.digests, own.name: own.digest}
            asker = replace(asker, backend=own.name, digests=digests)
        yield replace(sample, asker=asker)
