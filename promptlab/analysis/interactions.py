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
from promptlab.analysis.conclude import effect
from promptlab.analysis.correction import Scores
from promptlab.analysis.cross import Aliases, Cross, JointChange, by_people, crossed, mean_cross
from promptlab.analysis.families import Family, Member, rulings
from promptlab.analysis.inference import Floats, Inference, Scale, without_rounding
from promptlab.analysis.measurements import JoinedArm, Measurements, by_backend
from promptlab.analysis.models import by_model
from promptlab.analysis.showing import Shown
from promptlab.analysis.sides import Side, Where
from promptlab.analysis.trust import has_moved, trust_in
from promptlab.core.decision import Rule
from promptlab.core.reasons import Reason
from promptlab.stats.intervals import Interval

QUESTION = "joint effects"


@dataclass(frozen=True, slots=True)
class Interaction:
    """By how much the effect of a practice changes beside another, or on one model.

    `beside` is the other practice, None for a model: then `on` names its backends. `effects` has
    for each practice concerned its mean effect without the other and with it, or on the other
    models and on this one. `backend` is where two practices met, None for several together.
    `aliases` are the pairs of practices that the design cannot tell apart, these two included.
    `delta` is the change; its interval and p-value hold for the whole family. `reasons` say why a
    judge's scores bear no conclusion here, `notes` what else to know of them.
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
    reasons: tuple[Reason, ...] = ()
    notes: tuple[Reason, ...] = ()

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
    judged: Inference | None


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
    members = [
        Member(
            one.of.delta,
            one.judged,
            rule.alpha,
            refused=bool(one.of.reasons),
            open=has_moved(one.of.notes),
        )
        for one in found
    ]
    size = len(found) if rule.correct else 1
    ruled = []
    for one, ruling in zip(found, rulings(members, 0.0, size), strict=True):
        ci = ruling.ci
        if ci is None and one.judged is not None and not one.of.reasons:
            ci = one.judged.interval(1 - rule.alpha / size)
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
        for crosses in _crossed(arms, where) if where.any() else ():
            yield _judged_cross(table, crosses, where, backend, rule)
            together[crosses[0].aliases][backend] = arms
    if len({*chain.from_iterable(together.values())}) < 2:
        return
    for aliases, places in together.items():
        where = _shared(chain.from_iterable(places.values()))
        if len(places) > 1 and where.any():
            several = [
                crosses
                for arms in places.values()
                for crosses in _crossed(arms, where)
                if crosses[0].aliases == aliases
            ]
            scores, people = (mean_cross(each) for each in zip(*several, strict=True))
            yield _judged_cross(table, (scores, people), where, None, rule)


def _crossed(arms: Sequence[JoinedArm], where: Where) -> Iterator[tuple[Cross, Cross]]:
    """Yield what arms show of every two practices by their scores, and by what people say."""
    people = crossed([by_people(arm) for arm in arms], where)
    yield from zip(crossed(arms, where), people, strict=True)


def _judged_cross(
    table: Measurements,
    crosses: tuple[Cross, Cross],
    where: Where,
    backend: str | None,
    rule: Rule,
) -> Found:
    """Judge what two practices do together, by the scores and by what people say."""
    cross, people = crosses
    arms = tuple(arm for arm in table.arms if backend in (None, arm.arm.backend))
    found = _found(table, (cross.joint, people.joint), arms, where, rule)
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
        arms = tuple(arm for both in sides.values() for side in both for arm in side)
        where = _shared(arms)
        if len(models) < 2 or not where.any():
            continue
        people = {
            backend: (tuple(map(by_people, a)), tuple(map(by_people, b)))
            for backend, (a, b) in sides.items()
        }
        # Of two models, one stands for both: the other has the same change with another sign.
        for place, backends in enumerate(models[: 1 if len(models) == 2 else None]):
            ours, theirs = (_on_one(name, each, models, place, where) for each in (sides, people))
            found = _found(table, (ours, theirs), arms, where, rule)
            yield replace(found, of=replace(found.of, practice=name, on=backends))


def _on_one(
    name: str,
    sides: Mapping[str, tuple[Side, Side]],
    models: Sequence[Sequence[str]],
    place: int,
    where: Where,
) -> JointChange:
    """Return by how much an effect on one of the models differs from that on the others."""

    def on(backends: Sequence[str], side: int) -> Floats:
        means = [means_of(sides[backend][side], where, "score") for backend in backends]
        values: Floats = np.mean(means, axis=0)
        return values

    def effect_on(backends: Sequence[str]) -> Floats:
        effects = [_effect(sides[backend], where) for backend in backends]
        values: Floats = np.mean(effects, axis=0)
        return values

    others = [backends for number, backends in enumerate(models) if number != place]
    ours, rest = effect_on(models[place]), np.mean([*map(effect_on, others)], axis=0)
    mean_rest = [np.mean([on(backends, side) for backends in others], axis=0) for side in (0, 1)]
    mean_ours = [on(models[place], side) for side in (0, 1)]
    return JointChange(
        change=ours - rest,
        halves=((mean_ours[0] + mean_rest[1]) / 2, (mean_ours[1] + mean_rest[0]) / 2),
        effects={name: (rest, ours)},
    )


def _found(
    table: Measurements,
    changes: tuple[JointChange, JointChange],
    arms: tuple[JoinedArm, ...],
    where: Where,
    rule: Rule,
) -> Found:
    """Judge a change, one number per case. Half of it has the scale of a difference of scores.

    `changes` are those by the scores of these arms, and by what people say, which counts where a
    judge gave the scores.
    """
    verdicts = table.bounded and all(arm.cells.is_verdict for arm in table.arms)
    scale = Scale(verdicts=verdicts, largest=table.largest)
    joint, people = changes
    groups = table.groups[where]
    raw = effect(without_rounding(joint.change / 2), groups, rule, scale, table.runs[0].seed)
    scores = Scores(*joint.halves, *people.halves, groups, table.largest, verdicts, arms)
    trust = trust_in(table, scores, raw, rule)
    corrected = trust.correction
    observed, delta = raw, float(joint.change.mean())
    if corrected is not None:
        observed, delta = corrected.effect, 2 * (corrected.effect.delta or 0.0)

    def mean(judge: Floats, told: Floats) -> float:
        if corrected is None:
            return float(judge.mean())
        return corrected.difference(judge, told, scores.labelled)

    of = Interaction(
        practice="",
        beside=None,
        on=(),
        backend=None,
        aliases=(),
        effects={
            name: (mean(before, people.effects[name][0]), mean(after, people.effects[name][1]))
            for name, (before, after) in joint.effects.items()
        },
        n=raw.n,
        delta=delta,
        se=None if observed.se is None else 2 * observed.se,
        p=observed.p,
        method=observed.method,
        is_rate=verdicts,
        reasons=trust.reasons,
        notes=trust.notes,
    )
    return Found(of, observed.inference)


def _effect(sides: tuple[Side, Side], where: Where) -> Floats:
    without, with_it = sides
    return means_of(with_it, where, "score") - means_of(without, where, "score")


def _shared(arms: Iterable[JoinedArm]) -> Where:
    """Return the cases that all arms have."""
    known = [~np.isnan(arm.cells.score) for arm in arms]
    where: Where = np.all(known, axis=0)
    return where
