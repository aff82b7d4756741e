"""From a suite and the user's selection to a plan: arms, cases, sampling and scorers as a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from promptlab.cases.rows import with_params
from promptlab.core.digest import case_json, seed_from
from promptlab.core.documents import parse_json
from promptlab.core.errors import PromptlabError
from promptlab.core.groups import drawn_as
from promptlab.core.plugins import unknown
from promptlab.core.runs import Split
from promptlab.core.types import (
    Arm,
    BackendSpec,
    Case,
    Json,
    Plan,
    Sampling,
    ScorerSpec,
    Sequential,
)
from promptlab.experiments.designs import arms_off, require_practices
from promptlab.experiments.graders import (
    NOWHERE,
    Places,
    check_answers,
    check_reducers,
    check_rivals,
)
from promptlab.experiments.sample import sampled, shuffled
from promptlab.experiments.suite import Suite
from promptlab.templates.library import TemplateLibrary
from promptlab.templates.template import Template


@dataclass(frozen=True, slots=True)
class Selection:
    """What the command line sets beyond the suite file; None keeps the suite's value.

    `limit` is the most cases to draw. `until_decided` is the level at which arms are compared with
    their baseline during the run, and stopped once they differ by more than `margin`, or less;
    `baseline` names that arm, by default the first.
    """

    templates: tuple[str, ...] = ()
    limit: int | None = None
    case_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    split: Split | None = None
    repeats: int | None = None
    seed: int | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    gates: tuple[str, ...] = ()
    until_decided: float | None = None
    margin: float = 0.0
    baseline: str | None = None


def make_plan(  # noqa: PLR0913 - all that a suite names, made by those who can
    suite: Suite,
    library: TemplateLibrary,
    backends: Sequence[BackendSpec],
    scorers: Sequence[ScorerSpec],
    selection: Selection,
    scorer_backends: Sequence[BackendSpec] = (),
    places: Places = NOWHERE,
) -> tuple[Plan, Mapping[str, Template]]:
    """Make the plan of a suite, and compile its templates (by digest).

    There are arms on each of `backends`; scorers may also call `scorer_backends`. `places` are
    those of the scorers, for errors.
    """
    settings = suite.settings
    templates = _templates(suite, library, selection)
    check_answers(suite, templates, places)
    arms = _arms(suite, templates, backends)
    check_rivals(arms, places)
    seed = settings.seed if selection.seed is None else selection.seed
    chosen = select_cases(suite, selection)
    cases = with_params(_part(chosen, selection, seed), typed_params(selection.params, templates))
    repeats = selection.repeats or settings.repeats
    primary = _primary(suite, scorers)
    early = primary if selection.until_decided is not None else None
    check_reducers(scorers, repeats, early, places)
    sequential = None
    if selection.until_decided is not None:
        pairs = _pairs(arms, selection.baseline)
        sequential = Sequential(selection.until_decided, pairs, selection.margin)
        cases = shuffled(cases, seed)
    plan = Plan(
        suite=suite.name,
        arms=arms,
        cases=cases,
        repeats=repeats,
        seed=seed,
        scorers=tuple(scorers),
        primary=primary,
        grade=settings.grade,
        templates=tuple(template.source for template in templates),
        backends=(*backends, *scorer_backends),
        split=chosen_split(suite, selection),
        gates=(*settings.gates, *selection.gates),
        assets=suite.assets_below(library.folder.parent),
        sequential=sequential,
        sample_of=None if selection.limit is None else len(chosen),
    )
    return plan, {template.source.digest: template for template in templates}


def _templates(
    suite: Suite, library: TemplateLibrary, selection: Selection
) -> tuple[Template, ...]:
    templates: dict[tuple[str, str], Template] = {}
    among = named_templates(suite) if selection.templates else ()
    for index, reference in enumerate(selection.templates or suite.settings.templates):
        try:
            resolved = library.resolve(reference, among)
        except PromptlabError as error:
            place = suite.document.where(("templates", index))
            raise error.at(f"-t {reference}" if selection.templates else place) from None
        for name, version in resolved:
            if (name, version) not in templates:
                templates[name, version] = library.load(name, version)
    return tuple(templates.values())


def named_templates(suite: Suite) -> list[str]:
    """Return the templates that a suite names: of these is a version that is named alone."""
    return [reference.partition("@")[0] for reference in suite.settings.templates]


def _arms(
    suite: Suite, templates: Sequence[Template], backends: Sequence[BackendSpec]
) -> tuple[Arm, ...]:
    design = suite.settings.design
    where = suite.document.where(("design",))
    require_practices(design, [template.blocks for template in templates], where)
    arms = []
    for backend in backends:
        for template in templates:
            sampling = sampling_of(suite, template)
            for off in arms_off(design, template.blocks, template.file):
                practices = tuple(name for name in template.practices if name not in off)
                arms.append(
                    Arm(
                        template.source.name,
                        template.source.version,
                        template.source.digest,
                        practices,
                        off,
                        backend.name,
                        sampling,
                    )
                )
    return tuple(arms)


def sampling_of(suite: Suite, template: Template) -> Sampling:
    """Combine sampling settings: the template's take precedence over the suite's."""
    return Sampling(**{**suite.settings.sampling.given(), **template.front.sampling.given()})


def _primary(suite: Suite, scorers: Sequence[ScorerSpec]) -> str:
    labels = [spec.label for spec in scorers]
    primary = suite.settings.primary
    if primary is not None and primary not in labels:
        raise unknown("scorer", primary, labels).at(suite.document.where(("primary",)))
    return primary or labels[0]


def select_cases(suite: Suite, selection: Selection) -> tuple[Case, ...]:
    """Choose cases by id, tag and split, in the order of their file."""
    cases = suite.read_cases()
    known = [case.id for case in cases]
    for wanted in selection.case_ids:
        if wanted not in known:
            raise unknown("case", wanted, known, of=f"suite {suite.name}")
    for tag in selection.tags:
        tags = sorted({tag for case in cases for tag in case.tags})
        if tag not in tags:
            raise unknown("tag", tag, tags, of=f"suite {suite.name}")
    share = suite.settings.holdout
    split = chosen_split(suite, selection)
    chosen = tuple(
        case
        for case in cases
        if (not selection.case_ids or case.id in selection.case_ids)
        and (not selection.tags or set(selection.tags) & set(case.tags))
        and (split == "all" or in_holdout(case, share, suite.settings.seed) == (split == "holdout"))
    )
    if not chosen or selection.limit == 0:
        raise PromptlabError(
            f"no case of suite {suite.name} is left in the split {split}",
            hint="widen --case, --tag, --split or the suite's holdout",
        )
    return chosen


def _part(cases: Sequence[Case], selection: Selection, seed: int) -> Sequence[Case]:
    """Return all cases, or a sample of as many as were asked for."""
    if selection.limit is None or selection.limit >= len(cases):
        return cases
    return sampled(cases, selection.limit, seed)


def chosen_split(suite: Suite, selection: Selection) -> Split:
    """Return the side of the holdout to run: dev, unless cases are named or a split is given."""
    if selection.split is not None:
        return selection.split
    return "dev" if suite.settings.holdout and not selection.case_ids else "all"


def _pairs(arms: Sequence[Arm], baseline: str | None) -> tuple[tuple[int, int], ...]:
    """Pair every arm with the baseline on its backend: the first arm, or the one named."""
    first: dict[str, int] = {}
    for place, arm in enumerate(arms):
        if baseline is None or baseline in (arm.prompt, arm.version):
            first.setdefault(arm.backend, place)
    pairs = tuple(
        (first[arm.backend], place)
        for place, arm in enumerate(arms)
        if arm.backend in first and first[arm.backend] != place
    )
    if baseline is not None and not first:
        raise unknown("arm", baseline, list(dict.fromkeys(arm.prompt for arm in arms)))
    if not pairs:
        raise PromptlabError(
            "--until-decided has nothing to decide: there is only one version",
            hint="run two or more, for example -t name@v1 -t name@v2",
        )
    return pairs


def typed_params(params: Mapping[str, str], templates: Sequence[Template]) -> dict[str, Json]:
    """Read parameters as the type that a template declares for them; all others stay text."""
    typed: dict[str, Json] = dict(params)
    for template in templates:
        for name, wanted in template.front.inputs.items():
            if name in params and wanted != "string":
                typed[name] = _json_or_text(params[name])
    return typed


def _json_or_text(text: str) -> Json:
    """Read JSON; anything else, such as NaN, stays text, whose type is then rejected."""
    try:
        value = parse_json(text, "")
        case_json(value)
    except (PromptlabError, ValueError):
        return text
    return cast(Json, value)


def in_holdout(case: Case, share: float, seed: int) -> bool:
    """Return whether a case is held out for confirmation.

    Each group draws its own number from the seed, so cases that belong together stay together,
    and adding cases never moves another one to the other side.
    """
    return seed_from("holdout", seed, drawn_as(case)) < share * 2**31
