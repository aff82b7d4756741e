"""What a suite can show, and what it takes to show more: before any call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from promptlab.analysis.conclude import planned_effect
from promptlab.analysis.planning import Aim, assumed
from promptlab.analysis.probing import smallest
from promptlab.analysis.prospect import Pilot, Prospect, Question, fitted, widest
from promptlab.core.decision import Rule
from promptlab.core.errors import PromptlabError
from promptlab.core.groups import places_by_group
from promptlab.core.passport import passport_digest, together
from promptlab.core.runs import RunSettings
from promptlab.core.types import Arm, Plan
from promptlab.experiments.suite import load_suite
from promptlab.workbench.bench import Workbench
from promptlab.workbench.conclusions import Deciding
from promptlab.workbench.pilot import find_pilot
from promptlab.workbench.run import AS_WRITTEN, Outlook, look_ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to plan for. None: the project's smallest effect and its level, all pairs of arms.

    `case_cost` is what one more case costs to write, counted in model calls.
    """

    effect: float | None = None
    alpha: float | None = None
    baseline: str | None = None
    case_cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Planned:
    """What a suite can show, and what a run of it would do."""

    prospect: Prospect
    outlook: Outlook


def look_forward(
    bench: Workbench, name: str, settings: RunSettings = AS_WRITTEN, wish: Wish = Wish()
) -> Planned:
    """Return what a suite can show, without any call.

    `settings.until_decided` plans for a run that may stop early, which tests twice.
    """
    rule = Deciding(alpha=wish.alpha).over(bench.rule)
    early = settings.until_decided
    settings = replace(settings, baseline=wish.baseline if early else None)
    outlook = look_ahead(bench, name, settings)
    plan = outlook.plan
    design = load_suite(bench.project.suites, name).settings.design
    question, family = _family(plan, None if wish.baseline is None else _named(bench, plan, wish))
    if design != "versions" and not early:
        toggled = {name for arm in plan.arms for name in arm.off}
        question, family = "which practice", len(toggled)
    pilot = _pilot(bench, plan, rule, practices=question == "which practice")
    effect = _effect(rule, wish, pilot, plan)
    level = rule.alpha / max(1, family) / (2 if early else 1)
    aim = Aim(effect, level, rule.min_effect, rule.strict)
    groups = len(places_by_group(plan.cases))
    row = None if pilot is None else widest(pilot.rows)
    if pilot is None or row is None:
        spread = assumed(_balanced(plan) if design == "factorial" else 2)
        spread = spread.over(len(plan.cases), groups)
    else:
        spread = fitted(row, pilot, plan, groups)
    prospect = Prospect(
        plan=plan,
        rule=rule,
        question=question,
        family=family,
        early=early,
        aim=aim,
        units=groups,
        spread=spread,
        pilot=pilot,
        row=row,
        case_cost=wish.case_cost,
        wordings=_wordings(plan) if question == "which practice" else {},
    )
    return Planned(prospect, replace(outlook, notes=(*outlook.notes, *_of_the_judge(bench, plan))))


def _of_the_judge(bench: Workbench, plan: Plan) -> Iterator[str]:
    """Note what the judge that decides can see on so many cases, if a judge decides."""
    judge = next((spec for spec in plan.scorers if spec.label == plan.primary), None)
    if judge is None or not judge.judge or not bench.has_database:
        return
    with bench.open_store() as store:
        models = {arm.backend for arm in plan.arms}
        digests = [None, *(spec.digest for spec in plan.backends if spec.name in models)]
        known = (
            store.judges.passport_of(plan.suite, passport_digest(judge, model)) for model in digests
        )
        found = [passport for passport in known if passport is not None]
    passport = together(found) if found else None
    if passport is None:
        yield f"the judge {judge.label!r} has no passport, so `compare` may conclude nothing"
        return
    figures, cases = passport.figures, len(plan.cases)
    least = smallest(figures.repeats, figures.informedness, cases)
    if least:
        told = f"{least * 100:.2g} points" if figures.kind == "verdicts" else f"{least:.2g}"
        yield f"the judge {judge.label!r} can see {told} on {cases:,} cases, were all else equal"
    if passport.verdict != "trusted":
        yield f"the judge {judge.label!r} is {passport.verdict}: promptlab judge show {plan.suite}"


def _pilot(bench: Workbench, plan: Plan, rule: Rule, *, practices: bool) -> Pilot | None:
    if not bench.has_database:
        return None
    with bench.open_store() as store:
        return find_pilot(store, plan, rule, practices=practices)


def _effect(rule: Rule, wish: Wish, pilot: Pilot | None, plan: Plan) -> float:
    """Return the difference to plan for; refuse one that cannot be shown."""
    bounded = pilot is None or pilot.bounded
    effect = planned_effect(rule, bounded=bounded) if wish.effect is None else wish.effect
    if not effect:
        raise PromptlabError(
            f"the scores of {plan.primary} have no scale of their own: which difference matters?",
            hint="name it: --effect 0.5",
        )
    if effect <= rule.min_effect:
        raise PromptlabError(
            f"--effect {effect:g} is not beyond the smallest effect that matters,"
            f" {rule.min_effect:g}: no number of cases shows that it is",
            hint="plan for a larger one: by default it is twice as large",
        )
    if bounded and effect > 1:
        raise PromptlabError(
            f"--effect {effect:g}: the scores of {plan.primary} lie between 0 and 1,"
            " so no difference can be as large",
            hint=f"{effect:g} points are {effect / 100:g}",
        )
    return effect


def _named(bench: Workbench, plan: Plan, wish: Wish) -> str:
    """Return the label of the baseline among the plan's arms."""
    labels = dict.fromkeys(arm.prompt for arm in plan.arms)
    assert wish.baseline is not None
    if wish.baseline in labels:
        return wish.baseline
    name, version = bench.library.only(wish.baseline, sorted({arm.template for arm in plan.arms}))
    if f"{name}@{version}" not in labels:
        raise PromptlabError(
            f"--baseline {wish.baseline}: {name}@{version} is not part of this plan",
            hint=f"add it: -t {name}@{version}",
        )
    return f"{name}@{version}"


def _family(plan: Plan, baseline: str | None) -> tuple[Question, int]:
    """Return the question that a plan asks, and its number of comparisons, as `compare` has them.

    All pairs of versions, or all against the baseline, on each backend and on all together.
    """
    if plan.sequential is not None:
        return "which version", len(plan.sequential.pairs)
    by_backend: defaultdict[str, list[Arm]] = defaultdict(list)
    for arm in plan.arms:
        by_backend[arm.backend].append(arm)
    labels = list(dict.fromkeys(arm.prompt for arm in plan.arms))
    if len(labels) == 1:
        return "which backend", sum(1 for _ in combinations(by_backend, 2))
    pairs = [pair for pair in combinations(labels, 2) if baseline in (None, *pair)]
    places = len(by_backend) + (len(by_backend) > 1)
    return "which version", len(pairs) * places


def _wordings(plan: Plan) -> dict[str, int]:
    """Count the texts that each practice is switched off in."""
    texts: defaultdict[str, set[str]] = defaultdict(set)
    for arm in plan.arms:
        for name in arm.off:
            texts[name].add(arm.digest)
    return {name: len(digests) for name, digests in texts.items()}


def _balanced(plan: Plan) -> float:
    """Return how many arms of a factorial design share a template and a backend, on average."""
    return len(plan.arms) / len({(arm.template, arm.version, arm.backend) for arm in plan.arms})
