"""A project, and everything that can be done with it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from os import PathLike
from pathlib import Path
from typing import Any, Unpack

from promptlab.analysis.compare import By
from promptlab.api.judges import JudgePassport, Ratings
from promptlab.api.keywords import (
    AskingKeywords,
    CalibratingKeywords,
    ChoosingKeywords,
    DecidingKeywords,
    ExportKeywords,
    LimitKeywords,
    Names,
    PlanKeywords,
    RunKeywords,
    as_tuple,
    chosen,
    run_settings,
    wish_of,
)
from promptlab.api.outlooks import Forecast, Looks, Planning
from promptlab.api.prompts import Version
from promptlab.api.results import Comparisons, Difference, Effects, Results
from promptlab.api.run import Run
from promptlab.core.ratings import Kind
from promptlab.core.results import RunInfo
from promptlab.exporters.runs.formats import FormatName, format_of
from promptlab.report.views.comparison import comparison_view
from promptlab.report.views.diff import diff_view
from promptlab.report.views.forecast import forecast_view
from promptlab.report.views.gates import gate_view
from promptlab.report.views.ledger import ledger_view
from promptlab.report.views.passport import passport_view
from promptlab.report.views.planning import planning_view
from promptlab.report.views.practices import practices_view
from promptlab.report.views.run import run_view
from promptlab.workbench.asking import Calibrating
from promptlab.workbench.bench import Workbench
from promptlab.workbench.carrying import carry_out
from promptlab.workbench.conclusions import Deciding, compare_runs, effects_of_practices
from promptlab.workbench.exporting import Exported, export_file
from promptlab.workbench.jobs import Prepared
from promptlab.workbench.judging import hold_against, passports
from promptlab.workbench.ledger import looks_at
from promptlab.workbench.looping import run_to_end
from promptlab.workbench.planning import look_forward
from promptlab.workbench.progress import Progress
from promptlab.workbench.rated import read_ratings
from promptlab.workbench.resume import Bounds, prepare_resume
from promptlab.workbench.reviewing import review
from promptlab.workbench.run import look_ahead, prepare_run
from promptlab.workbench.runs import read_run
from promptlab.workbench.scoring import Asking, NewGrading, grade_run, whole
from promptlab.workbench.version_diff import Aspects, diff_of
from promptlab.workbench.versions import load_version

Labels = str | PathLike[str] | Sequence[Mapping[str, Any]] | Ratings
"""What people say of outputs: a file, rows of such a file, or what `ratings` returns."""

AnyRun = str | Run
"""A run: as a call returned it, or its id, a unique prefix, `latest` or `-2`."""


class Project:
    """A folder with templates, suites and a database.

    Calls that ask models block until they are done; each has an `_async` twin to await.
    """

    def __init__(self, bench: Workbench) -> None:
        """Use `promptlab.open_project` instead."""
        self._bench = bench
        self.folder: Path = bench.project.root

    def __repr__(self) -> str:
        return f"<Project {str(self.folder)!r}>"

    def template(self, reference: str) -> Version:
        """Load the version that a reference names, such as `sentiment@best`."""
        return Version(load_version(self._bench, reference), self.folder)

    def run(self, suite: str, **options: Unpack[RunKeywords]) -> Run:
        """Run a suite: every version on every case and backend, minus what is stored."""
        return run_to_end(self.run_async(suite, **options))

    async def run_async(self, suite: str, **options: Unpack[RunKeywords]) -> Run:
        """Run a suite: every version on every case and backend, minus what is stored."""
        return await _carry(
            prepare_run(
                self._bench, suite, run_settings(options), fresh=options.get("fresh", False)
            )
        )

    def resume(self, run: AnyRun | None = None, **limits: Unpack[LimitKeywords]) -> Run:
        """Finish an interrupted run, by default the newest; failed trials are retried."""
        return run_to_end(self.resume_async(run, **limits))

    async def resume_async(self, run: AnyRun | None = None, **limits: Unpack[LimitKeywords]) -> Run:
        """Finish an interrupted run, by default the newest; failed trials are retried."""
        return await _carry(
            prepare_resume(self._bench, None if run is None else _id(run), Bounds(**limits))
        )

    def score(
        self, run: AnyRun = "latest", *, scorers: Names = (), **options: Unpack[AskingKeywords]
    ) -> list[NewGrading]:
        """Grade stored outputs again with today's scorers, all or those with these labels.

        Only scorers that ask a model make calls, for what is not stored. Return for each scorer how
        many scores there are and how many changed.
        """
        return run_to_end(self.score_async(run, scorers=scorers, **options))

    async def score_async(
        self, run: AnyRun = "latest", *, scorers: Names = (), **options: Unpack[AskingKeywords]
    ) -> list[NewGrading]:
        """Grade stored outputs again with today's scorers, all or those with these labels."""
        done = await grade_run(self._bench, _id(run), as_tuple(scorers), Asking(**options))
        return whole(done).gradings

    def calibrate(
        self,
        suite: str,
        labels: Labels,
        *,
        run: AnyRun | None = None,
        **options: Unpack[CalibratingKeywords],
    ) -> JudgePassport:
        """Hold a suite's judge against people's labels, and keep its passport.

        `labels` are a file, rows of such a file, or what `ratings` returns. The judge is asked
        about some of the labelled outputs again, in other dress.
        """
        return run_to_end(self.calibrate_async(suite, labels, run=run, **options))

    async def calibrate_async(
        self,
        suite: str,
        labels: Labels,
        *,
        run: AnyRun | None = None,
        **options: Unpack[CalibratingKeywords],
    ) -> JudgePassport:
        """Hold a suite's judge against people's labels, and keep its passport."""
        how = Calibrating(run=None if run is None else _id(run), **options)
        source: Path | Sequence[Mapping[str, Any]]
        if isinstance(labels, Ratings):
            source = labels.to_dicts()
        elif isinstance(labels, str | PathLike):
            source = Path(labels)
        else:
            source = labels
        return JudgePassport(passport_view(await hold_against(self._bench, suite, source, how)))

    def passports(self, suite: str | None = None) -> list[JudgePassport]:
        """Return the newest passport of each judge, of a suite or of all suites."""
        return [JudgePassport(passport_view(each)) for each in passports(self._bench, suite)]

    def ratings(self, run: AnyRun = "latest", *, kind: Kind = "outputs") -> Ratings:
        """Return what people said of the outputs of a run, or of `pairs` of them."""
        return Ratings(read_ratings(self._bench, _id(run), kind), kind)

    def forecast(self, suite: str, **options: Unpack[RunKeywords]) -> Forecast:
        """Return what a run would do, without any call."""
        outlook = look_ahead(
            self._bench, suite, run_settings(options), fresh=options.get("fresh", False)
        )
        return Forecast(forecast_view(outlook.plan, outlook.forecast, outlook.shortfalls))

    def plan(self, suite: str, **options: Unpack[PlanKeywords]) -> Planning:
        """Return what a suite can show and what more it takes, without any call."""
        planned = look_forward(self._bench, suite, *wish_of(options))
        outlook = planned.outlook
        return Planning(planning_view(planned.prospect, outlook.forecast, outlook.shortfalls))

    def ledger(self, suite: str) -> Looks:
        """Return what was concluded of the cases of a suite, look by look."""
        return Looks(ledger_view(suite, looks_at(self._bench, suite)))

    def runs(self, limit: int | None = None) -> list[RunInfo]:
        """List the runs, the newest first."""
        with self._bench.open_store() as store:
            return store.runs(limit)

    def show(self, run: AnyRun = "latest") -> Run:
        """Read a run with the results of its arms."""
        with self._bench.open_store() as store:
            results = read_run(store, store.find_run(_id(run)))
        return Run(run_view(results))

    def results(self, run: AnyRun = "latest", **options: Unpack[ChoosingKeywords]) -> Results:
        """Return the scored results of a run, one row per trial and scorer."""
        with review(self._bench, _id(run), chosen(options)) as reviewed:
            return Results([row for trial in reviewed.trials for row in trial.rows])

    def export(
        self,
        file: str | Path,
        run: AnyRun = "latest",
        *,
        format: FormatName | None = None,
        **options: Unpack[ExportKeywords],
    ) -> Exported:
        """Write the results of a run to a file, one row per trial; its ending tells the format."""
        path = Path(file)
        name = format_of(format, path)
        return export_file(self._bench, _id(run), chosen(options), name, path)

    def compare(
        self,
        *runs: AnyRun,
        scorer: str | None = None,
        baseline: str | None = None,
        by: By = "version",
        **options: Unpack[DecidingKeywords],
    ) -> Comparisons:
        """Compare the arms of runs, by default of the newest, case by case."""
        compared = compare_runs(
            self._bench,
            [_id(run) for run in runs],
            scorer=scorer,
            baseline=baseline,
            by=by,
            deciding=Deciding(**options),
        )
        return Comparisons(
            comparison_view(compared.evidence.basis, compared.comparisons, compared.rule)
        )

    def practices(
        self, *runs: AnyRun, scorer: str | None = None, **options: Unpack[DecidingKeywords]
    ) -> Effects:
        """Return what each practice changes in runs, by default in the newest."""
        effects = effects_of_practices(
            self._bench, [_id(run) for run in runs], scorer=scorer, deciding=Deciding(**options)
        )
        return Effects(practices_view(effects.evidence.basis, effects.practices, effects.rule))

    def diff(
        self,
        first: str,
        second: str,
        *,
        case: str | None = None,
        suite: str | None = None,
        backend: str | None = None,
    ) -> Difference:
        """Return how two versions differ: in text, or on one case, and in results."""
        aspects = Aspects(case_id=case, suite=suite, backend=backend, even_if_same=True)
        difference = diff_of(self._bench, first, second, aspects)
        return Difference(
            diff_view(
                difference.versions,
                difference.size,
                difference.case,
                difference.results,
                difference.hunks,
            )
        )


def _id(run: AnyRun) -> str:
    return run.id if isinstance(run, Run) else run


async def _carry(opening: AbstractContextManager[Prepared]) -> Run:
    """Carry out a prepared run; nothing is opened before this is awaited."""
    with opening as prepared:
        job = prepared.job
        ended = await carry_out(prepared, Progress(job.plan, job.backends.values(), time.monotonic))
    return Run(
        run_view(ended.results), ended.spent.calls, [gate_view(judged) for judged in ended.gates]
    )
