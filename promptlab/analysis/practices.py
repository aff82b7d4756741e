"""What each practice of prompt writing does to the scores: its effect, on each model and on all.

An effect is a contrast, case by case, of arms with the practice and arms without it; `showing` says
which. One that rests on a single pair of arms is that pair, and is read from `compare`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Protocol

import numpy as np

from promptlab.analysis.averages import averaged, concerning, turning
from promptlab.analysis.compare import SECONDARY, Comparison, compare
from promptlab.analysis.contrast import conclude
from promptlab.analysis.estimates import Estimated, PracticeEffect, Scope, estimates
from promptlab.analysis.interactions import Interaction, joint_effects
from promptlab.analysis.looking import left_of
from promptlab.analysis.measurements import Measurements
from promptlab.analysis.showing import Shown, designs, shown_by_backend
from promptlab.core.decision import Rule
from promptlab.core.errors import PromptlabError
from promptlab.experiments.designs import alias_groups
from promptlab.stats.multiplicity import holm

Aliases = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A family of effects: what it asks, and its size.

    Some of it may be pairs of arms that were compared. What is `beside` is of the family too: the
    same effects by other scorers, none of which is the primary one.
    """

    question: str
    size: int
    beside: tuple[Estimated, ...] = ()


class Judging(Protocol):
    """How a family of effects gets its verdicts."""

    def __call__(self, rows: Sequence[Estimated], asked: Asked) -> Sequence[PracticeEffect]:
        """Return the effects of a family without those that are beside."""


class Comparing(Protocol):
    """What `compare` says of a table."""

    def __call__(self, *, toward: frozenset[tuple[str, str]]) -> Sequence[Comparison]:
        """Return its rows, with these pairs of labels as a and b in this order."""


_QUESTIONS: Mapping[Scope, str] = {
    "model": "which practice on each model",
    "these models": "which practice for these models",
    "models in general": "which practice for models in general",
}


@dataclass(frozen=True, slots=True)
class Practices:
    """The effects, practice by practice in the order of the templates.

    `aliases` lists pairs of practices whose joint effects a fraction of a factorial confounds,
    `interactions` the joint effects that the arms can tell apart.
    """

    effects: tuple[PracticeEffect, ...]
    aliases: tuple[Aliases, ...]
    interactions: tuple[Interaction, ...] = ()


def practice_effects(
    table: Measurements,
    rule: Rule,
    comparing: Comparing | None = None,
    judging: Judging | None = None,
    beside: Sequence[Measurements] = (),
) -> Practices:
    """Estimate every practice that some arms follow and comparable arms do not.

    `comparing` returns what `compare` says of this table, `judging` concludes a family; by default
    both without a ledger. Effects in the tables `beside`, those of the other scorers that are not
    the primary one, are of the same families.
    """
    comparing = comparing or partial(compare, table, rule)
    judging = judging or partial(_judged, rule)
    names = dict.fromkeys(name for arm in table.arms for name in (*arm.arm.practices, *arm.arm.off))
    shown = {name: shown_by_backend(table.arms, name) for name in names}
    estimated = _estimated(table, [*names], rule)
    if not estimated:
        raise PromptlabError(
            "no two arms differ in just one practice",
            hint="run `design: ablation`, or versions that name their practices",
        )
    pairs = _of_pairs(table, estimated, comparing)
    others = [one for other in beside for one in _estimated(other, [*names], rule)]
    concluded = _adjusted(_concluded(estimated, pairs, others, judging), rule)
    # Looked at together, joint effects have no more left of their level than the effects.
    joint = joint_effects(table, shown, left_of(concluded, rule))
    effects = tuple(_told(effect, joint, rule) for effect in concluded)
    return Practices(effects, _aliases(shown), joint)


def _estimated(table: Measurements, names: Sequence[str], rule: Rule) -> list[Estimated]:
    """Estimate practices, in this order."""
    return [
        one
        for name in names
        for one in estimates(table, name, shown_by_backend(table.arms, name), rule)
    ]


def _told(effect: PracticeEffect, joint: Sequence[Interaction], rule: Rule) -> PracticeEffect:
    """Tell on what an effect turns. The verdict on a pair of arms stays what `compare` says."""
    concerned = concerning(effect.practice, effect.backend, joint)
    if effect.is_a_pair:
        return turning(effect, effect.practice, concerned)
    return averaged(effect, effect.practice, concerned, rule)


def _judged(rule: Rule, rows: Sequence[Estimated], asked: Asked) -> list[PracticeEffect]:
    family = [one.effect for one in (*rows, *asked.beside)]
    return list(conclude(family, rule, asked.question, asked.size))[: len(rows)]


def _concluded(
    estimated: Sequence[Estimated],
    pairs: Mapping[int, Comparison],
    others: Sequence[Estimated],
    judging: Judging,
) -> list[PracticeEffect]:
    """Give each effect its verdict: that of its pair of arms, or that of its family.

    There are three families: models one by one, these models together, models in general. `others`
    are the effects by other scorers of these families.
    """
    families: defaultdict[Scope, list[int]] = defaultdict(list)
    for place, one in enumerate(estimated):
        families[one.effect.scope].append(place)
    concluded = {
        place: replace(
            estimated[place].effect,
            **{**pair.parts(), "claim": estimated[place].effect.claim},
            is_a_pair=True,
        )
        for place, pair in pairs.items()
    }
    for scope, places in families.items():
        own = [place for place in places if place not in concluded]
        rows = [estimated[place] for place in own]
        in_pairs = {_place_of(estimated[place]) for place in places if place in concluded}
        beside = [one for one in others if one.effect.scope == scope]
        if rows:
            question = _QUESTIONS[scope] + SECONDARY * bool(beside)
            size = len(places) + len(beside)
            apart = tuple(one for one in beside if _place_of(one) not in in_pairs)
            judged = judging(rows, Asked(question, size, apart))
            concluded.update(zip(own, judged, strict=True))
    return [concluded[place] for place in range(len(estimated))]


def _place_of(one: Estimated) -> tuple[str, str | None]:
    return one.effect.practice, one.effect.backend


def _of_pairs(
    table: Measurements, estimated: Sequence[Estimated], comparing: Comparing
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
