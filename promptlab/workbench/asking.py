"""Puts stored answers to a judge again, in other dress."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from promptlab.analysis.errors import kind_of
from promptlab.analysis.passports import Probed
from promptlab.backends import Backend
from promptlab.core.digest import seed_from
from promptlab.core.passport import Anchor
from promptlab.core.types import BackendSpec, Plan
from promptlab.executors.foreign import make_executor
from promptlab.runner.asking_again import Means
from promptlab.runner.probing import probed_scores
from promptlab.runner.regrading import Stored
from promptlab.runner.samples import Samples, weighing
from promptlab.scorers.binding import BoundScorer
from promptlab.store import Store
from promptlab.workbench.anchors import ANCHORS
from promptlab.workbench.bench import Workbench
from promptlab.workbench.jobs import make_budget
from promptlab.workbench.labelled import LabelledAnswer, LabelledAnswers
from promptlab.workbench.probes import Item, dressed, probed
from promptlab.workbench.scoring import Watching, in_silence

ITEMS = 60  # labelled answers that a judge is probed with


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrating:
    """How to calibrate: which judge of which run, with how many probes, at what cost.

    `backend` is that whose answers count, for a judge that asks the model of each answer.
    """

    scorer: str | None = None
    backend: str | None = None
    run: str | None = None
    items: int = ITEMS
    max_calls: int | None = None
    max_cost: float | None = None
    jobs: int | None = None
    offline: bool = False


USUAL = Calibrating()


async def probe(
    bench: Workbench,
    store: Store,
    judge: BoundScorer,
    found: LabelledAnswers,
    how: Calibrating = USUAL,
    watching: Watching = in_silence,
) -> Probed:
    """Ask a judge about labelled answers in other dress, always about the same ones of them.

    `watching` makes the watch of what is asked.
    """
    chosen = _drawn(found.distinct, how.items)
    plans = {run_id: store.load_plan(run_id) for run_id in {a.result.run_id for a in chosen}}
    backends = _backends(bench, judge, plans.values())
    samples_of = {run_id: Samples(plan, weighing(backends)) for run_id, plan in plans.items()}
    items = []
    for answer in chosen:
        run_id, seq = answer.result.run_id, answer.result.seq
        turns = store.conversation(run_id, seq)
        sample = samples_of[run_id].of(plans[run_id].trial(seq), turns, answer.turn)
        items.append(Item(sample, answer.turn, answer.result.score or 0.0))
    asked = dressed(items)
    first = chosen[0].result.run_id
    means = Means(
        backends,
        make_executor("local", bench.project.root, how.jobs),
        make_budget(how.max_calls, how.max_cost, backends),
        offline=how.offline,
    )
    stored = Stored(store, first, plans[first], fresh=False)
    with watching(stored.plan, backends, len(asked)) as watch:
        samples = [each.sample for each in asked]
        scores = await probed_scores(stored, judge, samples, means, watch)
    return probed(items, asked, scores, kind_of(found.judgements()))


def anchors_of(answers: Sequence[LabelledAnswer]) -> list[Anchor]:
    """Return the labelled answers that later runs ask a judge about again."""
    return [
        Anchor(each.result.run_id, each.result.seq, each.turn, each.result.score)
        for each in _drawn(answers, ANCHORS)
        if each.result.score is not None
    ]


def _drawn(answers: Sequence[LabelledAnswer], most: int) -> list[LabelledAnswer]:
    """Return some answers, always the same ones."""
    named = [(one, (one.result.case_id, one.result.arm, one.result.repeat)) for one in answers]
    return [one for one, _ in sorted(named, key=lambda each: seed_from(*each[1]))][:most]


def _backends(bench: Workbench, judge: BoundScorer, plans: Iterable[Plan]) -> Mapping[str, Backend]:
    """Create the backends that a judge asks: those that it names, else those that it grades."""
    names = set(judge.backends)
    if judge.may_ask and (judge.members or not names):
        names |= {arm.backend for plan in plans for arm in plan.arms}
    specs: dict[str, BackendSpec] = {
        spec.name: spec for plan in plans for spec in plan.backends if spec.name in names
    }
    return bench.stored_backends(specs.values())
