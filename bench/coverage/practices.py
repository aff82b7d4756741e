"""Practices: wordings drawn as well as cases, models in general, and effects that turn on another.

Goes the way of `promptlab practices`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from bench.coverage.draws import Chance, Drawn, Floats, arm_of, measured_run
from bench.coverage.families import passes
from bench.coverage.frame import Keep, Setting
from bench.coverage.judge import Seen, Told, shown
from promptlab.analysis.estimates import PracticeEffect
from promptlab.analysis.measurements import join
from promptlab.analysis.practices import Practices, practice_effects
from promptlab.core.codes import Code
from promptlab.core.decision import Rule
from promptlab.core.measured import MeasuredArm
from promptlab.core.runs import BackendFacts

CASES = 150
NAMES = ("a", "b", "c", "d")


@dataclass(frozen=True, slots=True)
class Practised:
    """A run, the true effect of its first practice, and facts of its backends."""

    drawn: Drawn
    truth: float
    facts: Mapping[str, BackendFacts] = field(default_factory=dict)

    def practices(self) -> Practices:
        """Go the way of `promptlab practices`."""
        run = measured_run(self.drawn)
        run = replace(run, info=replace(run.info, facts=self.facts))
        return practice_effects(join([run]), self.drawn.rule)


def settings() -> Iterator[Setting[Practised]]:
    """Yield the settings."""
    yield from wordings()
    yield from models()
    yield from joint_effects()
    yield from families()


# Wordings.


@dataclass(frozen=True, slots=True)
class Texts:
    """How the pass rates of texts are drawn: normal, or one in four is worse than the others."""

    name: str
    sd: float = 0.0
    bad: float = 0.0

    def rates(self, chance: Chance, number: int) -> Floats:
        """Return the pass rates of texts."""
        fallen = np.where(chance.random(number) < 0.25, self.bad, 0.0)
        rates: Floats = np.clip(chance.normal(0.6, self.sd, number) - fallen, 0.05, 0.95)
        return rates


TEXTS = (
    Texts("sd 0"),
    Texts("sd 5", 0.05),
    Texts("sd 15", 0.15),
    Texts("one in four 30 worse", 0.02, bad=0.3),
)


def wordings() -> Iterator[Setting[Practised]]:
    for texts in TEXTS:
        for k in (3, 5, 8):
            for paired in (False, True):
                how = "pairs" if paired else "a side"
                draw = partial(in_wordings, texts=texts, k=k, paired=paired)
                yield wording_setting(f"{k} {how}, {texts.name}", draw, Keep(0.93))
            if not texts.sd:
                continue
            draw = partial(in_wordings, texts=texts, k=k, paired=True, common=0.0)
            label = f"{k} pairs of unlike texts, {texts.name}"
            yield wording_setting(label, draw, Keep(0.93))
    for k in (1, 2):
        draw = partial(in_wordings, texts=TEXTS[2], k=k, paired=False)
        keep = Keep(false=None, at_most={"verdict on the practice": 0.0})
        yield wording_setting(f"{k} a side, sd 15", draw, keep)
    for k in (3, 5, 8):
        draw = partial(in_wordings, texts=TEXTS[1], k=k, paired=False, effect=0.1)
        yield wording_setting(f"{k} a side, sd 5, truly +10", draw, Keep(0.93))


def wording_setting(label: str, draw: partial[Practised], keep: Keep) -> Setting[Practised]:
    return Setting(f"wordings: {label}, n {CASES}", draw, keep, on_the_practice, plain=None)


def in_wordings(
    chance: Chance, texts: Texts, k: int, paired: bool, effect: float = 0.0, common: float = 0.5
) -> Practised:
    """Return texts with a practice and texts without it, as many, that differ by chance alone.

    In pairs, a share `common` of the variance is that of the pair.
    """
    rates = texts.rates(chance, 2 * k)
    if paired:
        both = np.tile(texts.rates(chance, k) - 0.6, 2)
        drawn = np.sqrt(1 - common) * (rates - 0.6) + np.sqrt(common) * both
        rates = np.clip(0.6 + drawn, 0.05, 0.95)
    means = np.clip(rates + np.repeat([effect, 0.0], k), 0.05, 0.95)
    return Practised(Drawn(passes(chance, CASES, means), means, arms=_texts(k, paired)), effect)


def _texts(k: int, paired: bool) -> list[MeasuredArm]:
    if not paired:
        with_it = [arm_of(f"w{place}", practices=("a",)) for place in range(k)]
        return [*with_it, *(arm_of(f"o{place}") for place in range(k))]
    whole = [arm_of(f"v{place}", practices=("a",)) for place in range(k)]
    return [*whole, *(without(arm, ("a",)) for arm in whole)]


def without(measured: MeasuredArm, off: tuple[str, ...]) -> MeasuredArm:
    left = tuple(name for name in measured.arm.practices if name not in off)
    return replace(measured, arm=replace(measured.arm, practices=left, off=off))


def on_the_practice(practised: Practised) -> Seen:
    """Count as a verdict on the practice what claims others like these texts."""
    [one] = practised.practices().effects
    claimed = one.claim.wordings == "random" and one.verdict not in ("undecided", "refused")
    return Seen(
        (_told(one, practised.truth),),
        practised.drawn.rule,
        marks={"verdict on the practice": float(claimed)},
    )


# Models in general.


def models() -> Iterator[Setting[Practised]]:
    keep = Keep(0.93)
    for number, ceiling in ((10, 5), (8, 3), (12, 3)):
        draw = partial(some_at_the_ceiling, number=number, ceiling=ceiling)
        yield model_setting(f"{ceiling} of {number} at the ceiling", draw, keep)
    for number in (5, 7, 10):
        for spread in (0.0, 0.05, 0.1):
            draw = partial(spread_out, number=number, spread=spread)
            yield model_setting(f"{number}, sd {spread * 100:g}", draw, keep)
    for distinct in (1, 2, 4):
        draw = partial(under_other_names, distinct=distinct)
        label = f"5 names of {distinct}"
        yield model_setting(label, draw, Keep(refused=1.0, may_refuse=True))


def model_setting(label: str, draw: partial[Practised], keep: Keep) -> Setting[Practised]:
    label = f"models: {label}, n 100"
    return Setting(label, draw, keep, in_general, plain=None, share=0.25)


def on_models(
    chance: Chance, before: Sequence[float], effects: Sequence[float], truth: float
) -> Practised:
    """Return one text with a practice and one without it on several models."""
    arms = [
        arm_of(version, f"m{place}", ("a",) * (version == "v1"))
        for place in range(len(before))
        for version in ("v0", "v1")
    ]
    means = [
        mean
        for base, effect in zip(before, effects, strict=True)
        for mean in (base, float(np.clip(base + effect, 0.0, 1.0)))
    ]
    return Practised(Drawn(passes(chance, 100, means), means, arms=arms), truth)


def some_at_the_ceiling(chance: Chance, number: int, ceiling: int) -> Practised:
    """Return models that gain 10 points, and others that have nothing to gain."""
    gain = number - ceiling
    before = [0.6] * gain + [0.995] * ceiling
    return on_models(chance, before, [0.1] * gain + [0.0] * ceiling, 0.1 * gain / number)


def spread_out(chance: Chance, number: int, spread: float) -> Practised:
    """Return models drawn from many, in which the practice does +5 on average."""
    effects = np.clip(chance.normal(0.05, spread, number), -0.35, 0.35)
    return on_models(chance, [0.6] * number, effects.tolist(), 0.05)


def under_other_names(chance: Chance, distinct: int) -> Practised:
    """Return five backends of fewer models, on which the practice helps."""
    practised = on_models(chance, [0.5] * 5, [0.2] * 5, 0.2)
    facts = {
        f"m{place}": BackendFacts({"kind": "openai", "model": str(place % distinct)})
        for place in range(5)
    }
    return replace(practised, facts=facts)


def in_general(practised: Practised) -> Seen:
    """Return the row on models in general alone."""
    effects = practised.practices().effects
    general = next(one for one in effects if one.scope == "models in general")
    return Seen((_told(general, practised.truth),), practised.drawn.rule)


# Joint effects.


def joint_effects() -> Iterator[Setting[Practised]]:
    for factors, n in ((2, 200), (2, 400), (4, 100), (4, 200)):
        what = "2 x 2" if factors == 2 else "2^(4-1)"
        # Twice what these cases can detect of a main effect, with arms of 50 to 60 %.
        turn = 2 * 2.8 * np.sqrt(0.25 * 4 / 2**factors / n * (1 if factors == 2 else 2))
        for size, keep in (
            (float(turn), Keep(marks={"told": 0.8}, at_most={"equivalent": 0.05})),
            (float(turn) / 2, Keep(at_most={"equivalent": 0.05}, stated=("told",))),
            (0.0, Keep(at_most={"told": 0.05}, stated=("equivalent",))),
        ):
            draw = partial(turned, factors=factors, n=n, size=min(size, 0.35))
            label = f"{what}, +-{min(size, 0.35) * 100:.0f}, margin 8, n {n}"
            yield Setting(f"joint effects: {label}", draw, keep, about_the_first, plain=None)


def turned(chance: Chance, factors: int, n: int, size: float) -> Practised:
    """Return a design in which the first practice does +size without the second, else -size."""
    names = NAMES[:factors]
    offs = [
        tuple(name for name, on in zip(names, levels, strict=True) if not on)
        for levels in np.ndindex(*(2,) * factors)
        if factors == 2 or sum(levels) % 2 == 0
    ]
    whole = arm_of("v0", practices=names)
    means = [0.5 + size / 2 * (1 if ("a" in off) == ("b" not in off) else -1) for off in offs]
    drawn = Drawn(
        passes(chance, n, means),
        means,
        rule=Rule(min_effect=0.08),
        arms=[without(whole, off) for off in offs],
    )
    return Practised(drawn, 0.0)


def about_the_first(practised: Practised) -> Seen:
    """Say whether the first practice is called equivalent, and whether it is told that it turns.

    On average it does nothing: that it is called better or worse is false.
    """
    one = next(each for each in practised.practices().effects if each.practice == "a")
    told = any(note.code is Code.EFFECT_TURNS for note in one.warnings)
    marks = {"told": float(told), "equivalent": float(one.verdict == "equivalent")}
    return Seen((_told(one, 0.0),), practised.drawn.rule, marks=marks)


# Families: each model by itself, these models together, models in general.


def families() -> Iterator[Setting[Practised]]:
    own = {f"any told, {scope}": 0.05 for scope in ("model", "these models", "models in general")}
    keep = Keep(false=None, at_most=own)
    draw = partial(on_each, models=5, n=100)
    label = "families: 4 practices x 5 models, 2^(4-1), n 100"
    yield Setting(label, draw, keep, by_family, plain=None, share=0.25)


def on_each(chance: Chance, models: int, n: int) -> Practised:
    """Return half of all combinations of four practices on each model, none of which matters."""
    offs = [
        tuple(name for name, on in zip(NAMES, levels, strict=True) if not on)
        for levels in np.ndindex(*(2,) * len(NAMES))
        if sum(levels) % 2 == 0
    ]
    arms = [
        without(arm_of("v0", f"m{model}", NAMES), off) for model in range(models) for off in offs
    ]
    means = [0.6] * len(arms)
    return Practised(Drawn(passes(chance, n, means), means, arms=arms), 0.0)


def by_family(practised: Practised) -> Seen:
    """Return all rows, and whether any row of each family is told."""
    effects = practised.practices().effects
    marks = {
        f"any told, {scope}": float(
            any(one.scope == scope and one.verdict in ("better", "worse") for one in effects)
        )
        for scope in dict.fromkeys(one.scope for one in effects)
    }
    return Seen(tuple(_told(one, 0.0) for one in effects), practised.drawn.rule, marks=marks)


def _told(one: PracticeEffect, truth: float) -> Told:
    return Told(truth, one.delta, shown(one), one.verdict)
