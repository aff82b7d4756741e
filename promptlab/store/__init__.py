"""The store: every run, answer and score in one SQLite file. The only package with SQL.

Others use `Store`; it returns plain values, never rows or cursors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from promptlab.core.budget import Spent
from promptlab.core.errors import DamagedStore
from promptlab.core.lazy import lazy_module
from promptlab.core.outside import Outside
from promptlab.core.results import RunInfo, TemplateHistory, WiderRun
from promptlab.core.runs import BackendFacts, RunSettings
from promptlab.core.types import Case, Plan, PlanSettings
from promptlab.store import evidence, plans, queries, runs
from promptlab.store.connection import Connection, Waits, wait_a_while
from promptlab.store.encode import iso
from promptlab.store.faults import UNEXPECTED, decoded
from promptlab.store.figures import keep_figures
from promptlab.store.finding import find_run
from promptlab.store.gradings import Gradings
from promptlab.store.maintenance import Maintenance
from promptlab.store.opening import prepare
from promptlab.store.plan_settings import load_settings
from promptlab.store.ratings import Ratings
from promptlab.store.reading import Reading
from promptlab.store.texts import Texts
from promptlab.store.writer import Writer

if TYPE_CHECKING:
    from promptlab.core.measured import MeasuredRun
    from promptlab.store import answers, bulk, care, cells, judges, kept_rows, ledger, measured
else:  # what few verbs need
    answers = lazy_module("promptlab.store.answers")
    bulk = lazy_module("promptlab.store.bulk")
    care = lazy_module("promptlab.store.care")
    cells = lazy_module("promptlab.store.cells")
    judges = lazy_module("promptlab.store.judges")
    kept_rows = lazy_module("promptlab.store.kept_rows")  # numpy
    ledger = lazy_module("promptlab.store.ledger")
    measured = lazy_module("promptlab.store.measured")

__all__ = ["UNEXPECTED", "Store", "TemplateHistory", "Waits", "Writer", "wait_a_while"]
NO_SETTINGS = RunSettings()

# Trials from which on a conclusion would wait for the rows of a run: they are kept at its end.
_LARGE = 200_000


class Store(Reading, Maintenance):
    """An open database. Use it as a context manager, in the thread that opened it."""

    def __init__(self, connection: Connection, clock: Callable[[], datetime]) -> None:
        super().__init__(connection, clock)
        self.texts = Texts(connection)
        self.gradings = Gradings(connection, clock)
        self.ratings = Ratings(connection, clock)

    @classmethod
    def open(
        cls,
        path: Path,
        clock: Callable[[], datetime],
        *,
        readonly: bool = False,
        waits: Waits = wait_a_while,
    ) -> Self:
        """Open the database at `path`, creating it unless `readonly`.

        While another program holds the write lock, `waits` is called; TimeoutError gives up.
        """
        return cls(prepare(path, readonly=readonly, waits=waits), clock)

    def at_once(self) -> AbstractContextManager[None]:
        """Meanwhile, raise `StoreBusy` instead of waiting for a lock."""
        return self._connection.at_once()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @cached_property
    def ledger(self) -> ledger.Ledger:
        """What was concluded."""
        return ledger.Ledger(self._connection, self._clock)

    @cached_property
    def judges(self) -> judges.Judges:
        """What is known of judges."""
        return judges.Judges(self._connection, self._clock)

    @cached_property
    def cells(self) -> cells.CellRows:
        """The trials of some cases."""
        return cells.CellRows(self._connection, self._clock)

    @cached_property
    def answers(self) -> answers.LoneAnswers:
        """The answers that belong to no run."""
        return answers.LoneAnswers(self._connection, self._clock)

    # Runs

    def begin_run(
        self,
        run_id: str,
        plan: Plan,
        *,
        fresh: bool = False,
        settings: RunSettings = NO_SETTINGS,
        trials: int | None = None,
    ) -> None:
        """Store a new run with its whole plan. `settings` are what was requested beyond the suite.

        `trials` is the number of trials, if that is not every trial of the plan.
        """
        size = plan.size if trials is None else trials
        request = runs.RunRequest(size, fresh=fresh, settings=settings)
        runs.begin_run(self._connection, run_id, plan, self._now(), request)

    @decoded
    def resume_run(self, run_id: str) -> None:
        """Make this process the one that carries out an interrupted run."""
        runs.resume_run(self._connection, self._number(run_id))

    @decoded
    def keep_facts(self, run_id: str, backend: str, facts: BackendFacts) -> None:
        """Store with a run the facts that a backend reported when it opened."""
        runs.keep_facts(self._connection, self._number(run_id), backend, facts)

    @decoded
    def end_run(self, run_id: str, status: Literal["finished", "interrupted"]) -> None:
        """Store how a run ended."""
        number = self._number(run_id)
        runs.end_run(self._connection, number, self._now(), status=status)
        keep_figures(self._connection, number)
        if status == "finished" and self.run(run_id).trials >= _LARGE:
            kept_rows.keep_rows(self._connection, number)

    def writer(
        self, run_id: str, spent: Callable[[], Spent] = Spent, *, alone: bool = False
    ) -> Writer:
        """Return the writer of a run's results, a context manager with its own thread.

        It calls `spent` now and then, and stores what the run has spent. It waits for a lock
        without a limit; `alone`, where nobody watches it, as this store itself does.
        """
        self._number(run_id)
        waits = self._connection.waits if alone else None
        return Writer(self.path, run_id, self._clock, spent, waits)

    def add_outside(self, run_id: str, trials: Iterable[Outside]) -> None:
        """Store trials of a run that were measured elsewhere, batch by batch."""
        bulk.add_all(self._connection, self._number(run_id), trials, self._clock)

    @decoded
    def plan_settings(self, run_id: str) -> PlanSettings:
        """Return the parts of a run's plan that have no tables: without its cases, so at once."""
        return load_settings(self._connection, self._number(run_id))

    @decoded
    def load_plan(self, run_id: str, *, cases: bool = True) -> Plan:
        """Return the plan of a run, equal to the one it began with; at once without its `cases`."""
        return plans.load_plan(self._connection, self._number(run_id), cases=cases)

    @decoded
    def variable_names(self, run_id: str) -> list[str]:
        """Return the names of the variables that the cases of a run have."""
        return queries.variable_names(self._connection, self._number(run_id))

    @decoded
    def find_run(self, ref: str = "latest") -> str:
        """Return the id of the run that `ref` means: id, unique prefix, `latest`, `-2` or suite."""
        return find_run(self._connection, ref)

    @decoded
    def newest_run_of(self, digests: Sequence[str]) -> str | None:
        """Return the id of the newest run with results of all these texts, or None."""
        return evidence.newest_run_of(self._connection, digests)

    @decoded
    def wider_run(self, run_id: str, digests: Sequence[str] | None = None) -> WiderRun | None:
        """Return the earlier run with the same arms, or those of `digests`, and more cases."""
        return evidence.wider_run(self._connection, run_id, digests)

    @decoded
    def runs_beside(self, run_id: str, scorer: str) -> list[str]:
        """Return the other runs that may have measured the same as a run, newest first."""
        return evidence.runs_beside(self._connection, run_id, scorer)

    @decoded
    def first_order(self, suite: str, cases: Sequence[Case]) -> tuple[str, int] | None:
        """Return the first run to stop early on one of these cases, and the seed of its order."""
        return evidence.first_order(self._connection, suite, cases)

    @decoded
    def runs(self, limit: int | None = None) -> list[RunInfo]:
        """Return the newest runs, newest first."""
        return runs.list_runs(self._connection, limit)

    @decoded
    def run(self, run_id: str) -> RunInfo:
        """Return one run."""
        return runs.run_info(self._connection, self._number(run_id))

    @decoded
    def unfinished(self) -> list[RunInfo]:
        """Return the runs that can be resumed, newest first."""
        return runs.list_unfinished(self._connection)

    # Results

    @decoded
    def measured(self, run_id: str, scorer: str | None = None) -> MeasuredRun:
        """Return one scorer's scores for a run, in context; None means the primary scorer."""
        number = self._number(run_id)
        kept_rows.keep_rows(self._connection, number, scorer)
        with self._connection.snapshot():  # scorer and scores agree, even if regraded meanwhile
            return measured.measured(self._connection, number, scorer)

    # Maintenance

    @classmethod
    def verify_file(cls, path: Path, clock: Callable[[], datetime]) -> list[str]:
        """Return what `verify` returns, also of a file that is too damaged to be opened."""
        try:
            with cls.open(path, clock, readonly=True) as store:
                return store.verify()
        except DamagedStore as error:
            return care.verify_as_it_is(path, error)

    def _now(self) -> str:
        return iso(self._clock())

    def _number(self, run_id: str) -> int:
        return runs.run_number(self._connection, run_id)
