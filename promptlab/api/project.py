"""A project, and all that can be asked of it."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Unpack

from promptlab.analysis.compare import By
from promptlab.api.asking import (
    ChoosingKeywords,
    DecidingKeywords,
    LimitKeywords,
    RunKeywords,
    chosen,
    run_settings,
)
from promptlab.api.prompts import Version
from promptlab.api.results import Comparisons, Difference, Effects, Forecast, Results
from promptlab.api.run import Run
from promptlab.core.results import RunInfo
from promptlab.report.views.comparison import comparison_view
from promptlab.report.views.diff import diff_view
from promptlab.report.views.forecast import forecast_view
from promptlab.report.views.gates import gate_view
from promptlab.report.views.practices import practices_view
from promptlab.report.views.run import run_view
from promptlab.workbench.bench import Workbench
from promptlab.workbench.carrying import carry_out
from promptlab.workbench.conclusions import Deciding, compare_runs, effects_of_practices
from promptlab.workbench.jobs import Prepared
from promptlab.workbench.looping import run_to_end
from promptlab.workbench.progress import Progress
from promptlab.workbench.resume import Bounds, prepare_resume
from promptlab.workbench.reviewing import review
from promptlab.workbench.run import look_ahead, prepare_run
from promptlab.workbench.runs import read_run
from promptlab.workbench.version_diff import Aspects, diff_of
from promptlab.workbench.versions import load_version

AnyRun = str | Run
"""A run: as a call has returned it, or its id, a unique prefix, `latest` or `-2`."""


class Project:
    """A folder with templates, suites and a database.

    Calls that ask models take as long as that takes; their twins that end on `_async` are awaited.
    """

    def __init__(self, bench: Workbench) -> None:
        """Take where to look; `promptlab.open_project` makes it."""
        self._bench = bench
        self.folder: Path = bench.project.root

    def __repr__(self) -> str:
        return f"<Project {str(self.folder)!r}>"

    def template(self, reference: str) -> Version:
        """Load the version that a reference means, such as `sentiment@best`."""
        return Version(load_version(self._bench, reference), self.folder)

    def run(self, suite: str, **asked: Unpack[RunKeywords]) -> Run:
        """Run a suite: every version on every case and backend, minus what is stored."""
        return run_to_end(self.run_async(suite, **asked))

    async def run_async(self, suite: str, **asked: Unpack[RunKeywords]) -> Run:
        """Run a suite: every version on every case and backend, minus what is stored."""
        return await _carry(
            prepare_run(self._bench, suite, run_settings(asked), fresh=asked.get("fresh", False))
        )

    def resume(self, run: AnyRun | None = None, **limits: Unpack[LimitKeywords]) -> Run:
        """Finish an interrupted run, by default the newest; failed trials are tried again."""
        return run_to_end(self.resume_async(run, **limits))

    async def resume_async(self, run: AnyRun | None = None, **limits: Unpack[LimitKeywords]) -> Run:
        """Finish an interrupted run, by default the newest; failed trials are tried again."""
        return await _carry(
            prepare_resume(self._bench, None if run is None else _id(run), Bounds(**limits))
        )

    def forecast(self, suite: str, **asked: Unpack[RunKeywords]) -> Forecast:
        """Say what a run would do, and make no call."""
        found = look_ahead(self._bench, suite, run_settings(asked), fresh=asked.get("fresh", False))
        return Forecast(forecast_view(found.plan, found.forecast, found.shortfalls))

    def runs(self, limit: int | None = None) -> list[RunInfo]:
        """List the runs, the newest first."""
        with self._bench.open_store() as store:
            return store.runs(limit)

    def show(self, run: AnyRun = "latest") -> Run:
        """Read a run with what the store says of its arms."""
        with self._bench.open_store() as store:
            found = read_run(store, store.find_run(_id(run)))
        return Run(run_view(found.run, found.plan, found.outcomes, found.scores))

    def results(self, run: AnyRun = "latest", **asked: Unpack[ChoosingKeywords]) -> Results:
        """Return the scored results of a run, a row for each trial and scorer."""
        with review(self._bench, _id(run), chosen(asked)) as found:
            return Results([row for trial in found.trials for row in trial.rows])

    def compare(
        self,
        *runs: AnyRun,
        scorer: str | None = None,
        baseline: str | None = None,
        by: By = "version",
        **asked: Unpack[DecidingKeywords],
    ) -> Comparisons:
        """Compare the arms of runs, by default of the newest, case by case."""
        found = compare_runs(
            self._bench,
            [_id(run) for run in runs],
            scorer=scorer,
            baseline=baseline,
            by=by,
            deciding=Deciding(**asked),
        )
        evidence = found.evidence
        label = evidence.table.scorer.label
        return Comparisons(
            comparison_view(evidence.run_ids, label, found.comparisons, found.rule, evidence.notes)
        )

    def practices(
        self, *runs: AnyRun, scorer: str | None = None, **asked: Unpack[DecidingKeywords]
    ) -> Effects:
        """Say what each practice changes in runs, by default in the newest."""
        found = effects_of_practices(
            self._bench, [_id(run) for run in runs], scorer=scorer, deciding=Deciding(**asked)
        )
        evidence = found.evidence
        label = evidence.table.scorer.label
        return Effects(practices_view(evidence.run_ids, label, found.practices, found.rule))

    def diff(
        self,
        first: str,
        second: str,
        *,
        case: str | None = None,
        suite: str | None = None,
        backend: str | None = None,
    ) -> Difference:
        """Say how two versions differ: in text, or on one case, and in results."""
        aspects = Aspects(case_id=case, suite=suite, backend=backend, even_if_same=True)
        found = diff_of(self._bench, first, second, aspects)
        return Difference(
            diff_view(found.versions, found.size, found.case, found.comparisons, found.flips)
        )


def _id(run: AnyRun) -> str:
    return run.id if isinstance(run, Run) else run


async def _carry(opening: AbstractContextManager[Prepared]) -> Run:
    """Carry a prepared run out; nothing is opened before this is awaited."""
    with opening as prepared:
        job = prepared.job
        ended = await carry_out(prepared, Progress(job.plan, job.backends.values(), time.monotonic))
    found = ended.results
    view = run_view(found.run, found.plan, found.outcomes, found.scores)
    return Run(view, ended.spent.calls, [gate_view(judged) for judged in ended.gates])
