"""The scored results of a run, trial by trial, for review."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import groupby, islice

from promptlab.core.results import Result, RunResults
from promptlab.core.types import Turn
from promptlab.core.wanted import ResultFilter
from promptlab.store import Store
from promptlab.workbench.bench import Workbench
from promptlab.workbench.choosing import known_cases, versions_of
from promptlab.workbench.runs import read_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which trials to review, by default all. `failed` and `errors` together mean either.

    `templates` are references to versions of the run, `where` is SQL over the view
    `results`, `limit` counts trials.
    """

    failed: bool = False
    errors: bool = False
    cases: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    where: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial under review: one row per scorer, and its conversation if requested.

    `tracebacks` are those of scorers that failed, by label.
    """

    rows: Sequence[Result]
    turns: Sequence[Turn] = ()
    tracebacks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Review:
    """The chosen trials of a run; `more` is set if the limit left some out.

    `whole` is the run itself, if all of its trials were chosen.
    """

    run_id: str
    trials: Iterator[Trial]
    count: int
    more: bool
    whole: RunResults | None


@contextmanager
def review(
    bench: Workbench, run_ref: str, chosen: Chosen = Chosen(), *, full: bool = False
) -> Iterator[Review]:
    """Read the chosen trials of a run; with `full`, each conversation as its trial is reached."""
    with bench.open_store() as store:
        run_id = store.find_run(run_ref)
        plan = store.load_plan(run_id, cases=bool(chosen.cases))
        wanted = ResultFilter(
            failed=chosen.failed,
            errors=chosen.errors,
            cases=known_cases(plan, chosen.cases),
            templates=versions_of(bench, plan, chosen.templates),
            where=chosen.where,
        )
        limit = None if chosen.limit is None else chosen.limit + 1
        places = store.matching_trials(run_id, wanted, limit)
        count = len(places) if chosen.limit is None else min(len(places), chosen.limit)
        whole = read_run(store, run_id, plan) if wanted == ResultFilter() else None
        first = None if chosen.limit is None else places[:count]
        with closing(_trials(store, run_id, wanted, first, full=full)) as trials:
            yield Review(run_id, islice(trials, count), count, len(places) > count, whole)


def _trials(
    store: Store, run_id: str, wanted: ResultFilter, places: Sequence[int] | None, *, full: bool
) -> Generator[Trial, None, None]:
    """Read trials one by one: all of them together may not fit into memory."""
    with closing(store.results(run_id, wanted, places)) as results:
        for _, rows in groupby(results, key=lambda result: result.seq):
            yield _trial(store, run_id, list(rows), full=full)


def _trial(store: Store, run_id: str, rows: Sequence[Result], *, full: bool) -> Trial:
    if not full:
        return Trial(rows)
    seq = rows[0].seq
    return Trial(rows, store.conversation(run_id, seq), store.tracebacks(run_id, seq))
