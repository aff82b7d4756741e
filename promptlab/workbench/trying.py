"""One answer of one version now: what `try` puts together, and what comes of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from promptlab.backends import Backend
from promptlab.cases.rows import make_cases, with_params
from promptlab.core.errors import PromptlabError
from promptlab.core.plugins import unknown
from promptlab.core.types import (
    Arm,
    BackendSpec,
    Case,
    Plan,
    Sampling,
    TrialResult,
)
from promptlab.core.watch import NullWatch, Watch
from promptlab.executors.foreign import make_executor
from promptlab.experiments.plan import sampling_of, typed_params
from promptlab.experiments.suite import Suite, load_suite, suite_names
from promptlab.runner.check import check
from promptlab.runner.requests import Renderer
from promptlab.runner.samples import weighing
from promptlab.runner.trying import Deaf, Listener, Trying, try_once
from promptlab.scorers.binding import BoundScorer, knowing
from promptlab.templates.template import Template
from promptlab.workbench.bench import Workbench
from promptlab.workbench.graders import bind_scorers, told
from promptlab.workbench.jobs import make_budget
from promptlab.workbench.permission import require_able, require_allowed

_OWN_WORDS = "-p"  # the place of a case that is given on the command line


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to try: a version, on a case of a suite or on variables.

    `suite` is by default the only one that has the template; its sampling, seed and backend count.
    `text` is the value of the only variable that nothing else gives. `score` also asks judges.
    """

    reference: str
    backend: str | None = None
    suite: str | None = None
    case_id: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    score: bool = False
    fresh: bool = False
    offline: bool = False
    max_cost: float | None = None
    max_calls: int | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it: `result` is None if the budget ended it at `limit`.

    `left_out` are the scorers that did not grade, each with the reason. `not_honoured` are lines on
    what the backend does not do as asked.
    """

    template: Template
    backend: BackendSpec
    case: Case
    result: TrialResult | None
    calls: int
    limit: str | None
    left_out: Mapping[str, str]
    not_honoured: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Ready:
    """A trial ready to be asked."""

    template: Template
    plan: Plan
    backends: Mapping[str, Backend]
    scorers: tuple[BoundScorer, ...]
    left_out: Mapping[str, str]

    @property
    def templates(self) -> Mapping[str, Template]:
        """Return the compiled template, by its digest."""
        return {self.template.source.digest: self.template}


def missing_variable(bench: Workbench, wanted: Wanted) -> str | None:
    """Return the only variable that nothing gives, None if there is none or more than one."""
    if wanted.case_id is not None:
        return None
    template = bench.library.load_one(wanted.reference)
    missing = [name for name in template.variables if name not in wanted.params]
    return missing[0] if len(missing) == 1 else None


async def try_out(
    bench: Workbench, wanted: Wanted, listener: Listener | None = None, watch: Watch | None = None
) -> Tried:
    """Ask for one answer; the listener hears it come. It is stored like any, and no run is made."""
    if wanted.offline and wanted.fresh:
        raise PromptlabError("--offline and --fresh exclude each other", hint="choose one")
    ready = _assemble(bench, wanted)
    require_able(ready.scorers, safe=bench.session.safe)
    budget = make_budget(wanted.max_calls, wanted.max_cost, ready.backends)
    asking = [scorer for scorer in ready.scorers if scorer.may_ask]
    weigh = weighing(ready.backends)
    renderer = Renderer(ready.plan, ready.templates, bench.project.root, asking, weigh)
    try:
        shortfalls = await check(renderer, ready.backends)
    except PromptlabError as error:
        raise _unanswerable(error, wanted, ready) from None
    with bench.open_store(readonly=False) as store:
        trying = Trying(
            store=store,
            backends=ready.backends,
            scorers=ready.scorers,
            executor=make_executor("local", bench.project.root, None),
            budget=budget,
            fresh=wanted.fresh,
            offline=wanted.offline,
        )
        result = await try_once(renderer, trying, listener or Deaf(), watch or NullWatch())
    return Tried(
        template=ready.template,
        backend=ready.plan.backends[0],
        case=ready.plan.cases[0],
        result=result,
        calls=budget.spent.calls,
        limit=budget.limit if result is None else None,
        left_out=ready.left_out,
        not_honoured=tuple(shortfalls.get(ready.plan.backends[0].name, ())),
    )


def _assemble(bench: Workbench, wanted: Wanted) -> _Ready:
    template = bench.library.load_one(wanted.reference)
    suites = list(_suites(bench, wanted, template))
    suite = _of_one_mind(suites, template)
    case = _case(bench, wanted, template, suite)
    spec, backend = bench.backend(*_backend(bench, wanted, suites))
    scorers, left_out = _graders(bench, wanted, suite)
    specs, backends = [spec], {spec.name: backend}
    for scorer in scorers:
        for name in scorer.backends:
            if name not in backends:
                other, backends[name] = bench.backend(name, told(scorer.where))
                specs.append(other)
    given = template.front.sampling.given()
    root = bench.project.root
    plan = Plan(
        suite="" if suite is None else suite.name,
        arms=(
            Arm(
                template=template.source.name,
                version=template.source.version,
                digest=template.source.digest,
                practices=tuple(template.practices),
                off=(),
                backend=spec.name,
                sampling=Sampling(**given) if suite is None else sampling_of(suite, template),
            ),
        ),
        cases=(case,),
        scorers=(),
        primary="",
        templates=(template.source,),
        backends=tuple(specs),
        seed=0 if suite is None else suite.settings.seed,
        grade=None if suite is None or wanted.case_id is None else suite.settings.grade,
        assets=os.path.relpath(Path.cwd() if suite is None else suite.assets, root),
    )
    known = knowing(scorers, specs)
    plan = replace(plan, scorers=tuple(scorer.spec for scorer in known))
    return _Ready(template, plan, backends, known, left_out)


def _unanswerable(error: PromptlabError, wanted: Wanted, ready: _Ready) -> PromptlabError:
    """Return why a version cannot be rendered, in the words of what was given for it."""
    given = ready.plan.cases[0].vars
    missing = [name for name in ready.template.variables if name not in given]
    if wanted.case_id is not None or not missing:
        return error
    return PromptlabError(
        f"{ready.template.reference} needs {', '.join(missing)}",
        hint="give -p NAME VALUE for each, or --case ID; a single text may be piped in",
    )


def _suites(bench: Workbench, wanted: Wanted, template: Template) -> Iterator[Suite]:
    """Yield the named suite, or else those that have the template; broken ones are passed over."""
    if wanted.suite is not None:
        yield load_suite(bench.project.suites, wanted.suite)
        return
    for name in suite_names(bench.project.suites):
        with suppress(PromptlabError):
            suite = load_suite(bench.project.suites, name)
            references = suite.settings.templates
            if template.source.name in {reference.partition("@")[0] for reference in references}:
                yield suite


def _of_one_mind(suites: Sequence[Suite], template: Template) -> Suite | None:
    """Return the suite whose settings apply: the first, if all have the same."""
    terms = {(repr(sampling_of(suite, template)), suite.settings.seed) for suite in suites}
    return suites[0] if len(terms) == 1 else None


def _case(bench: Workbench, wanted: Wanted, template: Template, suite: Suite | None) -> Case:
    """Return the named case with its variables replaced, or a case of the given variables."""
    params = typed_params(wanted.params, [template])
    if wanted.case_id is not None:
        suite = _suite_of_case(bench, wanted, template, suite)
        by_id = {case.id: case for case in suite.read_cases()}
        if wanted.case_id not in by_id:
            raise unknown("case", wanted.case_id, by_id, of=f"suite {suite.name}")
        _require_known(params, [*template.variables, *by_id[wanted.case_id].vars], template)
        [case] = with_params([by_id[wanted.case_id]], params)
        return case
    _require_known(params, template.variables, template)
    missing = [name for name in template.variables if name not in params]
    if wanted.text is not None and len(missing) == 1:
        params |= typed_params({missing[0]: wanted.text}, [template])
    [case] = make_cases([(_OWN_WORDS, {"vars": params})], _OWN_WORDS, {})
    return case


def _require_known(given: Iterable[str], known: Sequence[str], template: Template) -> None:
    """Refuse a variable that nothing reads: its name is misspelt."""
    for name in given:
        if name not in known:
            raise unknown("variable", name, list(dict.fromkeys(known)), of=template.reference)


def _suite_of_case(
    bench: Workbench, wanted: Wanted, template: Template, suite: Suite | None
) -> Suite:
    """Return the suite that a case is of; raise PromptlabError where that is open."""
    suites = list(_suites(bench, wanted, template))
    if len(suites) == 1 and suite is not None:
        return suite
    names = ", ".join(each.name for each in suites) or "none"
    raise PromptlabError(
        f"--case {wanted.case_id}: of which suite? {template.source.name} is in: {names}",
        hint="name it with --suite",
    )


def _backend(bench: Workbench, wanted: Wanted, suites: Sequence[Suite]) -> tuple[str, str]:
    """Return the backend to ask and where it is named: the only one of the suites or project."""
    if wanted.backend is not None:
        return wanted.backend, f"-b {wanted.backend}"
    own = list(dict.fromkeys(name for suite in suites for name in suite.settings.backends))
    names = own or list(bench.project.backends)
    if len(names) == 1:
        where = suites[0].document.where(("backends", 0)) if own else ""
        return names[0], where
    known = ", ".join(f"-b {name}" for name in names) or "for example -b echo"
    raise PromptlabError("which backend is to answer?", hint=f"name one: {known}")


def _graders(
    bench: Workbench, wanted: Wanted, suite: Suite | None
) -> tuple[list[BoundScorer], Mapping[str, str]]:
    """Return the scorers that grade a case, and why each of the others does not."""
    if suite is None or wanted.case_id is None:
        return [], {}
    suite = replace(suite, cases=suite.read_cases())
    bound = bind_scorers(bench, suite)
    left_out = {
        scorer.spec.label: reason
        for scorer in bound
        if (reason := _reason_against(bench, wanted, scorer)) is not None
    }
    scorers = [scorer for scorer in bound if scorer.spec.label not in left_out]
    require_allowed(suite, scorers)
    return scorers, left_out


def _reason_against(bench: Workbench, wanted: Wanted, scorer: BoundScorer) -> str | None:
    """Return why a scorer does not grade a single answer, None if it does."""
    if scorer.spec.by_people:
        return "people give its scores"
    if scorer.rivals():
        return "it compares with another version"
    if not scorer.reads_output:
        return "it weighs given answers instead of this one"
    if scorer.may_ask and not wanted.score:
        return "it asks a model: --score"
    if scorer.executes and bench.session.safe:
        return "it runs what models wrote, which --safe does not"
    return None
