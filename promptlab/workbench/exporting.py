"""Writes the results of a run to a file, or piece by piece to whoever prints them."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from promptlab.core.files import written_beside
from promptlab.core.results import RunInfo
from promptlab.core.wanted import ResultFilter
from promptlab.exporters.runs.cells import Said
from promptlab.exporters.runs.formats import FormatName, text_of, write_file
from promptlab.exporters.runs.layout import Layout, Trial
from promptlab.store import Store
from promptlab.workbench.bench import Workbench
from promptlab.workbench.choosing import known_cases, versions_of
from promptlab.workbench.reviewing import Chosen


@dataclass(frozen=True, slots=True)
class Exported:
    """A run that was written: its id, how many trials, and what else to know of them."""

    run_id: str
    trials: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """The chosen trials of a run, one after another, and what is counted of them."""

    layout: Layout
    trials: Iterator[Trial]
    said: Said
    notes: tuple[str, ...]

    @property
    def exported(self) -> Exported:
        return Exported(self.layout.run_id, self.said.trials, (*self.notes, *self.said.notes))


def export_file(
    bench: Workbench, run_ref: str, chosen: Chosen, name: FormatName, path: Path
) -> Exported:
    """Write the chosen trials of a run; a file that is there is replaced once all is written."""
    with _opened(bench, run_ref, chosen) as source:
        with written_beside(path) as beside:
            write_file(name, beside, source.layout, source.trials, source.said)
        return source.exported


def export_text(
    bench: Workbench, run_ref: str, chosen: Chosen, name: FormatName
) -> Generator[str, None, Exported]:
    """Yield the chosen trials of a run as text, piece by piece; return what was yielded."""
    with _opened(bench, run_ref, chosen) as source:
        yield from text_of(name, source.layout, source.trials, source.said)
        return source.exported


@contextmanager
def _opened(bench: Workbench, run_ref: str, chosen: Chosen) -> Iterator[_Source]:
    with bench.open_store() as store:
        run_id = store.find_run(run_ref)
        plan = store.load_plan(run_id, cases=bool(chosen.cases))
        info = store.run(run_id)
        layout = Layout(
            run_id=run_id,
            suite=plan.suite,
            created_at=info.created_at,
            scorers=tuple(spec.label for spec in plan.scorers),
            primary=plan.primary,
            variables=tuple(store.variable_names(run_id)),
            repeats=plan.repeats,
        )
        wanted = ResultFilter(
            failed=chosen.failed,
            errors=chosen.errors,
            cases=known_cases(plan, chosen.cases),
            templates=versions_of(bench, plan, chosen.templates),
            where=chosen.where,
        )
        said = Said()
        with closing(_trials(store, run_id, wanted, said)) as trials:
            yield _Source(layout, trials, said, tuple(_unfinished(info)))


def _unfinished(info: RunInfo) -> Iterator[str]:
    if info.status != "finished":
        yield (
            f"run {info.run_id} is {info.status}: {info.stored:,} of {info.trials:,} trials have"
            " ended"
        )


def _trials(
    store: Store, run_id: str, wanted: ResultFilter, said: Said
) -> Generator[Trial, None, None]:
    """Yield whole trials, one by one: a filter on one scorer's results leaves out none of them."""
    chosen = wanted != ResultFilter()
    places = store.matching_trials(run_id, wanted) if chosen else None
    with closing(store.results(run_id, None, places)) as results:
        for _, rows in groupby(results, key=lambda result: result.seq):
            said.trials += 1
            yield list(rows)
