"""Joint effects: does a practice do more, less or the opposite beside another, or on one model?

An interaction is a number for each case like every contrast, and judged in the same way, in a
family of its own. Where it is real, or cannot be excluded, the effect of the practice alone is an
average over unlike things.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from promptlab.analysis.changes import means_of
from promptlab.analysis.cross import Aliases, Cross, crossed, mean_cross
from promptlab.analysis.families import Family, Member, rulings
from promptlab.analysis.inference import Floats, Inference, Scale, infer, without_rounding
from promptlab.analysis.measurements import JoinedArm, Measurements, by_backend
from promptlab.analysis.models import by_model
from promptlab.analysis.showing import Shown
from promptlab.analysis.sides import Side, Where
from promptlab.core.decision import Rule
from promptlab.stats.intervals import Interval

QUESTION = "joint effects"


@dataclass(frozen=True, slots=True)
class Interaction:
    """By how much the effect of a practice changes beside another, or on one model.

    `beside` is the other practice, None for a model: then `on` names its backends. `effects` has
    for each practice concerned its mean effect without the other and with it, or on the other
    models and on this one. `backend` is where two practices met, None for several together.
    `aliases` are the pairs of practices that the design cannot tell apart, these two included.
    `delta` is the change; its interval and p-value hold for the whole family.
    """

    practice: str
    beside: str | None
    on: tuple[str, ...]
    backend: str | None
    aliases: Aliases
    effects: Mapping[str, tuple[float, float]]
    n: int
    delta: float
    se: float | None
    p: float | None
    method: str
    is_rate: bool
    p_family: float | None = None
    ci: Interval | None = None
    family: Family | None = None
    is_shown: bool = False

    def within(self, margin: float) -> bool:
        """Return whether the change is known to be smaller than a margin."""
        return self.ci is not None and -margin < self.ci[0] and self.ci[1] < margin

    def beside_which(self, practice: str) -> str | None:
        """Return the other one of two practices, None for a model."""
        return self.beside if practice == self.practice or self.beside is None else self.practice


@dataclass(frozen=True, slots=True)
class Found:
    """A joint effect before its family is known. Half of a change is a difference of two scores."""

    of: Interaction
    judged: Inference


def joint_effects(
    table: Measurements, shown: Mapping[str, Mapping[str, Shown]], rule: Rule
) -> tuple[Interaction, ...]:
    """Return all joint effects that the arms can tell apart, as one family.

    `shown` has for each practice what shows it on each backend.
    """
    sides = {
        name: {backend: (one.without, one.with_it) for backend, one in places.items()}
        for name, places in shown.items()
    }
    return together([*_of_practices(table, rule), *of_models(table, sides, rule)], rule)


def together(found: Sequence[Found], rule: Rule) -> tuple[Interaction, ...]:
    """Correct joint effects as one family, and return them with what holds for all of them."""
    members = [Member(one.of.delta, one.judged, rule.alpha) for one in found]
    size = len(found) if rule.correct else 1
    ruled = []
    for one, ruling in zip(found, rulings(members, 0.0, size), strict=True):
        ci = one.judged.interval(1 - rule.alpha / size) if ruling.ci is None else ruling.ci
        ruled.append(
            replace(
                one.of,
                p_family=ruling.p_family,
                ci=None if ci is None else (2 * ci[0], 2 * ci[1]),
                family=Family(QUESTION, size),
                is_shown=ruling.verdict in ("better", "worse"),
            )
        )
    return tuple(ruled)


def _of_practices(table: Measurements, rule: Rule) -> Iterator[Found]:
    """Yield what two practices do together, on each backend and on all that can tell."""
    together: defaultdict[Aliases, dict[str, list[JoinedArm]]] = defaultdict(dict)
    for backend, arms in by_backend(table.arms).items():
        where = _shared(arms)
        for cross in crossed(arms, where) if where.any() else ():
            yield _judged_cross(table, cross, where, backend, rule)
            together[cross.aliases][backend] = arms
    if len({*chain.from_iterable(together.values())}) < 2:
        return
    for aliases, places in together.items():
        where = _shared(chain.from_iterable(places.values()))
        if len(places) > 1 and where.any():
            crosses = [
                cross
                for arms in places.values()
                for cross in crossed(arms, where)
                if cross.aliases == aliases
            ]
            yield _judged_cross(table, mean_cross(crosses), where, None, rule)


def _judged_cross(
    table: Measurements, cross: Cross, where: Where, backend: str | None, rule: Rule
) -> Found:
    found = _found(table, cross.turn, where, cross.effects, rule)
    a, b = cross.pair
    of = replace(found.of, practice=a, beside=b, backend=backend, aliases=cross.aliases)
    return replace(found, of=of)


def of_models(
    table: Measurements, shown: Mapping[str, Mapping[str, tuple[Side, Side]]], rule: Rule
) -> Iterator[Found]:
    """Yield what each of these does on one model beyond its mean effect on the others.

    `shown` has for each the sides without it and with it, on each backend.
    """
    for name, sides in shown.items():
        models = [*by_model(table, sides).values()]
        where = _shared(arm for both in sides.values() for side in both for arm in side)
        if len(models) < 2 or not where.any():
            continue
        effects = [
            np.mean([_effect(sides[backend], where) for backend in backends], axis=0)
            for backends in models
        ]
        # Of two models, one stands for both: the other has the same change with another sign.
        for place, backends in enumerate(models[: 1 if len(models) == 2 else None]):
            rest = np.mean(effects[:place] + effects[place + 1 :], axis=0)
            ours = effects[place]
            pair = {name: (float(rest.mean()), float(ours.mean()))}
            found = _found(table, ours - rest, where, pair, rule)
            yield replace(found, of=replace(found.of, practice=name, on=backends))


def _found(
    table: Measurements,
    turn: Floats,
    where: Where,
    effects: Mapping[str, tuple[float, float]],
    rule: Rule,
) -> Found:
    """Judge a change, one number per case. Half of it has the scale of a difference of scores."""
    verdicts = table.bounded and all(arm.cells.is_verdict for arm in table.arms)
    scale = Scale(verdicts=verdicts, largest=table.largest)
    judged = infer(
        without_rounding(turn / 2),
        table.groups[where],
        scale,
        strict=rule.strict,
        seed=table.runs[0].seed,
    )
    of = Interaction(
        practice="",
        beside=None,
        on=(),
        backend=None,
        aliases=(),
        effects=effects,
        n=turn.size,
        delta=float(turn.mean()),
        se=None if judged.se is None else 2 * judged.se,
        p=judged.two_sided(),
        method=judged.method,
        is_rate=verdicts,
    )
    return Found(of, judged)


def _effect(sides: tuple[Side, Side], where: Where) -> Floats:
    without, with_it = sides
    return means_of(with_it, where, "score") - means_of(without, where, "score")


def _shared(arms: Iterable[JoinedArm]) -> Where:
    """Return the cases that all arms have."""
    known = [~np.isnan(arm.cells.score) for arm in arms]
    where: Where = np.all(known, axis=0)
    return where
