"""The effects of practices as plain data: rows, the scale of a forest plot, and their sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, log10
from typing import Literal

from promptlab.analysis.basis import Basis
from promptlab.analysis.estimates import PracticeEffect
from promptlab.analysis.interactions import Interaction
from promptlab.analysis.practices import Practices
from promptlab.core.decision import Rule
from promptlab.core.reasons import Reason
from promptlab.report.views.contrast import (
    Figures,
    Note,
    OpenQuestion,
    family_size,
    figures_of,
    held_for,
    levels_of,
    notes_on,
    open_question,
)
from promptlab.report.wording import counted, difference, listed, p_heading, short_p_heading
from promptlab.stats.meta import RandomEffects

_GENERAL = "models in general"
_NOTHING = 1e-12  # a difference due to rounding alone
_LABELS = 3  # of arms in one line


@dataclass(frozen=True, slots=True)
class PracticeRow:
    """The effect of a practice in one place; `place` is None if there is only one.

    `leads` marks the first row of a practice. `is_silent` is set if there are too few models to
    say anything about models in general: such a row is for documents only.
    """

    practice: str
    place: str | None
    leads: bool
    effect: PracticeEffect
    figures: Figures
    open: Reason | None
    is_silent: bool


@dataclass(frozen=True, slots=True)
class Scale:
    """How far a forest plot reaches on both sides of zero, as a number and as labels."""

    reach: float
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class Definition:
    """Which arms an effect comes from."""

    practice: str
    text: str

    @property
    def line(self) -> str:
        """Return it as one line."""
        return f"{self.practice}: {self.text}"


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """How much models differ in the effect of a practice."""

    practice: str
    among: RandomEffects

    @property
    def line(self) -> str:
        """Return it as one line."""
        among = self.among
        return (
            f"{self.practice}: {among.models} models, Q {among.q:.1f},"
            f" I2 {among.i2 * 100:.0f} %, tau {among.tau2**0.5:.3f}"
        )


@dataclass(frozen=True, slots=True)
class PracticesView:
    """What each practice changes, by one scorer.

    `rows` has all effects, `shown` those that say something. `levels` are those of their intervals,
    None if all have the same. `interactions` are the joint effects,
    `not_apart` lists those that the design confounds, `silence` why nothing can be said about
    models in general. `evidence` has notes on the runs.
    """

    run_ids: tuple[str, ...]
    scorer: str
    secondary: bool
    rule: Rule
    title: str
    unit: Literal["points", "effect"]
    p_heading: str
    short_p_heading: str
    levels: Sequence[str] | None
    rows: tuple[PracticeRow, ...]
    scale: Scale
    definitions: tuple[Definition, ...]
    aliases: tuple[tuple[tuple[str, str], ...], ...]
    interactions: tuple[Interaction, ...]
    not_apart: tuple[str, ...]
    notes: tuple[Note, ...]
    silence: tuple[Reason, ...]
    heterogeneity: tuple[Heterogeneity, ...]
    open: tuple[OpenQuestion, ...]
    evidence: tuple[Reason, ...] = ()

    @property
    def shown(self) -> tuple[PracticeRow, ...]:
        """Return the rows that say something."""
        return tuple(row for row in self.rows if not row.is_silent)


def practices_view(basis: Basis, practices: Practices, rule: Rule) -> PracticesView:
    """Return the view of the effects of practices."""
    effects = practices.effects
    rows = tuple(_row(effect, effects, rule) for effect in effects)
    shown = [row for row in rows if not row.is_silent]
    several = len({effect.backend for effect in effects}) > 1
    named = [(row, _about(row.effect) if several else row.practice) for row in shown]
    is_rate = shown[0].effect.is_rate
    judged = [row.effect for row in shown]
    return PracticesView(
        run_ids=basis.run_ids,
        scorer=basis.scorer,
        secondary=basis.secondary,
        rule=rule,
        title=f"{basis.scores}: what each practice changes, {held_for(judged, rule)}",
        unit="points" if is_rate else "effect",
        p_heading=p_heading(family_size(judged)),
        short_p_heading=short_p_heading(family_size(judged)),
        levels=levels_of(judged, rule),
        rows=rows,
        scale=_scale([row.effect for row in shown], is_rate=is_rate),
        definitions=tuple(_definitions(effects)),
        aliases=practices.aliases,
        interactions=practices.interactions,
        not_apart=tuple(_not_apart(practices)),
        notes=notes_on([(row.effect, name) for row, name in named]),
        silence=_silence(rows),
        heterogeneity=tuple(
            Heterogeneity(effect.practice, effect.general)
            for effect in effects
            if effect.general is not None
        ),
        open=tuple(OpenQuestion(name, row.open) for row, name in named if row.open),
        evidence=basis.notes,
    )


def _row(effect: PracticeEffect, effects: Sequence[PracticeEffect], rule: Rule) -> PracticeRow:
    same = [each for each in effects if each.practice == effect.practice]
    general = effect.scope == _GENERAL
    figures = figures_of(effect)
    return PracticeRow(
        practice=effect.practice,
        place=_place(effect) if len({each.backend for each in same}) > 1 else None,
        leads=effect is same[0],
        effect=effect,
        figures=replace(figures, tokens="") if general else figures,
        open=None if general else open_question(effect),
        is_silent=general and effect.general is None,
    )


def _place(effect: PracticeEffect) -> str:
    if effect.scope == "model":
        return f"on {effect.backend}"
    return "in general" if effect.scope == _GENERAL else effect.scope


def _about(effect: PracticeEffect) -> str:
    where = f" on {effect.backend}" if effect.backend is not None else f", {effect.scope}"
    return f"{effect.practice}{where}"


def _scale(effects: Sequence[PracticeEffect], *, is_rate: bool) -> Scale:
    """Return how far a plot reaches: to the widest interval, rounded up to two digits."""
    known = [
        abs(bound) for effect in effects for bound in effect.ci_simultaneous or effect.ci or ()
    ]
    widest = max(known, default=0.0)
    reach = 1.0
    if widest >= _NOTHING:
        unit: float = 10.0 ** (floor(log10(widest)) - 1)
        reach = ceil(widest / unit) * unit
    low, high = (difference(bound, is_rate=is_rate).removesuffix(".0") for bound in (-reach, reach))
    return Scale(reach, low, high)


def _definitions(effects: Sequence[PracticeEffect]) -> Iterator[Definition]:
    """Yield which arms each effect comes from, and how many wordings these are."""
    first = {effect.practice: effect for effect in reversed(effects)}
    for effect in reversed(first.values()):
        yield Definition(effect.practice, _source(effect))


def _source(effect: PracticeEffect) -> str:
    if effect.source == "factorial":
        arms = f"{len(effect.with_it)} arms with it against {len(effect.without)} without"
        return f"{arms} ({_wordings(effect)})"
    with_it, without = listed(effect.with_it, _LABELS), listed(effect.without, _LABELS)
    return f"{with_it} against {without} ({_wordings(effect)})"


def _wordings(effect: PracticeEffect) -> str:
    """Say how many texts there are, and whether they stand for others."""
    counts = effect.wordings, effect.wordings_without
    if counts == (1, 1):
        return "one wording"
    several = counted(counts[0], "wording")
    if counts[0] != counts[1]:
        several += f" against {counts[1]}"
    return several if effect.claim.wordings == "random" else f"{several}: only these"


def _not_apart(practices: Practices) -> Iterator[str]:
    """Yield which joint effects of two practices the design confounds."""
    for group in practices.aliases:
        yield "confounded: " + " = ".join(" x ".join(pair) for pair in group)


def _silence(rows: Sequence[PracticeRow]) -> tuple[Reason, ...]:
    """Return why nothing can be said about models in general, each reason once."""
    reasons = {reason for row in rows if row.is_silent for reason in row.effect.reasons}
    return tuple(sorted(reasons, key=lambda reason: reason.text))
