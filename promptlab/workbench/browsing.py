"""Parts of a run as they are looked at: a page of trials, a page of cases, one case in full."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby

from promptlab.analysis.case_page import CasePage
from promptlab.core.errors import PromptlabError
from promptlab.core.measured import MeasuredArm, PlacedCase
from promptlab.core.plugins import unknown
from promptlab.core.shown import ShownTrial
from promptlab.core.types import Plan, ScorerSpec
from promptlab.core.wanted import ResultFilter
from promptlab.store import Store

_ALL = ResultFilter()


@dataclass(frozen=True, slots=True)
class Book:
    """A run to look through: its plan without the cases, and the scorer that its tables show."""

    run_id: str
    plan: Plan
    scorer: ScorerSpec

    @property
    def width(self) -> int:
        """Return how many trials a case has: they stand together in the plan."""
        return len(self.plan.arms) * self.plan.repeats


@dataclass(frozen=True, slots=True)
class TrialPage:
    """Some trials; `next` is the place after which the next page begins, None on the last."""

    trials: tuple[ShownTrial, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class PageOfCases:
    """Some cases with all of their cells; `next` is the place of the last, None on the last page.

    A place is that of a case in the plan.
    """

    page: CasePage
    next: int | None


@dataclass(frozen=True, slots=True)
class CaseInFull:
    """One case, with every trial of every arm, by the places of arms in the plan."""

    page: CasePage
    trials: dict[int, list[ShownTrial]]


def open_book(store: Store, run_ref: str, scorer: str | None = None) -> Book:
    """Open a run to be looked through, by default by its primary scorer."""
    run_id = store.find_run(run_ref)
    plan = store.load_plan(run_id, cases=False)
    label = scorer or plan.primary
    for spec in plan.scorers:
        if spec.label == label:
            return Book(run_id, plan, spec)
    raise unknown("scorer", label, [spec.label for spec in plan.scorers], of=f"run {run_id}")


def page_of_trials(
    store: Store, book: Book, wanted: ResultFilter, after: int | None, size: int
) -> TrialPage:
    """Return the first wanted trials after a place, in the order of the plan."""
    places = store.matching_trials(book.run_id, wanted, size + 1, after)
    shown = places[:size]
    trials: list[ShownTrial] = []
    if shown:
        with closing(store.results(book.run_id, places=shown)) as results:
            grouped = groupby(results, key=lambda row: row.seq)
            trials = [ShownTrial(list(rows)) for _, rows in grouped]
    return TrialPage(tuple(trials), shown[-1] if len(places) > size else None)


def page_of_cases(
    store: Store, book: Book, wanted: ResultFilter, after: int | None, size: int
) -> PageOfCases:
    """Return the first cases after a place that have a wanted trial, with all of their cells."""
    first = 0 if after is None else after + 1
    if wanted == _ALL:
        places = [*range(first, first + size + 1)]
    else:
        places = _with_trials(store, book, wanted, first, size + 1)
    found = store.cells.cases_at(book.run_id, places)
    more = len(found) > size
    shown = found[:size]
    page = case_page(store, book, shown)
    return PageOfCases(page, shown[-1].place if more else None)


def _with_trials(
    store: Store, book: Book, wanted: ResultFilter, first: int, size: int
) -> list[int]:
    """Return the places of the first cases with a wanted trial, from a place on."""
    places: dict[int, None] = {}
    after = first * book.width - 1
    while len(places) < size:
        found = store.matching_trials(book.run_id, wanted, 4 * size, after)
        places.update(dict.fromkeys(seq // book.width for seq in found))
        if len(found) < 4 * size:
            break
        after = (found[-1] // book.width + 1) * book.width - 1
    return [*places][:size]


def case_page(store: Store, book: Book, cases: Sequence[PlacedCase]) -> CasePage:
    """Read the cells of these cases."""
    digests = [placed.case.digest for placed in cases]
    label = book.scorer.label
    scores = [each for each in store.arm_scores(book.run_id) if each.scorer == label]
    backends = {spec.name: spec.digest for spec in book.plan.backends}
    return CasePage(
        run_id=book.run_id,
        scorer=book.scorer,
        arms=[MeasuredArm(arm, backends[arm.backend]) for arm in book.plan.arms],
        cases=[placed.case for placed in cases],
        contents=store.cells.contents(digests),
        trials=store.cells.trials_at(book.run_id, label, [placed.place for placed in cases]),
        as_zero=any(each.as_zero for each in scores),
        verdicts=frozenset(each.arm for each in scores if each.passes is not None),
        several=store.cells.ids_of_several(book.run_id, [placed.case.id for placed in cases]),
    )


def case_in_full(store: Store, book: Book, case_id: str, digest: str | None = None) -> CaseInFull:
    """Read all of one case; of several with its id, the one whose digest begins so."""
    found = store.cells.cases_named(book.run_id, case_id)
    if digest is not None:
        found = [each for each in found if each.case.digest.partition(":")[2].startswith(digest)]
    if not found:
        raise PromptlabError(f"run {book.run_id} has no case {case_id!r}")
    page = case_page(store, book, found[:1])
    turns = store.cells.conversations(book.run_id, [trial.seq for trial in page.trials])
    places = [trial.seq for trial in page.trials]
    trials: dict[int, list[ShownTrial]] = {}
    if places:
        with closing(store.results(book.run_id, places=places)) as results:
            for seq, rows in groupby(results, key=lambda row: row.seq):
                arm = book.plan.trial(seq).arm
                trials.setdefault(arm, []).append(ShownTrial(list(rows), turns[seq]))
    return CaseInFull(page, trials)
