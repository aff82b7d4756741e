"""Opens a stored run for review: whose outputs, by whom, in which order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from promptlab.core.errors import PromptlabError
from promptlab.core.ratings import Kind, Opinion, Rating
from promptlab.core.results import GradedTrial
from promptlab.core.types import Case, Outcome, Plan
from promptlab.core.visible import is_visible
from promptlab.experiments.sample import sampled
from promptlab.store import Store
from promptlab.workbench.bench import Workbench
from promptlab.workbench.choosing import known_cases, versions_of
from promptlab.workbench.rating import RatingSession
from promptlab.workbench.rating_queue import Item, Wanted, queue

_LONGEST = 60  # characters of a rater's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What of a run is rated, by default all. `limit` counts cases, which the seed draws.

    `seed` is also that of the order; None is that of the run.
    """

    kind: Kind = "outputs"
    templates: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    limit: int | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class RatedAnswer:
    """An output as a rater sees it, and whether it was cut off, refused or empty."""

    text: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class RunReview:
    """A run under review: the session of a rater, and what is shown in it."""

    run_id: str
    suite: str
    session: RatingSession
    _store: Store
    _plan: Plan
    _graded: Mapping[int, GradedTrial]

    def case(self, item: Item) -> Case:
        """Return the case that an item is of."""
        return self._plan.cases[item.case]

    def answers(self, item: Item) -> tuple[RatedAnswer, ...]:
        """Return the outputs of an item, from left to right."""
        return tuple(self._answer(trial) for trial in item.trials)

    def _answer(self, trial: int) -> RatedAnswer:
        graded = self._graded[trial]
        turn = self._store.conversation(self.run_id, trial)[graded.graded]
        return RatedAnswer(turn.completion.text, graded.outcome)


@dataclass(frozen=True, slots=True)
class Queue:
    """What one rater is shown of a run, in order: the same as long as no trial of it is new."""

    run_id: str
    kind: Kind
    rater: str
    items: tuple[Item, ...]
    plan: Plan
    graded: Mapping[int, GradedTrial]


@contextmanager
def open_review(
    bench: Workbench, run_ref: str, selection: Selection, rater: str | None
) -> Iterator[RunReview]:
    """Open a run for a rater, by default the user of the machine."""
    if not bench.has_database:
        with bench.open_store():  # which says so
            pass
    with bench.open_store(readonly=False) as store:
        read = read_queue(bench, store, run_ref, selection, rater)
        if store.ratings.standing(read.run_id):
            store.ratings.grade(read.run_id)
        yield reviewed(store, read)


def read_queue(
    bench: Workbench, store: Store, run_ref: str, selection: Selection, rater: str | None
) -> Queue:
    """Read what a rater, by default the user of the machine, is to be shown of a run."""
    name = _named(bench.session.user() if rater is None else rater)
    run_id = store.find_run(run_ref)
    plan = store.load_plan(run_id)
    seed = plan.seed if selection.seed is None else selection.seed
    trials = store.gradings.trials(run_id)
    graded = {trial.seq: trial for trial in trials if trial.graded is not None}
    same = store.ratings.same_outputs(run_id)
    answered = {seq: same.get(seq, seq) for seq in graded}
    items = queue(plan, answered, _wanted(bench, plan, selection, seed), seed, name)
    if not items:
        raise _nothing(run_id, selection)
    return Queue(run_id, selection.kind, name, items, plan, graded)


def reviewed(store: Store, read: Queue, *, waits: bool = False) -> RunReview:
    """Return the review of a queue as it stands now.

    What is said `waits` for a database that others have locked, or else fails at once.
    """
    keeps = _Kept(store, read.run_id, waits)
    session = RatingSession(keeps, read.items, read.rater, read.kind)
    return RunReview(read.run_id, read.plan.suite, session, store, read.plan, read.graded)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The ratings of one run. Unless it `waits`, a lock is an error: the key is pressed again."""

    store: Store
    run_id: str
    waits: bool

    def standing(self) -> list[Rating]:
        return self.store.ratings.standing(self.run_id)

    def last(self, rater: str, kind: Kind) -> Rating | None:
        return self.store.ratings.last(self.run_id, rater, kind)

    def add(self, rated: Sequence[Sequence[int]], rater: str, opinion: Opinion) -> None:
        with self._patience():
            self.store.ratings.add(self.run_id, rated, rater, opinion)

    def withdraw(self, rating: Rating) -> None:
        with self._patience():
            self.store.ratings.withdraw(self.run_id, rating)

    def _patience(self) -> AbstractContextManager[None]:
        return nullcontext() if self.waits else self.store.at_once()


def _wanted(bench: Workbench, plan: Plan, selection: Selection, seed: int) -> Wanted:
    chosen = set(known_cases(plan, selection.cases)) or {case.id for case in plan.cases}
    cases = [case for case in plan.cases if case.id in chosen]
    if selection.limit is not None:
        cases = list(sampled(cases, selection.limit, seed))
    kept = {case.digest for case in cases}
    versions = versions_of(bench, plan, selection.templates)
    arms = [
        place
        for place, arm in enumerate(plan.arms)
        if not versions or any((arm.template, own) in versions for own in (arm.version, None))
    ]
    places = [place for place, case in enumerate(plan.cases) if case.digest in kept]
    return Wanted(kind=selection.kind, cases=frozenset(places), arms=frozenset(arms))


def _nothing(run_id: str, selection: Selection) -> PromptlabError:
    if selection.kind == "pairs":
        return PromptlabError(
            f"run {run_id} has no two outputs of the same case to put side by side",
            hint="run two versions on the same cases, or leave out --pairs",
        )
    return PromptlabError(f"run {run_id} has no output to rate", hint="promptlab show says why")


def _named(rater: str | None) -> str:
    if rater is None:
        raise PromptlabError("who is rating is not known", hint="--rater NAME")
    name = rater.strip()
    if not name or len(name) > _LONGEST or "\n" in name or not is_visible(name):
        raise PromptlabError(
            f"{rater!r} is no name of a rater",
            where="--rater",
            hint=f"give up to {_LONGEST} visible characters",
        )
    return name
