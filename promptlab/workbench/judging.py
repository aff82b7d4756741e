"""Holds a judge against labels of people, probes it, and keeps its passport."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from promptlab.analysis.passports import Probed, figures_of, issued
from promptlab.cases.files import read_rows
from promptlab.core.errors import PromptlabError
from promptlab.core.passport import Passport, Share, passport_digest
from promptlab.core.plugins import unknown
from promptlab.importers.labels import Label, read_labels
from promptlab.scorers.binding import BoundScorer
from promptlab.scorers.judges.orders import PAIRWISE
from promptlab.stats.intervals import wilson
from promptlab.store import Store
from promptlab.workbench.asking import USUAL, Calibrating, anchors_of, probe
from promptlab.workbench.bench import Workbench
from promptlab.workbench.labelled import LabelledAnswers, labelled_answers
from promptlab.workbench.looping import run_to_end
from promptlab.workbench.permission import require_code_allowed
from promptlab.workbench.runs import order_agreement
from promptlab.workbench.scoring import Watching, in_silence, require_gradable, scorers_of


def calibrate(
    bench: Workbench,
    suite: str,
    file: Path,
    how: Calibrating = USUAL,
    watching: Watching = in_silence,
) -> Passport:
    """Hold the judge of a suite's newest run against the labels of a file; keep its passport."""
    return run_to_end(hold_against(bench, suite, file, how, watching))


async def hold_against(
    bench: Workbench,
    suite: str,
    source: Path | Sequence[Mapping[str, Any]],
    how: Calibrating = USUAL,
    watching: Watching = in_silence,
) -> Passport:
    """Hold a judge against labels as `calibrate` does: those of a file, or rows of such a file."""
    where = str(source) if isinstance(source, Path) else "labels"
    if isinstance(source, Path):
        rows = read_rows(source, where)
    else:
        rows = ((f"{where}[{place}]", row) for place, row in enumerate(source))
    labels = list(read_labels(rows))
    if not labels:
        raise PromptlabError("there are no labels", where=where, hint="label some outputs")
    with bench.open_store(readonly=False) as store:
        run_id = _newest(store, suite) if how.run is None else store.find_run(how.run)
        _require_of_suite(store, run_id, suite, "--run")
        judge = _judge(store, bench, run_id, how.scorer)
        require_code_allowed(bench, suite, [judge])
        runs = _Runs(store, suite, run_id, judge)
        _require_in_range(labels, judge)
        labels = _of_backend(labels, how.backend)
        found = labelled_answers(store, labels, judge.spec, runs.of)
        model = _own_model(store, judge, found)
        judgements = found.judgements()
        probes = Probed()
        if how.items:
            probes = await probe(bench, store, judge, found, how, watching)
        probes = replace(probes, order=_orders(store, run_id, judge))
        cases = len(store.load_plan(run_id).cases)
        figures = figures_of(judgements, found.counted, probes, cases)
        told = [[each.result.run_id, each.result.seq, dict(each.ratings)] for each in found.answers]
        passport = issued(suite, judge.spec, told, figures, bench.rule.limits, model)
        store.judges.add(passport, _kept(found), anchors_of(found.distinct))
    return passport


def passports(bench: Workbench, suite: str | None = None) -> list[Passport]:
    """Return the newest passport of each judge of a suite, or of all suites."""
    with bench.open_store() as store:
        found = store.judges.newest(suite)
        if not found and suite is not None:
            known = dict.fromkeys(run.suite for run in store.runs())
            if suite not in known:
                raise unknown("suite", suite, [*known])
    return found


class _Runs:
    """The runs that labels are of: each of the suite, graded by the very same judge."""

    def __init__(self, store: Store, suite: str, newest: str, judge: BoundScorer) -> None:
        self._store = store
        self._suite = suite
        self._judge = judge
        self._newest = newest
        self._checked: dict[str, str] = {}

    def of(self, label: Label) -> str:
        """Return the id of the run of a label."""
        named = label.run or self._newest
        if named not in self._checked:
            try:
                run_id = self._store.find_run(named)
                _require_of_suite(self._store, run_id, self._suite, f"{label.where}: run")
                _require_same(self._store, run_id, self._judge)
            except PromptlabError as error:
                raise (error if error.where else error.at(f"{label.where}: run")) from None
            self._checked[named] = run_id
        return self._checked[named]


def _newest(store: Store, suite: str) -> str:
    runs = store.runs()
    for run in runs:
        if (run.suite, run.status, run.settings.imported) == (suite, "finished", None):
            return run.run_id
    if suite not in {run.suite for run in runs}:
        raise unknown("suite", suite, [*dict.fromkeys(run.suite for run in runs)])
    raise PromptlabError(f"no run of {suite} is finished", hint="promptlab resume")


def _require_of_suite(store: Store, run_id: str, suite: str, where: str) -> None:
    of = store.run(run_id).suite
    if of != suite:
        raise PromptlabError(
            f"run {run_id} is of suite {of!r}, not {suite!r}",
            where=where,
            hint="calibrate each suite's judge by itself",
        )


def _judge(store: Store, bench: Workbench, run_id: str, label: str | None) -> BoundScorer:
    """Return the judge of a run as it is today, which must be what it was then."""
    require_gradable(store.run(run_id))
    scorers = scorers_of(bench, run_id, store.load_plan(run_id))
    judges = {scorer.spec.label: scorer for scorer in scorers if scorer.spec.judge}
    if not judges:
        raise PromptlabError(
            f"no scorer of run {run_id} asks a model or a person",
            hint="others need no passport: they do what they say",
        )
    if label is not None and label not in judges:
        raise unknown("judge", label, judges, of=f"run {run_id}")
    if label is None and len(judges) > 1:
        raise PromptlabError(
            f"run {run_id} has {len(judges)} judges: {', '.join(judges)}", hint="--scorer NAME"
        )
    judge = judges[label or next(iter(judges))]
    _require_same(store, run_id, judge)
    return judge


def _require_same(store: Store, run_id: str, judge: BoundScorer) -> None:
    label = judge.spec.label
    stored = {spec.label: spec for spec in store.load_plan(run_id).scorers}
    if label not in stored:
        raise unknown("scorer", label, stored, of=f"run {run_id}")
    if passport_digest(stored[label]) != passport_digest(judge.spec):
        raise PromptlabError(
            f"the judge {label!r} is another one than in run {run_id}",
            hint="run the suite again, where stored answers cost nothing, and calibrate that run",
        )


def _require_in_range(labels: Iterable[Label], judge: BoundScorer) -> None:
    """Refuse labels that the judge could never give: grades of 1 to 5 for shares of 1."""
    beyond = (label for label in labels if not 0 <= label.value <= 1)
    label = next(beyond, None) if judge.shares else None
    if label is not None:
        raise PromptlabError(
            f"the label {label.value:g} is beyond the scores of {judge.spec.label!r}, from 0 to 1",
            where=f"{label.where}: label",
            hint="write pass or fail, or a number from 0 to 1, such as 0.5 for grade 3 of 1 to 5",
        )


def _of_backend(labels: Sequence[Label], backend: str | None) -> list[Label]:
    """Return the labels of one backend's answers, of all where none is named."""
    if backend is None:
        return [*labels]
    found = [
        replace(label, backend=backend) for label in labels if label.backend in (None, backend)
    ]
    if not found:
        raise unknown("backend", backend, [*{label.backend or "" for label in labels}])
    return found


def _own_model(store: Store, judge: BoundScorer, found: LabelledAnswers) -> tuple[str, str] | None:
    """Return the backend that judged its own answers, by name and digest; None if named ones did.

    Each model is a judge of its own, so it must be one alone.
    """
    runs = {answer.result.run_id for answer in found.answers}
    models = {
        (result.backend, digest)
        for run_id, own in [(each, store.judges.own_models(each, judge.spec)) for each in runs]
        for result in (answer.result for answer in found.answers)
        if result.run_id == run_id and (digest := own.get(result.backend)) is not None
    }
    if len(models) > 1:
        names = sorted({name for name, _ in models})
        several = ", ".join(names) if len(names) > 1 else f"{names[0]}, which has changed"
        raise PromptlabError(
            f"the judge {judge.spec.label!r} asks the model of each answer, and these are of"
            f" several: {several}",
            hint="calibrate it for each with --backend NAME" if len(names) > 1 else "--run RUN",
        )
    return next(iter(models), None)


def _orders(store: Store, run_id: str, judge: BoundScorer) -> Share | None:
    """Return how often a judge of pairs says the same in both orders."""
    if judge.spec.name != PAIRWISE:
        return None
    found = order_agreement(store, run_id, judge.spec.label)
    return Share(found.agree, found.pairs, wilson(found.agree, found.pairs))


def _kept(found: LabelledAnswers) -> list[tuple[str, int, int, float]]:
    """Return what people say of each answer: what a model says corrects nothing."""
    if not found.counted.of_people:
        return []
    return [
        (answer.result.run_id, answer.result.seq, answer.turn, fmean(said.values()))
        for answer in found.answers
        for said in [answer.ratings[found.kind]]
    ]
