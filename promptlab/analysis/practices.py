"""What each practice of prompt writing does to the scores: its effect, on each model and on all.

An effect is a contrast, case by case, of arms with the practice and arms without it. It comes from
a factorial design (all arms take part), from an ablation (the full template against the one
without), or from versions whose practices differ only in this one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations
from math import inf
from typing import Literal

from promptlab.analysis.contrast import Contrast, Side, conclude, estimate
from promptlab.analysis.measurements import JoinedArm, Measurements
from promptlab.analysis.methods import MeanByT
from promptlab.core.codes import Code
from promptlab.core.decision import Rule
from promptlab.core.errors import PromptlabError
from promptlab.core.reasons import Reason
from promptlab.experiments.designs import alias_groups
from promptlab.stats.lopsided import CubicT
from promptlab.stats.meta import RandomEffects, random_effects

Scope = Literal["model", "these models", "models in general"]
Source = Literal["factorial", "ablation", "versions"]
Aliases = tuple[tuple[str, str], ...]
MODELS_IN_GENERAL = 5  # needed to say anything about models that were not run


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticeEffect(Contrast):
    """What a practice changes: on one model, on these models together, or on models in general.

    Side a is `without` it, side b `with_it`. `backend` is None for more than one. `wordings`
    counts the pairs of texts behind it: with one, the effect is that of this wording. `general`
    is set for models in general, if there are enough.
    """

    practice: str
    scope: Scope
    backend: str | None
    source: Source
    wordings: int
    with_it: tuple[str, ...]
    without: tuple[str, ...]
    general: RandomEffects | None = None


@dataclass(frozen=True, slots=True)
class Practices:
    """The effects, practice by practice in the order of the templates.

    `aliases` lists pairs of practices whose joint effects a fraction of a factorial confounds.
    """

    effects: tuple[PracticeEffect, ...]
    aliases: tuple[Aliases, ...]


@dataclass(frozen=True, slots=True)
class _Sides:
    """The arms that show a practice; each backend has as many with it as without it."""

    with_it: Side
    without: Side
    source: Source
    wordings: int


def practice_effects(table: Measurements, rule: Rule) -> Practices:
    """Estimate every practice that some arms follow and comparable arms do not."""
    names = dict.fromkeys(name for arm in table.arms for name in (*arm.arm.practices, *arm.arm.off))
    by_backend: defaultdict[str, list[JoinedArm]] = defaultdict(list)
    for arm in table.arms:
        by_backend[arm.arm.backend].append(arm)
    shown = {
        name: {
            backend: sides
            for backend, arms in by_backend.items()
            if (sides := _sides(arms, name)) is not None
        }
        for name in names
    }
    effects = [
        effect for name, sides in shown.items() for effect in _estimates(table, name, sides, rule)
    ]
    if not effects:
        raise PromptlabError(
            "no two arms differ in just one practice",
            hint="run `design: ablation`, or versions that name their practices",
        )
    return Practices(tuple(_concluded(effects, rule)), _aliases(shown))


def _sides(arms: Sequence[JoinedArm], practice: str) -> _Sides | None:
    """Return the arms that show a practice on one backend, preferring designs to versions."""
    designed = [sides for family in _families(arms) if (sides := _designed(family, practice))]
    if designed:
        return _together(designed)
    pairs = list(_differing(arms, practice))
    if not pairs:
        return None
    with_it, without = zip(*pairs, strict=True)
    return _Sides(with_it, without, "versions", len(pairs))


def _families(arms: Iterable[JoinedArm]) -> Iterable[list[JoinedArm]]:
    """Group arms by text and sampling."""
    families: defaultdict[tuple[object, ...], list[JoinedArm]] = defaultdict(list)
    for arm in arms:
        families[arm.arm.digest, arm.settings[0].arm.sampling].append(arm)
    return families.values()


def _designed(family: Sequence[JoinedArm], practice: str) -> _Sides | None:
    """Return the arms of one template in a design, None if the practice was never switched off."""
    without = tuple(arm for arm in family if practice in arm.arm.off)
    with_it = tuple(arm for arm in family if practice in arm.arm.practices)
    if without and with_it and _is_factorial(family):
        return _Sides(with_it, without, "factorial", 1)
    whole = tuple(arm for arm in with_it if not arm.arm.off)
    alone = tuple(arm for arm in without if arm.arm.off == (practice,))
    return _Sides(whole[:1], alone[:1], "ablation", 1) if whole and alone else None


def _is_factorial(family: Sequence[JoinedArm]) -> bool:
    """Return whether all practices are balanced, each by itself and against every other.

    A design with one practice is equally an ablation, and is reported as one.
    """
    offs = [frozenset(arm.arm.off) for arm in family]
    toggled = sorted(frozenset().union(*offs))
    alone = all(sum(name in off for off in offs) * 2 == len(offs) for name in toggled)
    together = all(
        sum(a in off and b in off for off in offs) * 4 == len(offs)
        for a, b in combinations(toggled, 2)
    )
    return len(toggled) > 1 and alone and together


def _differing(arms: Sequence[JoinedArm], practice: str) -> Iterator[tuple[JoinedArm, JoinedArm]]:
    """Yield pairs of versions, with and without, whose other practices are the same."""
    whole = [arm for arm in arms if not arm.arm.off]
    for with_it in whole:
        rest = set(with_it.arm.practices) - {practice}
        if practice in with_it.arm.practices:
            for without in whole:
                alike = without.arm.template == with_it.arm.template
                if alike and set(without.arm.practices) == rest:
                    yield with_it, without


def _together(designed: Sequence[_Sides]) -> _Sides:
    """Join the sides of several templates: each is a wording of the practice.

    If designs differ, only those of the first one's kind are joined.
    """
    kept = [sides for sides in designed if sides.source == designed[0].source]
    return _Sides(
        tuple(chain.from_iterable(sides.with_it for sides in kept)),
        tuple(chain.from_iterable(sides.without for sides in kept)),
        kept[0].source,
        len(kept),
    )


def _estimates(
    table: Measurements, name: str, shown: Mapping[str, _Sides], rule: Rule
) -> Iterator[PracticeEffect]:
    """Estimate a practice on each model, on these together, and on models in general."""
    single = [_estimate(table, name, backend, [sides], rule) for backend, sides in shown.items()]
    yield from single
    if len(single) > 1:
        pooled = _estimate(table, name, None, list(shown.values()), rule)
        yield pooled
        yield _in_general(pooled, single, rule)


def _estimate(
    table: Measurements, name: str, backend: str | None, shown: Sequence[_Sides], rule: Rule
) -> PracticeEffect:
    with_it = tuple(chain.from_iterable(sides.with_it for sides in shown))
    without = tuple(chain.from_iterable(sides.without for sides in shown))
    return PracticeEffect(
        practice=name,
        scope="these models" if backend is None else "model",
        backend=backend,
        source=shown[0].source,
        wordings=max(sides.wordings for sides in shown),
        with_it=tuple(dict.fromkeys(arm.label for arm in with_it)),
        without=tuple(dict.fromkeys(arm.label for arm in without)),
        **estimate(table, without, with_it, rule).parts(),
    )


def _in_general(
    pooled: PracticeEffect, single: Sequence[PracticeEffect], rule: Rule
) -> PracticeEffect:
    """Generalize from these models to others: models differ, and are themselves a sample."""
    known = [
        (estimated.effect.delta, estimated.effect.se)
        for estimated in single
        if estimated.effect.delta is not None and estimated.effect.se
    ]
    effect = replace(
        pooled.effect, se=None, ci=None, p=None, method="random-effects", inference=None
    )
    in_general = replace(pooled, scope="models in general", spread=None)
    if len(known) < MODELS_IN_GENERAL:
        few = _too_few(models=len(single), known=len(known))
        return replace(in_general, effect=effect, reasons=(few,))
    deltas, errors = zip(*known, strict=True)
    general = random_effects(deltas, errors, rule.level)
    # The models share their cases, so all may err together, which no scatter between models shows:
    # the error for models in general is never smaller than for these models.
    se = max(filter(None, (general.se, pooled.effect.se)), default=0.0)
    if not se:
        return replace(in_general, effect=effect, general=general)
    sure = CubicT(general.mean, se, len(known) - 1)
    judged = MeanByT(sure, None, None, inf, effect.method, imagined=0.0, lopsided=0.0)
    effect = replace(
        effect,
        delta=general.mean,
        se=se,
        ci=judged.interval(rule.level),
        p=judged.two_sided(),
        inference=judged,
    )
    return replace(in_general, effect=effect, general=general)


def _too_few(models: int, known: int) -> Reason:
    """Return why there are too few models, or too few of known error, to generalize from."""
    if models < MODELS_IN_GENERAL:
        text = f"{models} models tell nothing of others: at least {MODELS_IN_GENERAL}"
        return Reason(Code.TOO_FEW_MODELS, text, {"models": models, "least": MODELS_IN_GENERAL})
    text = f"of {models} models the error of {known} is known"
    about = {"models": models, "known": known, "least": MODELS_IN_GENERAL}
    return Reason(Code.MODEL_ERRORS_UNKNOWN, text, about)


def _concluded(effects: Sequence[PracticeEffect], rule: Rule) -> Iterator[PracticeEffect]:
    """Conclude for each model and scope, with Holm's correction over the practices."""
    families: defaultdict[tuple[Scope, str | None], list[int]] = defaultdict(list)
    for place, effect in enumerate(effects):
        families[effect.scope, effect.backend].append(place)
    concluded: dict[int, PracticeEffect] = {}
    for (scope, backend), places in families.items():
        question = f"which practice on {backend}" if backend else f"which practice for {scope}"
        family = conclude([effects[place] for place in places], rule, question)
        concluded.update(zip(places, family, strict=True))
    return (concluded[place] for place in range(len(effects)))


def _aliases(shown: Mapping[str, Mapping[str, _Sides]]) -> tuple[Aliases, ...]:
    """Return what the fractional designs confound."""
    groups: dict[Aliases, None] = {}
    for sides in chain.from_iterable(by_backend.values() for by_backend in shown.values()):
        if sides.source == "factorial":
            for family in _families((*sides.with_it, *sides.without)):
                groups.update(dict.fromkeys(alias_groups([arm.arm.off for arm in family])))
    return tuple(groups)
