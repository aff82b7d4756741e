"""Where a difference comes from, in words: the notes that stand beside a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from promptlab.analysis.causes import Causes, Part, Shares
from promptlab.analysis.measurements import Measurements
from promptlab.analysis.sides import Named, Side, named, on_backends
from promptlab.analysis.tipping import Ruled, tipping_points
from promptlab.core.codes import Code
from promptlab.core.decision import Rule
from promptlab.core.reasons import Reason
from promptlab.core.types import Json

_OFTEN = 0.05  # a share of a side's answers above which it is told
_APART = 0.02  # by which it must be above the other side's, to be told where it is lower
_CEILING = 0.95  # of what can be scored; the floor is as far from nothing
_LIKELY = 0.5  # of the answers that were cut off: hardly more of them would have been right

_NOTHING = {
    "label": "hold no single label",
    "numeric": "hold no number",
    "json_schema": "hold no JSON",
    "regex": "hold no match",
}
"""What is said of answers with nothing to grade, by the name of the scorer."""


@dataclass(frozen=True, slots=True)
class _Told:
    """A share of a side's answers that is worth a note: its key, and what is said of them."""

    key: str
    words: str
    share: float


def of_the_causes(
    table: Measurements, sides: tuple[Side, Side], causes: Causes, *, is_rate: bool
) -> Iterator[Reason]:
    """Yield what a difference of two sides consists of, where that is worth a note."""
    told = [_worth_telling(table, *pair) for pair in ((causes.a, causes.b), (causes.b, causes.a))]
    lower = _lower(causes)
    form = lower is not None and bool(told[lower]) and causes.form is not None
    for place, side in enumerate(sides):
        whom = named(table, side)
        if form and place == lower:
            yield _form(causes, whom, told[place], is_rate=is_rate)
        elif told[place]:
            text = f"of the answers of {whom.name} {_listed(told[place])}"
            yield Reason(Code.ANSWERS_SAY_NOTHING, text, _about(whom, told[place]))
    yield from _constants(table, causes)


def of_the_edges(
    table: Measurements, sides: tuple[Side, Side], means: Sequence[float | None]
) -> Iterator[Reason]:
    """Yield the sides that score nearly all or nearly nothing of what can be scored."""
    for side, mean in zip(sides, means, strict=True):
        if mean is None or 1 - _CEILING <= mean <= _CEILING:
            continue
        code = Code.AT_THE_CEILING if mean > _CEILING else Code.AT_THE_FLOOR
        edge = "ceiling" if mean > _CEILING else "floor"
        whom = named(table, side)
        verbs = ("is", "it scores") if len(whom.arms) == 1 else ("are", "they score")
        text = f"{whom.name} {verbs[0]} at the {edge}: {verbs[1]} {mean * 100:.1f} %"
        yield Reason(code, text, whom.about | {"mean": mean})


def settled(
    causes: Causes, ruled: Ruled, rule: Rule, *, is_rate: bool
) -> tuple[Causes, tuple[Reason, ...]]:
    """Return causes and notes that are known once there is a verdict."""
    points = tipping_points(causes.basis, causes.doubtful, ruled, rule)
    causes = replace(causes, tipping=tuple(points))
    return causes, (*_tipping(causes), *_other_scorers(causes, ruled, is_rate=is_rate))


def _other_scorers(causes: Causes, ruled: Ruled, *, is_rate: bool) -> Iterator[Reason]:
    """Yield the scorers by which the difference is another way, at a level for all of them."""
    alpha = ruled.alpha / (ruled.size * max(1, causes.scorers))
    for other in causes.otherwise:
        if other.p <= alpha:
            text = f"by {other.scorer} the other way, {_signed(other.delta, is_rate=is_rate)}"
            about: dict[str, Json] = {
                "scorer": other.scorer, "delta": other.delta, "p": other.p,
            }  # fmt: skip
            yield Reason(Code.SCORERS_DISAGREE, text, about)


def _tipping(causes: Causes) -> Iterator[Reason]:
    """Yield how many answers, had they been right, would end the verdict, if that may well be."""
    for point in causes.tipping:
        if point.ends_at > _LIKELY * point.answers:
            continue
        text = f"ends if {point.ends_at} of {point.answers} answers of {point.side.name}"
        about: dict[str, Json] = {
            **point.side.about,
            "kind": point.kind,
            "answers": point.answers,
            "ends_at": point.ends_at,
        }
        yield Reason(Code.TIPPING_POINT, f"{text} that were {point.kind} had been right", about)


def _lower(causes: Causes) -> int | None:
    """Return which side gives fewer answers that can be graded, None if they hardly differ."""
    if causes.a.gradable is None or causes.b.gradable is None:
        return None
    more = causes.b.gradable - causes.a.gradable
    return None if abs(more) <= _APART else int(more < 0)


def _worth_telling(table: Measurements, own: Shares, other: Shares) -> list[_Told]:
    nothing = _NOTHING.get(table.scorer.name, "hold nothing to grade")
    kinds = (
        ("refused", "were refused", own.refused, other.refused),
        ("filtered", "were filtered", own.filtered, other.filtered),
        ("empty", "were empty", own.empty, other.empty),
        ("not_gradable", nothing, own.ungradable, other.ungradable),
    )
    return [
        _Told(key, words, share)
        for key, words, share, beside in kinds
        if share > _OFTEN or share - beside > _APART
    ]


def _form(causes: Causes, whom: Named, told: Sequence[_Told], *, is_rate: bool) -> Reason:
    """Return how much of a difference comes from answers that cannot be graded."""
    form, content = causes.form, causes.content
    assert form is not None
    text = f"of the answers of {whom.name} {_listed(told)}: "
    if content is None:
        text += f"{_signed(form.delta, is_rate=is_rate)}, all of the difference"
    else:
        whole = _signed(form.delta + content.delta, is_rate=is_rate)
        points = " points" if is_rate else ""
        often = "more" if content.delta >= 0 else "less"
        text += f"{_signed(form.delta, is_rate=is_rate)} of {whole}{points};"
        text += f" being right {often} often {_with_interval(content, is_rate=is_rate)}"
    about = _about(whom, told)
    about |= {"form": form.delta, "content": None if content is None else content.delta}
    return Reason(Code.DIFFERENCE_IN_FORM, text, about)


def _constants(table: Measurements, causes: Causes) -> Iterator[Reason]:
    for one in causes.constants:
        name = f"{one.arm}{on_backends(table, one.backend)}"
        p = "" if one.p is None else f", p {one.p:.2g}"
        text = (
            f"{name} answers {one.answer!r} to {one.given} of {one.answers}: always saying it"
            f" scores {one.score * 100:.1f} %, {one.arm} {one.own * 100:.1f} %"
            f" ({one.won} won, {one.lost} lost{p})"
        )
        about: dict[str, Json] = {
            "arms": [one.arm],
            "backend": one.backend,
            "answer": one.answer,
            "given": one.given,
            "answers": one.answers,
            "score": one.score,
            "p": one.p,
        }
        yield Reason(Code.CONSTANT_ANSWER, text, about)


def _listed(told: Sequence[_Told]) -> str:
    return ", ".join(f"{each.share * 100:.0f} % {each.words}" for each in told)


def _about(whom: Named, told: Sequence[_Told]) -> dict[str, Json]:
    shares: dict[str, Json] = {each.key: each.share for each in told}
    return whom.about | {"shares": shares, "said": _listed(told)}


def _with_interval(part: Part, *, is_rate: bool) -> str:
    text = _signed(part.delta, is_rate=is_rate)
    if part.ci is None:
        return f"{text} (too few to judge)"
    low, high = (_signed(bound, is_rate=is_rate) for bound in part.ci)
    return f"{text}, {low} to {high}"


def _signed(value: float, *, is_rate: bool) -> str:
    return f"{value * 100:+.1f}" if is_rate else f"{value:+.3g}"
