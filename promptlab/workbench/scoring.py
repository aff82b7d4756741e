"""Grades the stored outputs of a run again, with its scorers as they are today.

Scorers that ask a model ask what the store does not know, and nothing else. A scorer's grading is
replaced as a whole once all its scores are there, so that an interruption leaves each scorer with
either its old or its new grading, and keeps what was answered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from promptlab.backends import Backend
from promptlab.core.errors import PromptlabError
from promptlab.core.plugins import unknown
from promptlab.core.results import GradedTrial, RunInfo
from promptlab.core.types import Plan, Score, ScorerSpec
from promptlab.core.watch import NullWatch, Watch
from promptlab.executors.foreign import make_executor
from promptlab.runner.asking_again import Means, ask_rest
from promptlab.runner.regrading import Graded, Stored, grade_stored
from promptlab.scorers.binding import BoundScorer, bind, knowing
from promptlab.store import Store
from promptlab.workbench.anchors import ANCHORS, ask_anchors, judges_of
from promptlab.workbench.bench import Workbench
from promptlab.workbench.jobs import make_budget
from promptlab.workbench.looping import run_to_end
from promptlab.workbench.permission import require_code_allowed

Watching = Callable[[Plan, Mapping[str, Backend], int], AbstractContextManager[Watch]]
"""Makes the watch of questions about so many trials of a plan, for as long as they are asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How much may be asked for a grading, at once and in total, or with `offline` nothing."""

    jobs: int | None = None
    max_cost: float | None = None
    max_calls: int | None = None
    offline: bool = False


ALL_OF_IT = Asking()
"""Whatever scorers want to know."""


@dataclass(frozen=True, slots=True)
class NewGrading:
    """The result of grading a run again with one scorer: scores, and how many changed."""

    spec: ScorerSpec
    scores: int
    changed: int
    failed: int


@dataclass(frozen=True, slots=True)
class Regraded:
    """A run that was graded again, with so many model calls.

    `limit` is the limit that stopped it, and `unfinished` the scorers that are therefore as they
    were; what was answered so far is stored. `unasked` says which judges could not be asked whether
    they still say what they said before.
    """

    run_id: str
    gradings: list[NewGrading]
    calls: int = 0
    limit: str | None = None
    unfinished: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()


def in_silence(plan: Plan, backends: Mapping[str, Backend], trials: int) -> nullcontext[Watch]:
    """Watch nothing."""
    return nullcontext(NullWatch())


def grade_run_again(
    bench: Workbench, run_ref: str, labels: Collection[str] = (), asking: Asking = ALL_OF_IT
) -> tuple[str, list[NewGrading]]:
    """Grade a run with its scorers as they are today, or with those that have these labels.

    Return the id of the run, and a grading for each scorer. Raise `PromptlabError` where a limit
    does not suffice.
    """
    done = whole(run_to_end(grade_run(bench, run_ref, labels, asking)))
    return done.run_id, done.gradings


def whole(done: Regraded) -> Regraded:
    """Return what was graded; raise `PromptlabError` if a limit left a scorer out."""
    if done.limit is not None:
        raise PromptlabError(
            f"stopped at {done.limit} before scorer {done.unfinished[0]!r} had graded run"
            f" {done.run_id}",
            hint="raise the limit: what was answered so far is stored, and is not asked again",
        )
    return done


async def grade_run(
    bench: Workbench,
    run_ref: str,
    labels: Collection[str] = (),
    asking: Asking = ALL_OF_IT,
    watching: Watching = in_silence,
) -> Regraded:
    """Grade a run again as `grade_run_again` does; `watching` makes the watch of what is asked."""
    with bench.open_store(readonly=False) as store:
        run_id = store.find_run(run_ref)
        run = store.run(run_id)
        require_gradable(run)
        plan = store.load_plan(run_id)
        scorers = scorers_of(bench, run_id, plan, labels)
        weighing = bench.weighing(plan.backends) if any(each.may_ask for each in scorers) else ()
        stored = Stored(store, run_id, plan, run.fresh, frozenset(weighing))
        require_code_allowed(bench, run.suite, scorers)
        trials = store.gradings.trials(run_id)
        graded = await grade_stored(stored, trials, scorers)
        inquiry = _Inquiry(bench, stored, scorers, run, asking, watching)
        limit = await inquiry.ask_rest(graded) if graded.open else None
        unasked = await inquiry.ask_anchors(graded) if limit is None else ()
        done = _stored(stored, trials, scorers, graded, limit)
        return replace(done, calls=inquiry.calls, unasked=unasked)


def require_gradable(run: RunInfo) -> None:
    """Refuse a run that cannot be graded here and now."""
    if run.settings.imported is not None:
        raise PromptlabError(
            f"run {run.run_id} was imported from {run.settings.imported}, with its scores",
            hint="grade the outcomes where they were measured, and import them again",
        )
    if run.status == "running":
        raise PromptlabError(
            f"run {run.run_id} is still running", hint="wait for it to finish, or stop it first"
        )


def scorers_of(
    bench: Workbench, run_id: str, plan: Plan, labels: Collection[str] = ()
) -> tuple[BoundScorer, ...]:
    """Return the scorers of a run as they are today, those with these labels if any are given."""
    bound = bind(plan.graded_here, bench.project.root, prompts=bench.judge_prompts)
    known = [scorer.spec.label for scorer in bound]
    for label in labels:
        if any(spec.by_people and spec.label == label for spec in plan.scorers):
            raise PromptlabError(f"people give the scores of {label!r}", hint="promptlab review")
        if label not in known:
            raise unknown("scorer", label, known, of=f"run {run_id}")
    scorers = knowing(bound, plan.backends, plan.arms)
    return tuple(each for each in scorers if not labels or each.spec.label in labels)


class _Inquiry:
    """What is asked for a grading: the open questions of scorers, and whether judges have moved."""

    def __init__(
        self,
        bench: Workbench,
        stored: Stored,
        scorers: Sequence[BoundScorer],
        run: RunInfo,
        asking: Asking,
        watching: Watching,
    ) -> None:
        self._bench = bench
        self._stored = stored
        self._scorers = scorers
        self._run = run
        self._asking = asking
        self._watching = watching
        self._means: Means | None = None

    @property
    def calls(self) -> int:
        """Return how many calls were made."""
        return 0 if self._means is None else self._means.budget.spent.calls

    async def ask_rest(self, graded: Graded) -> str | None:
        """Ask the open questions; return the limit that left some of them open, if one did."""
        if self._asking.offline:
            raise PromptlabError(
                f"the questions of scorers about {len(graded.open):,} of the trials of run"
                f" {self._stored.run_id} have no stored answer",
                hint="grade without --offline to ask them",
            )
        means = self._means = self._make_means({*graded.open.values()})
        with self._watching(self._stored.plan, means.backends, len(graded.open)) as watch:
            await ask_rest(self._stored, self._scorers, graded, means, watch)
        return means.budget.limit if means.budget.refused else None

    async def ask_anchors(self, graded: Graded) -> tuple[str, ...]:
        """Ask judges that have said something new for this run whether they have moved.

        It is asked before what they said is added to the run: a grading that is broken off here
        asks it all the same when it goes on.
        """
        run_id, plan, known = self._stored.run_id, self._stored.plan, self._stored.store.judges
        asides = [(seq, turn) for seq, turns in graded.asides.items() for turn in turns]
        named = {turn.backend or plan.arms[plan.trial(seq).arm].backend for seq, turn in asides}
        judges = [
            judge
            for judge in judges_of(plan, self._scorers, self._of_their_own(graded))
            if judge.own is not None or not named.isdisjoint(judge.names)
        ]
        keys = {turn.request.key for _, turn in asides}
        new = known.said_to(run_id, keys) if judges and graded.error is None else 0
        if not new:
            return ()
        own = [judge.own.name for judge in judges if judge.own is not None]
        try:
            means = self._means = self._means or self._make_means(own)
        except PromptlabError as error:  # the scores are as good without
            return tuple(judge.not_asked(error) for judge in judges)
        said = known.said_anew(run_id) + new
        with self._watching(self._stored.plan, means.backends, ANCHORS * len(judges)) as watch:
            return await ask_anchors(self._stored, judges, said, means, watch)

    def _of_their_own(self, graded: Graded) -> list[str]:
        """Return the backends whose models were newly asked about answers of their own."""
        plan, keys = self._stored.plan, defaultdict[str, set[str]](set)
        for seq, turns in graded.asides.items():
            own = plan.arms[plan.trial(seq).arm].backend
            keys[own] |= {turn.request.key for turn in turns if turn.backend is None}
        known = self._stored.store.judges
        return [name for name, own in keys.items() if known.said_to(self._stored.run_id, own)]

    def _make_means(self, others: Collection[str]) -> Means:
        """Return what scorers ask with: the backends that they name, and these others."""
        wanted = {name for each in self._scorers if each.may_ask for name in each.backends}
        specs = [spec for spec in self._stored.plan.backends if spec.name in {*wanted, *others}]
        backends = self._bench.stored_backends(specs)
        asking, settings = self._asking, self._run.settings
        jobs = settings.jobs if asking.jobs is None else asking.jobs
        return Means(
            backends,
            make_executor(settings.executor, self._bench.project.root, jobs),
            make_budget(asking.max_calls, asking.max_cost, backends),
            offline=asking.offline,
            before=self._stored.store.spent(self._stored.run_id),
        )


def _stored(
    stored: Stored,
    trials: Sequence[GradedTrial],
    scorers: Sequence[BoundScorer],
    graded: Graded,
    limit: str | None,
) -> Regraded:
    """Store the gradings that are whole, and return all of them."""
    if graded.error is not None:
        raise PromptlabError(f"run {stored.run_id} cannot be graded again: {graded.error}")
    if graded.asides:
        stored.store.gradings.add_asides(stored.run_id, graded.asides)
    gradings, unfinished = [], []
    for scorer in scorers:
        label = scorer.spec.label
        own = sum(scorer.grades(stored.plan.cases[trial.case]) for trial in trials)
        if len(graded.scores[label]) == own:
            gradings.append(_replaced(stored.store, stored.run_id, scorer, graded.scores[label]))
        else:
            unfinished.append(label)
    if unfinished and limit is None:
        raise PromptlabError(
            f"{len(graded.open):,} trials were never asked about",
            hint="report it to the author of the executor, and grade the run again",
        )
    return Regraded(stored.run_id, gradings, 0, limit, tuple(unfinished))


def _replaced(
    store: Store, run_id: str, scorer: BoundScorer, scores: Mapping[int, Score]
) -> NewGrading:
    label = scorer.spec.label
    before = store.gradings.verdicts(run_id, label)
    store.gradings.replace(run_id, scorer.spec, scores)
    return NewGrading(
        spec=scorer.spec,
        scores=len(scores),
        # A changed reason is no change.
        changed=sum((each.value, each.passed) != before.get(seq) for seq, each in scores.items()),
        failed=sum(score.value is None for score in scores.values()),
    )
