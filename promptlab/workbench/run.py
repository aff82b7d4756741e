"""Prepares a run of a suite, or a forecast of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from promptlab.backends import Backend
from promptlab.core.errors import PromptlabError
from promptlab.core.runs import RunSettings
from promptlab.core.types import BackendSpec, Plan
from promptlab.executors.foreign import make_executor
from promptlab.experiments.plan import Selection, make_plan, named_templates
from promptlab.experiments.suite import Suite, load_suite
from promptlab.importers.stand_ins import imported_template
from promptlab.runner.answers import Stored
from promptlab.runner.check import check
from promptlab.runner.flow import Job, start
from promptlab.runner.forecast import Forecast, forecast
from promptlab.runner.requests import Renderer
from promptlab.runner.samples import weighing
from promptlab.scorers.binding import BoundScorer, knowing
from promptlab.store import Store
from promptlab.templates.affected import with_crlf, without_breaks
from promptlab.templates.library import TemplateLibrary
from promptlab.templates.past import restoring
from promptlab.templates.template import Template
from promptlab.workbench.bench import Workbench
from promptlab.workbench.declaring import as_declared
from promptlab.workbench.gates import check_measurable, suite_gates
from promptlab.workbench.graders import bind_scorers, places_of, told
from promptlab.workbench.holdouts import require_use_left
from promptlab.workbench.jobs import Prepared, make_budget
from promptlab.workbench.looping import run_to_end
from promptlab.workbench.permission import require_able, require_allowed
from promptlab.workbench.plan_notes import notes_of

if TYPE_CHECKING:
    from promptlab.experiments.gates import Gate

AS_WRITTEN = RunSettings()
"""The suite as its file has it."""

_LONGEST_LABEL = 60  # characters


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a run would do: its plan, the forecast, what backends will not honour, and notes."""

    plan: Plan
    forecast: Forecast
    shortfalls: Mapping[str, Sequence[str]]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Assembled:
    """A suite ready to run: the plan, and the objects that it names."""

    plan: Plan
    templates: Mapping[str, Template]
    scorers: Sequence[BoundScorer]
    backends: Mapping[str, Backend]
    gates: tuple[Gate, ...]


def look_ahead(
    bench: Workbench, suite: str, settings: RunSettings = AS_WRITTEN, *, fresh: bool = False
) -> Outlook:
    """Return what a run would do, without any call."""
    _require_sense(settings, fresh=fresh)
    ready, ordered = _in_order(bench, _assemble(bench, suite, settings), settings, fresh=fresh)
    make_budget(settings.max_calls, settings.max_cost, ready.backends)
    weigh = weighing(ready.backends)
    renderer = Renderer(ready.plan, ready.templates, bench.project.root, ready.scorers, weigh)
    outlook = run_to_end(_walk(bench, renderer, ready, fresh=fresh))
    return replace(outlook, notes=(*ordered, *_notes(bench, ready)))


@contextmanager
def prepare_run(
    bench: Workbench, suite: str, settings: RunSettings = AS_WRITTEN, *, fresh: bool = False
) -> Iterator[Prepared]:
    """Prepare a new run of a suite. The store stays open while it is carried out.

    With `fresh`, stored answers are ignored.
    """
    _require_sense(settings, fresh=fresh)
    ready = _assemble(bench, suite, settings)
    require_able(ready.scorers, safe=bench.session.safe)
    budget = make_budget(settings.max_calls, settings.max_cost, ready.backends)
    with bench.open_store(readonly=False) as store:
        check_measurable(store, ready.plan, ready.gates)
        require_use_left(store, ready.plan)
        plan, ordered = as_declared(store, ready.plan, settings, fresh=fresh)
        job = Job(
            run_id=bench.session.new_run_id(),
            plan=plan,
            templates=ready.templates,
            backends=ready.backends,
            scorers=ready.scorers,
            store=store,
            executor=make_executor(settings.executor, bench.project.root, settings.jobs),
            root=bench.project.root,
            fresh=fresh,
            offline=settings.offline,
            budget=budget,
            limits=bench.project.rule.limits,
        )
        flow = partial(start, settings=settings)
        notes = (*ordered, *_edits(store, plan), *notes_of(plan, ready.backends))
        yield Prepared(job, flow, ready.gates, bench.project.rule, notes)


def _in_order(
    bench: Workbench, ready: _Assembled, settings: RunSettings, *, fresh: bool
) -> tuple[_Assembled, tuple[str, ...]]:
    """Return a suite ready to run as its run would declare it, and notes on that."""
    if not bench.has_database:
        return ready, ()
    with bench.open_store() as store:
        require_use_left(store, ready.plan)
        plan, notes = as_declared(store, ready.plan, settings, fresh=fresh)
    return replace(ready, plan=plan), notes


def _require_sense(settings: RunSettings, *, fresh: bool) -> None:
    """Refuse settings that contradict each other, and a label that no list can show."""
    if settings.offline and fresh:
        raise PromptlabError("--offline and --fresh exclude each other", hint="choose one")
    if settings.baseline is not None and not settings.until_decided:
        raise PromptlabError(
            "--baseline requires --until-decided", hint="promptlab compare has its own --baseline"
        )
    if settings.label is not None:
        _require_label(settings.label)


def _require_label(label: str) -> None:
    if not label.strip() or not label.isprintable():
        raise PromptlabError(
            f"{label[:_LONGEST_LABEL]!r} cannot label a run: it needs a visible character, and has"
            " no line breaks or control characters",
            where="--label",
            hint='as in --label "with examples"',
        )
    if len(label) > _LONGEST_LABEL:
        raise PromptlabError(
            f"a label has at most {_LONGEST_LABEL} characters, this one has {len(label)}",
            where="--label",
        )


def _assemble(bench: Workbench, name: str, settings: RunSettings) -> _Assembled:
    suite = load_suite(bench.project.suites, name)
    suite = replace(suite, cases=suite.read_cases())
    scorers = bind_scorers(bench, suite)
    require_allowed(suite, scorers)
    specs, own = _backends(bench, suite, settings.backends)
    scorer_specs, others = _scorer_backends(bench, suite, scorers, own)
    graders = [scorer.spec for scorer in scorers]
    selection = _selection(bench, suite, settings)
    plan, templates = make_plan(
        suite, bench.library, specs, graders, selection, scorer_specs, places_of(scorers)
    )
    scorers = knowing(scorers, plan.backends, plan.arms)
    plan = replace(plan, scorers=tuple(scorer.spec for scorer in scorers))
    gates = suite_gates(suite, plan, scorers, settings.gates, bench.library)
    return _Assembled(plan, templates, scorers, {**own, **others}, gates)


def _backends(
    bench: Workbench, suite: Suite, names: Iterable[str]
) -> tuple[Sequence[BackendSpec], Mapping[str, Backend]]:
    """Create the named backends, or else those of the suite."""
    places = {name: f"-b {name}" for name in names} or {
        name: suite.document.where(("backends", place))
        for place, name in enumerate(suite.settings.backends)
    }
    return _named_backends(bench, places)


def _scorer_backends(
    bench: Workbench, suite: Suite, scorers: Sequence[BoundScorer], known: Collection[str]
) -> tuple[Sequence[BackendSpec], Mapping[str, Backend]]:
    """Create the backends that only scorers ask."""
    places = {
        name: told(scorer.where)
        for scorer in scorers
        for name in scorer.backends
        if name not in known
    }
    return _named_backends(bench, places)


def _named_backends(
    bench: Workbench, places: Mapping[str, str]
) -> tuple[Sequence[BackendSpec], Mapping[str, Backend]]:
    """Create backends by name, each with the place that names it."""
    backends = [bench.backend(name, where) for name, where in places.items()]
    return [spec for spec, _ in backends], {spec.name: backend for spec, backend in backends}


def _selection(bench: Workbench, suite: Suite, settings: RunSettings) -> Selection:
    """Return what the settings select from a suite."""
    baseline = settings.baseline
    if baseline is not None:
        baseline = _arm_named(bench.library, baseline, named_templates(suite))
    return Selection(
        templates=settings.templates,
        limit=settings.limit,
        case_ids=settings.case_ids,
        tags=settings.tags,
        split=settings.split,
        repeats=settings.repeats,
        seed=settings.seed,
        params=dict(settings.params),
        gates=settings.gates,
        until_decided=bench.project.rule.alpha if settings.until_decided else None,
        margin=bench.project.rule.min_effect,
        baseline=baseline,
    )


def _arm_named(library: TemplateLibrary, reference: str, among: Sequence[str]) -> str:
    """Return the label of the arm that a reference means: it may be one that switches practices
    off, which is no version.
    """
    try:
        return "@".join(library.only(reference, among))
    except PromptlabError:
        if reference.partition("@")[0] in library.names() and " -" not in reference:
            raise
        return reference


def _edits(store: Store, plan: Plan) -> tuple[str, ...]:
    """Note labels whose text, or whose prompts, changed after they had results."""
    notes = []
    for source in plan.templates:
        label = f"{source.name}@{source.version}"
        earlier = _texts_of(store, source.name, source.version)
        if not earlier or source.digest in earlier or with_crlf(source).digest in earlier:
            continue
        if without_breaks(source).digest in earlier:
            notes.append(
                f"the prompts of {label} now keep their line breaks after tags; earlier results"
                ' stay with the earlier prompts (to go on with those: line_breaks = "cut" in the'
                " table templates of the project's configuration)"
            )
        else:
            notes.append(
                f"{label} was edited since it was run; earlier results stay with the earlier text"
                f" (keep both: {restoring(source.name, earlier[-1])})"
            )
    return tuple(notes)


def _notes(bench: Workbench, ready: _Assembled) -> tuple[str, ...]:
    """Note what a run would note when it begins."""
    notes = notes_of(ready.plan, ready.backends)
    if not bench.has_database:
        return notes
    with bench.open_store() as store:
        return (*_edits(store, ready.plan), *notes)


def _texts_of(store: Store, name: str, version: str) -> list[str]:
    """Return the digests of all texts with results under a label, imported ones aside."""
    unknown_text = imported_template(name, version).digest
    digests = store.texts.measured(name, version)
    return [digest for digest in digests if digest != unknown_text]


async def _walk(bench: Workbench, renderer: Renderer, ready: _Assembled, *, fresh: bool) -> Outlook:
    shortfalls = await check(renderer, ready.backends)
    with _answers(bench, fresh=fresh) as stored:  # opened in the thread that uses it
        calls = await forecast(renderer, stored, ready.backends)
    return Outlook(ready.plan, calls, shortfalls)


@contextmanager
def _answers(bench: Workbench, *, fresh: bool) -> Iterator[Stored]:
    """Return the lookup of stored answers; empty for a fresh run or without a database."""
    if fresh or not bench.has_database:
        yield lambda _: {}
        return
    with bench.open_store() as store:
        yield partial(store.completions, fresh_run=None)
