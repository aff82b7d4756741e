"""Effects that are averages over unlike things: what to tell of them, and what not to claim."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import inf
from typing import TypeVar

from promptlab.analysis.contrast import Contrast
from promptlab.analysis.families import agreed
from promptlab.analysis.interactions import Interaction
from promptlab.core.codes import Code
from promptlab.core.decision import Rule
from promptlab.core.messages import Json
from promptlab.core.reasons import Reason

ContrastT = TypeVar("ContrastT", bound=Contrast)


def averaged(
    effect: ContrastT, practice: str, joint: Iterable[Interaction], rule: Rule
) -> ContrastT:
    """Tell on what an effect turns, and claim no equivalence where it may turn on something.

    `joint` are the joint effects that concern it. Without a smallest effect nothing is equivalent,
    and only those are told that are shown.
    """
    joint = tuple(joint)
    effect = turning(effect, practice, joint)
    if effect.verdict != "equivalent":
        return effect
    if any(one.is_shown for one in joint):  # no number of cases would make it one effect
        return replace(_open(effect, rule), cases_needed=None, detectable=None)
    wide = [one for one in joint if not one.within(2 * rule.min_effect)]
    if not wide:
        return effect
    why = _may_turn(max(wide, key=_reach))
    return replace(_open(effect, rule), warnings=(*effect.warnings, why))


def turning(effect: ContrastT, practice: str, joint: Iterable[Interaction]) -> ContrastT:
    """Tell on which joint effects an effect turns, whatever its verdict."""
    told = {(reason.code, reason.text) for reason in effect.warnings}
    reasons = [_turns(effect, practice, one) for one in joint if one.is_shown]
    new = [reason for reason in reasons if (reason.code, reason.text) not in told]
    return replace(effect, warnings=(*effect.warnings, *new)) if new else effect


def _open(effect: ContrastT, rule: Rule) -> ContrastT:
    """Take back an equivalence, with the p-value of that claim."""
    ci = effect.ci_simultaneous
    return replace(
        effect,
        verdict="undecided",
        null=None,
        p=None,
        p_family=None,
        p_adjusted=None,
        ci_simultaneous=None if ci is None else agreed(ci, "undecided", rule.min_effect),
    )


def concerning(
    practice: str, backend: str | None, joint: Iterable[Interaction]
) -> tuple[Interaction, ...]:
    """Return the joint effects that an effect on this backend, or on several, is an average over.

    Two practices that met on one backend alone concern the effect on all of them too.
    """
    ours = [
        one
        for one in joint
        if practice == one.practice or any(practice in pair for pair in one.aliases)
    ]
    if backend is not None:
        return tuple(one for one in ours if one.backend == backend)
    pooled = {one.aliases for one in ours if one.backend is None}
    return tuple(one for one in ours if one.backend is None or one.aliases not in pooled)


def _turns(effect: Contrast, practice: str, one: Interaction) -> Reason:
    """Return the note that an effect is an average over unlike things."""
    mean = _amount(effect.delta, is_rate=one.is_rate)
    other = one.beside_which(practice)
    without, with_it = one.effects.get(practice, (None, None))
    about: dict[str, Json] = {
        "practice": practice,
        "beside": other,
        "backends": [*one.on],
        "without": without,
        "with": with_it,
    }
    if without is None or with_it is None:  # of several pairs that the design confounds
        text = f"{mean} on average: it turns on a joint effect, {_pairs(one)}"
        return Reason(Code.EFFECT_TURNS, text, about)
    first, second = (_amount(each, is_rate=one.is_rate) for each in (without, with_it))
    if other is None:
        text = f"{mean} on average: {second} on {' and '.join(one.on)}, {first} elsewhere"
    else:
        text = f"{mean} on average: {first} without {other}, {second} with it"
        text += f" (or {_pairs(one, 1)})" if len(one.aliases) > 1 else ""
    return Reason(Code.EFFECT_TURNS, text, about)


def _may_turn(one: Interaction) -> Reason:
    """Return the note that an effect may be an average over unlike things."""
    where = f"on {' and '.join(one.on)}" if one.beside is None else f"with {one.beside}"
    if len(one.aliases) > 1:
        where = f"by {_pairs(one)}"
    text = f"equivalent on average, but {where} the effect may differ"
    if one.ci is not None:
        low, high = (_amount(bound, is_rate=one.is_rate) for bound in one.ci)
        text += f" by {low} to {high}" + " points" * one.is_rate
    about: dict[str, Json] = {
        "practice": one.practice,
        "beside": one.beside,
        "backends": [*one.on],
        "interval": None if one.ci is None else [*one.ci],
    }
    return Reason(Code.EFFECT_MAY_TURN, text, about)


def _reach(one: Interaction) -> float:
    return inf if one.ci is None else max(map(abs, one.ci))


def _pairs(one: Interaction, start: int = 0) -> str:
    return " = ".join(" x ".join(pair) for pair in one.aliases[start:])


def _amount(value: float | None, *, is_rate: bool) -> str:
    if value is None:
        return "unknown"
    number = f"{value * 100:+.0f}" if is_rate else f"{value:+.3g}"
    return "+0" if number == "-0" else number
