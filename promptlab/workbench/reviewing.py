"""The scored results of a run, trial by trial, for review."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import groupby, islice

from promptlab.core.plugins import unknown
from promptlab.core.results import Result, ResultFilter, RunResults
from promptlab.core.types import Plan, Turn
from promptlab.store import Store
from promptlab.templates.references import choose, natural_key, no_such_version
from promptlab.workbench.bench import Workbench
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
        plan = store.load_plan(run_id)
        wanted = ResultFilter(
            failed=chosen.failed,
            errors=chosen.errors,
            cases=_known_cases(plan, chosen.cases),
            templates=_versions(_Tested(bench, plan), chosen.templates),
            where=chosen.where,
        )
        limit = None if chosen.limit is None else chosen.limit + 1
        places = store.matching_trials(run_id, wanted, limit)
        count = len(places) if chosen.limit is None else min(len(places), chosen.limit)
        whole = read_run(store, run_id, plan) if wanted == ResultFilter() else None
        with closing(_trials(store, run_id, wanted, full=full)) as trials:
            yield Review(run_id, islice(trials, count), count, len(places) > count, whole)


def _trials(
    store: Store, run_id: str, wanted: ResultFilter, *, full: bool
) -> Generator[Trial, None, None]:
    """Read trials one by one: all of them together may not fit into memory."""
    with closing(store.results(run_id, wanted)) as results:
        for _, rows in groupby(results, key=lambda result: result.seq):
            yield _trial(store, run_id, list(rows), full=full)


def _trial(store: Store, run_id: str, rows: Sequence[Result], *, full: bool) -> Trial:
    if not full:
        return Trial(rows)
    seq = rows[0].seq
    return Trial(rows, store.conversation(run_id, seq), store.tracebacks(run_id, seq))


def _known_cases(plan: Plan, cases: tuple[str, ...]) -> tuple[str, ...]:
    known = {case.id for case in plan.cases}
    for case in cases:
        if case not in known:
            raise unknown("case", case, known, of="this run")
    return cases


class _Tested:
    """The versions of a run, as references name them. Aliases are those of the project today."""

    def __init__(self, bench: Workbench, plan: Plan) -> None:
        self._bench = bench
        self._digests = {(arm.template, arm.version): arm.digest for arm in plan.arms}

    def names(self) -> list[str]:
        return list(dict.fromkeys(name for name, _ in self._digests))

    def versions(self, name: str) -> list[str]:
        versions = (version for template, version in self._digests if template == name)
        return sorted(versions, key=natural_key)

    def aliases(self, name: str) -> Mapping[str, str]:
        if self._bench.project_if_any is None or name not in self._bench.library.names():
            return {}
        return self._bench.library.aliases(name)

    def digest_of(self, name: str, version: str) -> str | None:
        return self._digests.get((name, version))


def _versions(tested: _Tested, references: tuple[str, ...]) -> tuple[tuple[str, str | None], ...]:
    """Resolve references to versions of the run."""
    found: list[tuple[str, str | None]] = []
    for reference in references:
        versions = choose(tested, reference)
        if not versions:
            raise no_such_version(tested, reference, of="this run")
        found += versions
    return tuple(found)
