"""What is stored of a project, and what it shows: nothing here asks a model or runs a suite."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

from promptlab.analysis.compare import By
from promptlab.api.keywords import (
    ChoosingKeywords,
    DecidingKeywords,
    ExportKeywords,
    Names,
    as_tuple,
    chosen,
)
from promptlab.api.report import Report
from promptlab.api.results import Comparisons, Difference, Effects, Matrix, Results
from promptlab.api.run import Run
from promptlab.core.results import RunInfo
from promptlab.exporters.runs.formats import FormatName, format_of
from promptlab.report.views.comparison import comparison_view
from promptlab.report.views.diff import diff_view
from promptlab.report.views.matrix import matrix_view
from promptlab.report.views.practices import practices_view
from promptlab.report.views.report import report_view
from promptlab.report.views.run import run_view
from promptlab.workbench.bench import Workbench
from promptlab.workbench.conclusions import Deciding, compare_runs, effects_of_practices
from promptlab.workbench.exporting import Exported, export_file
from promptlab.workbench.matrix import read_grid
from promptlab.workbench.reporting import Asked, report_of
from promptlab.workbench.reviewing import review
from promptlab.workbench.runs import read_run
from promptlab.workbench.version_diff import Aspects, diff_of

AnyRun = str | Run
"""A run: as a call returned it, or its id, a unique prefix, `latest` or `-2`."""


class StoredProject:
    """The part of a project that reads what is stored."""

    def __init__(self, bench: Workbench) -> None:
        """Use `promptlab.open_project` instead."""
        self._bench = bench
        self.folder: Path = bench.project.root

    def runs(self, limit: int | None = None) -> list[RunInfo]:
        """List the runs, the newest first."""
        with self._bench.open_store() as store:
            return store.runs(limit)

    def show(self, run: AnyRun = "latest") -> Run:
        """Read a run with the results of its arms."""
        with self._bench.open_store() as store:
            results = read_run(store, store.find_run(id_of(run)))
        return Run(run_view(results))

    def results(self, run: AnyRun = "latest", **options: Unpack[ChoosingKeywords]) -> Results:
        """Return the scored results of a run, one row per trial and scorer."""
        with review(self._bench, id_of(run), chosen(options)) as reviewed:
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
        return export_file(self._bench, id_of(run), chosen(options), name, path)

    def matrix(
        self,
        *runs: AnyRun,
        scorer: str | None = None,
        templates: Names = (),
        cases: Names = (),
        limit: int | None = None,
    ) -> Matrix:
        """Return the table of cases and arms of runs, by default of the newest."""
        chosen_arms, chosen_cases = as_tuple(templates), as_tuple(cases)
        grid = read_grid(
            self._bench,
            [id_of(run) for run in runs],
            scorer=scorer,
            templates=chosen_arms,
            cases=chosen_cases,
            most=limit,
        )
        return Matrix(matrix_view(grid))

    def compare(
        self,
        *runs: AnyRun,
        scorer: str | None = None,
        baseline: str | None = None,
        by: By = "version",
        templates: Names = (),
        **options: Unpack[DecidingKeywords],
    ) -> Comparisons:
        """Compare the arms of runs, by default of the newest, case by case.

        Versions may be named instead of runs; `templates` are the only versions to compare.
        """
        compared = compare_runs(
            self._bench,
            [id_of(run) for run in runs],
            scorer=scorer,
            baseline=baseline,
            by=by,
            templates=as_tuple(templates),
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
            self._bench, [id_of(run) for run in runs], scorer=scorer, deciding=Deciding(**options)
        )
        return Effects(practices_view(effects.evidence.basis, effects.practices, effects.rule))

    def report(
        self,
        *runs: AnyRun,
        scorer: str | None = None,
        baseline: str | None = None,
        **options: Unpack[DecidingKeywords],
    ) -> Report:
        """Return all that runs show, by default the newest, as one page that loads nothing."""
        run_refs = tuple(id_of(run) for run in runs)
        asked = Asked(run_refs, scorer, baseline, Deciding(**options))
        return Report(report_view(report_of(self._bench, asked)))

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


def id_of(run: AnyRun) -> str:
    """Return the id of a run, or what stands for it."""
    return run.id if isinstance(run, Run) else run
