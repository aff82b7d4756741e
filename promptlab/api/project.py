"""A project, and everything that can be done with it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, Unpack

from promptlab.api.answers import Answer
from promptlab.api.judges import JudgePassport, Ratings
from promptlab.api.keywords import (
    AskingKeywords,
    CalibratingKeywords,
    LimitKeywords,
    Names,
    PlanKeywords,
    RunKeywords,
    TryingKeywords,
    as_tuple,
    run_settings,
    wish_of,
)
from promptlab.api.outlooks import Forecast, Looks, Planning
from promptlab.api.prompts import Version
from promptlab.api.run import Run
from promptlab.api.stored import AnyRun, StoredProject, id_of
from promptlab.core.errors import PromptlabError
from promptlab.core.ratings import Kind
from promptlab.report.views.answer import answer_view
from promptlab.report.views.forecast import forecast_view
from promptlab.report.views.gates import gate_view
from promptlab.report.views.ledger import ledger_view
from promptlab.report.views.passport import passport_view
from promptlab.report.views.planning import planning_view
from promptlab.report.views.run import run_view
from promptlab.workbench.asking import Calibrating
from promptlab.workbench.carrying import carry_out
from promptlab.workbench.jobs import Prepared
from promptlab.workbench.judging import hold_against, passports
from promptlab.workbench.ledger import looks_at
from promptlab.workbench.looping import run_to_end
from promptlab.workbench.planning import look_forward
from promptlab.workbench.progress import Progress
from promptlab.workbench.rated import read_ratings
from promptlab.workbench.resume import Bounds, prepare_resume
from promptlab.workbench.run import look_ahead, prepare_run
from promptlab.workbench.scoring import Asking, NewGrading, grade_run, whole
from promptlab.workbench.trying import Wanted, try_out
from promptlab.workbench.versions import load_version

Labels = str | PathLike[str] | Sequence[Mapping[str, Any]] | Ratings
"""What people say of outputs: a file, rows of such a file, or what `ratings` returns."""

_NONE: Mapping[str, str] = MappingProxyType({})


class Project(StoredProject):
    """A folder with templates, suites and a database.

    Calls that ask models block until they are done; each has an `_async` twin to await.
    """

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

    def answer(
        self, reference: str, values: Mapping[str, str] = _NONE, **options: Unpack[TryingKeywords]
    ) -> Answer:
        """Ask one version for one answer, on these values of its variables or on a case.

        It is stored like any answer; no run is made.
        """
        return run_to_end(self.answer_async(reference, values, **options))

    async def answer_async(
        self, reference: str, values: Mapping[str, str] = _NONE, **options: Unpack[TryingKeywords]
    ) -> Answer:
        """Ask one version for one answer, on these values of its variables or on a case."""
        wanted = Wanted(reference=reference, params=dict(values), **options)
        tried = await try_out(self._bench, wanted)
        if tried.result is None:
            raise PromptlabError(f"stopped at {tried.limit}", hint="allow more")
        about = (tried.template.source, tried.backend, tried.case)
        return Answer(answer_view(*about, tried.result, tried.calls, tried.left_out))

    def resume(self, run: AnyRun | None = None, **limits: Unpack[LimitKeywords]) -> Run:
        """Finish an interrupted run, by default the newest; failed trials are retried."""
        return run_to_end(self.resume_async(run, **limits))

    async def resume_async(self, run: AnyRun | None = None, **limits: Unpack[LimitKeywords]) -> Run:
        """Finish an interrupted run, by default the newest; failed trials are retried."""
        return await _carry(
            prepare_resume(self._bench, None if run is None else id_of(run), Bounds(**limits))
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
        done = await grade_run(self._bench, id_of(run), as_tuple(scorers), Asking(**options))
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
        how = Calibrating(run=None if run is None else id_of(run), **options)
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
        return Ratings(read_ratings(self._bench, id_of(run), kind), kind)

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


async def _carry(opening: AbstractContextManager[Prepared]) -> Run:
    """Carry out a prepared run; nothing is opened before this is awaited."""
    with opening as prepared:
        job = prepared.job
        ended = await carry_out(prepared, Progress(job.plan, job.backends.values(), time.monotonic))
    return Run(
        run_view(ended.results), ended.spent.calls, [gate_view(judged) for judged in ended.gates]
    )
