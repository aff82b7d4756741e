"""What each practice of prompt writing does to the scores: its effect, on each model and on all.

An effect is a contrast, case by case, of arms with the practice and arms without it; `showing` says
which. One that rests on a single pair of arms is that pair, and is read from `compare`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Literal, Protocol

import numpy as np

from promptlab.analysis.averages import averaged, concerning, turning
from promptlab.analysis.claims import of_practice
from promptlab.analysis.compare import Comparison, compare
from promptlab.analysis.contrast import Contrast, conclude, estimate
from promptlab.analysis.generalizing import in_general
from promptlab.analysis.interactions import Interaction, joint_effects
from promptlab.analysis.measurements import Measurements
from promptlab.analysis.models import by_model
from promptlab.analysis.showing import Shown, Source, designs, shown_by_backend
from promptlab.analysis.wordings import over_wordings, share_of_texts, wordings_of
from promptlab.core.codes import Code
from promptlab.core.decision import Rule
from promptlab.core.errors import PromptlabError
from promptlab.core.reasons import Reason
from promptlab.experiments.designs import alias_groups
from promptlab.stats.meta import RandomEffects
from promptlab.stats.multiplicity import holm

Scope = Literal["model", "these models", "models in general"]
Aliases = tuple[tuple[str, str], ...]
_HALF = 0.5


class Comparing(Protocol):
    """What `compare` says of a table."""

    def __call__(self, *, toward: frozenset[tuple[str, str]]) -> Sequence[Comparison]:
        """Return its rows, with these pairs of labels as a and b in this order."""


_QUESTIONS: Mapping[Scope, str] = {
    "model": "which practice on each model",
    "these models": "which practice for these models",
    "models in general": "which practice for models in general",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticeEffect(Contrast):
    """What a practice changes: on one model, on these models together, or on models in general.

    Side a is `without` it, side b `with_it`. `backend` is None for more than one. `wordings` counts
    the texts with the practice, `wordings_without` those without it, `models` the models.
    `general` is set for models in general, if there are enough. One that `is_a_pair` of arms has
    the row of `compare`.
    """

    practice: str
    scope: Scope
    backend: str | None
    source: Source
    wordings: int
    wordings_without: int = 1
    models: int = 1
    with_it: tuple[str, ...]
    without: tuple[str, ...]
    general: RandomEffects | None = None
    is_a_pair: bool = False


@dataclass(frozen=True, slots=True)
class Practices:
    """The effects, practice by practice in the order of the templates.

    `aliases` lists pairs of practices whose joint effects a fraction of a factorial confounds,
    `interactions` the joint effects that the arms can tell apart.
    """

    effects: tuple[PracticeEffect, ...]
    aliases: tuple[Aliases, ...]
    interactions: tuple[Interaction, ...] = ()


@dataclass(frozen=True, slots=True)
class _Estimated:
    """An effect before its family is known, and what shows it, by backend."""

    effect: PracticeEffect
    shown: Mapping[str, Shown]

    @property
    def pair(self) -> tuple[str, str] | None:
        """Return the names of the arms if it rests on one pair of them, on each backend."""
        names = {
            (one.without[0].label, one.with_it[0].label)
            if len(one.without) == len(one.with_it) == 1
            else None
            for one in self.shown.values()
        }
        alone = len(names) == 1 and self.effect.scope != "models in general"
        return names.pop() if alone else None


def practice_effects(
    table: Measurements, rule: Rule, comparing: Comparing | None = None
) -> Practices:
    """Estimate every practice that some arms follow and comparable arms do not.

    `comparing` returns what `compare` says of this table, by default without a ledger.
    """
    comparing = comparing or partial(compare, table, rule)
    names = dict.fromkeys(name for arm in table.arms for name in (*arm.arm.practices, *arm.arm.off))
    shown = {name: shown_by_backend(table.arms, name) for name in names}
    estimated = [
        one for name, places in shown.items() for one in _estimates(table, name, places, rule)
    ]
    if not estimated:
        raise PromptlabError(
            "no two arms differ in just one practice",
            hint="run `design: ablation`, or versions that name their practices",
        )
    joint = joint_effects(table, shown, rule)
    effects = tuple(
        _told(effect, joint, rule) for effect in _concluded(table, estimated, rule, comparing)
    )
    return Practices(effects, _aliases(shown), joint)


def _told(effect: PracticeEffect, joint: Sequence[Interaction], rule: Rule) -> PracticeEffect:
    """Tell on what an effect turns. The verdict on a pair of arms stays what `compare` says."""
    concerned = concerning(effect.practice, effect.backend, joint)
    if effect.is_a_pair:
        return turning(effect, effect.practice, concerned)
    return averaged(effect, effect.practice, concerned, rule)


def _estimates(
    table: Measurements, name: str, shown: Mapping[str, Shown], rule: Rule
) -> Iterator[_Estimated]:
    """Estimate a practice on each model, on these together, and on models in general."""
    for backend, one in shown.items():
        yield _estimate(table, name, "model", {backend: one}, rule)
    if len(shown) > 1:
        pooled = _estimate(table, name, "these models", shown, rule)
        yield pooled
        yield _in_general(table, pooled, rule)


def _estimate(
    table: Measurements, name: str, scope: Scope, shown: Mapping[str, Shown], rule: Rule
) -> _Estimated:
    wordings = wordings_of([*shown.values()])
    with_it = tuple(chain.from_iterable(one.with_it for one in shown.values()))
    without = tuple(chain.from_iterable(one.without for one in shown.values()))
    over = partial(over_wordings, wordings=wordings, rule=rule, bounded=table.bounded)
    contrast = _more_wordings(estimate(table, without, with_it, rule, over=over))
    claim = of_practice(max(wordings.with_it, wordings.without), drawn=wordings.drawn)
    effect = PracticeEffect(
        practice=name,
        scope=scope,
        backend=next(iter(shown)) if scope == "model" else None,
        source=next(iter(shown.values())).source,
        wordings=wordings.with_it,
        wordings_without=wordings.without,
        models=len(by_model(table, shown)),
        with_it=tuple(dict.fromkeys(arm.label for arm in with_it)),
        without=tuple(dict.fromkeys(arm.label for arm in without)),
        **{**contrast.parts(), "claim": claim},
    )
    return _Estimated(effect, shown)


def _more_wordings(contrast: Contrast) -> Contrast:
    """Ask for more wordings, and not for more cases, where their choice matters most."""
    share = share_of_texts(contrast.effect)
    if share <= _HALF:
        return contrast
    text = (
        f"{share * 100:.0f} % of the uncertainty is due to the wordings:"
        " more of them would help, more cases would not"
    )
    reason = Reason(Code.WORDINGS_DIFFER, text, {"share": share})
    return replace(contrast, spread=None, warnings=(*contrast.warnings, reason))


def _in_general(table: Measurements, pooled: _Estimated, rule: Rule) -> _Estimated:
    """Generalize from these models to others."""
    found = in_general(table, pooled.shown, pooled.effect.effect, rule)
    effect = replace(
        pooled.effect,
        scope="models in general",
        effect=found.effect,
        spread=None,
        general=found.among,
        claim=replace(pooled.effect.claim, models="random"),
    )
    if found.refused is not None:
        effect = replace(effect, reasons=(found.refused,))
    return replace(pooled, effect=effect)


def _concluded(
    table: Measurements, estimated: Sequence[_Estimated], rule: Rule, comparing: Comparing
) -> list[PracticeEffect]:
    """Give each effect its verdict: that of its pair of arms, or that of its family.

    There are three families: models one by one, these models together, models in general.
    """
    pairs = _of_pairs(table, estimated, comparing)
    families: defaultdict[Scope, list[int]] = defaultdict(list)
    for place, one in enumerate(estimated):
        families[one.effect.scope].append(place)
    concluded = {
        place: replace(
            one.effect,
            **{**pair.parts(), "claim": one.effect.claim},
            is_a_pair=True,
        )
        for place, one in enumerate(estimated)
        if (pair := pairs.get(place)) is not None
    }
    for scope, places in families.items():
        own = [place for place in places if place not in concluded]
        family = conclude(
            [estimated[place].effect for place in own], rule, _QUESTIONS[scope], len(places)
        )
        concluded.update(zip(own, family, strict=True))
    return _adjusted([concluded[place] for place in range(len(estimated))], rule)


def _of_pairs(
    table: Measurements, estimated: Sequence[_Estimated], comparing: Comparing
) -> dict[int, Comparison]:
    """Return what `compare` says of the effects that rest on one pair of arms, by their place."""
    wanted = {place: pair for place, one in enumerate(estimated) if (pair := one.pair) is not None}
    if not wanted:
        return {}
    rows = {
        (row.a, row.b, row.backend): row for row in comparing(toward=frozenset(wanted.values()))
    }
    found = {}
    for place, (a, b) in wanted.items():
        one = estimated[place]
        if one.effect.backend is None and set(one.shown) != _ran_both(table, a, b):
            continue
        row = rows.get((a, b, one.effect.backend))
        if row is not None:
            found[place] = row
    return found


def _ran_both(table: Measurements, a: str, b: str) -> set[str]:
    """Return the backends that ran two arms."""
    first, second = (
        {arm.arm.backend for arm in table.arms if arm.label == name} for name in (a, b)
    )
    return first & second


def _adjusted(effects: Sequence[PracticeEffect], rule: Rule) -> list[PracticeEffect]:
    """Correct p-values within the block that is shown: one scope on one backend."""
    blocks: defaultdict[tuple[Scope, str | None], list[int]] = defaultdict(list)
    for place, effect in enumerate(effects):
        blocks[effect.scope, effect.backend].append(place)
    adjusted = list(effects)
    for places in blocks.values():
        raw = np.array([effects[place].p for place in places], dtype=float)  # None becomes NaN
        corrected = holm(raw) if rule.correct else raw
        for place, p in zip(places, corrected, strict=True):
            if not effects[place].is_a_pair:
                known = None if np.isnan(p) else float(p)
                adjusted[place] = replace(effects[place], p_adjusted=known)
    return adjusted


def _aliases(shown: Mapping[str, Mapping[str, Shown]]) -> tuple[Aliases, ...]:
    """Return what the fractional designs confound."""
    groups: dict[Aliases, None] = {}
    for one in chain.from_iterable(places.values() for places in shown.values()):
        if one.source == "factorial":
            for family in designs((*one.with_it, *one.without)):
                offs = dict.fromkeys(arm.arm.off for arm in family)
                groups.update(dict.fromkeys(alias_groups([*offs])))
    return tuple(groups)
