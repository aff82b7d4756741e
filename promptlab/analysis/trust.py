"""How far the scores of a judge bear a verdict on two sides: corrected, as they are, or not at all.

A judge is believed by its passport, or by what a project states of it by hand. Labels of people on
both sides correct whatever it errs; without them, a judge that errs unevenly is not believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from promptlab.analysis.conclude import BY_PEOPLE, Effect, Ints, effect
from promptlab.analysis.correction import Correction, Scores, by_people, by_shares
from promptlab.analysis.measurements import Measurements
from promptlab.analysis.sides import Side, Where, mean_over
from promptlab.analysis.standing import named
from promptlab.analysis.sufficiency import untrusted
from promptlab.core.codes import Code
from promptlab.core.decision import Limits, Rule
from promptlab.core.messages import Json
from promptlab.core.passport import Passport
from promptlab.core.reasons import Reason


@dataclass(frozen=True, slots=True)
class Trust:
    """What a judge's scores are worth: why they bear no verdict, notes, the corrected effect."""

    reasons: tuple[Reason, ...] = ()
    notes: tuple[Reason, ...] = ()
    correction: Correction | None = None


FULL = Trust()
"""Of scores that nobody has to be believed for."""


def scores_of(table: Measurements, sides: tuple[Side, Side], shared: Where, groups: Ints) -> Scores:
    """Return what judge and people say of both sides on the shared cases."""
    before, after = (mean_over(side, shared, lambda arm: arm.cells.score) for side in sides)
    people = [mean_over(side, shared, lambda arm: arm.people) for side in sides]
    verdicts = table.bounded and all(arm.cells.is_verdict for side in sides for arm in side)
    return Scores(before, after, people[0], people[1], groups, table.largest, verdicts)


def trust_in(
    table: Measurements, scores: Scores, raw: Effect, rule: Rule, *, corrects: bool = True
) -> Trust:
    """Return what the scores of a table are worth on two sides, whose effect is `raw` by itself.

    Nothing is corrected unless it `corrects`: where a run could stop early, or where wordings are a
    sample too, the effect is judged in another way.
    """
    if not table.scorer.judge:
        return FULL
    judge, passport = table.scorer.label, table.passport
    if passport is not None:
        trust = _by_passport(passport, scores, raw, rule, corrects=corrects)
        shown = raw if trust.correction is None else trust.correction.effect
        moves = _moves(table, shown, is_rate=scores.verdicts)
        return replace(trust, notes=(*moves, *trust.notes))
    if any(run.stale for run in table.runs):
        return Trust((_stale(judge),))
    why = untrusted(judge, rule.judges.get(judge), rule.limits)
    return FULL if why is None else Trust((why,))


def corrected_in(
    table: Measurements, sides: tuple[Side, Side], where: Where, method: str, rule: Rule
) -> tuple[float, float] | None:
    """Return the corrected effect on a part of the arms and its standard error, None if not known.

    The `method` is that by which the effect on all of them is corrected.
    """
    scores = scores_of(table, sides, where, table.groups[where])
    found = None
    if method == BY_PEOPLE and int(scores.labelled.sum()) >= _least(rule.limits):
        found = by_people(scores, rule)
    elif method != BY_PEOPLE and table.passport is not None:
        raw = effect(scores.after - scores.before, scores.groups, rule)
        found = _by_shares(table.passport, scores, raw, rule)
    known = None if found is None else found.effect
    if known is None or known.delta is None or known.se is None:
        return None
    return known.delta, known.se


def _moves(table: Measurements, shown: Effect, *, is_rate: bool) -> list[Reason]:
    """Return that a judge has moved by more than the difference that it shows, if so."""
    known = [run.moved for run in table.runs if run.moved is not None]
    moved, delta = max(known, key=abs, default=0.0), shown.delta
    if not moved or delta is None or abs(moved) <= abs(delta):
        return []
    told = f"{moved * 100:+.1f} points" if is_rate else f"{moved:+.3g}"
    text = f"the judge moved: it scores answers that it knows {told} otherwise than before"
    about: dict[str, Json] = {"judge": table.scorer.label, "moved": moved, "delta": delta}
    return [Reason(Code.JUDGE_MOVED, text, about)]


def has_moved(notes: Sequence[Reason]) -> bool:
    """Return whether a judge has moved, by these notes, so that nothing is decided."""
    return any(note.code is Code.JUDGE_MOVED for note in notes)


def _by_passport(
    passport: Passport, scores: Scores, raw: Effect, rule: Rule, *, corrects: bool
) -> Trust:
    """Correct by labels of both sides, else by errors shown equal, else believe it as it is."""
    if passport.deep:
        return Trust((_refused(passport),))
    labels, least = int(scores.labelled.sum()), _least(rule.limits)
    found = by_people(scores, rule) if corrects and labels >= least else None
    if found is None and passport.verdict == "refused":
        return Trust((_refused(passport),))
    if found is None and corrects:
        found = _by_shares(passport, scores, raw, rule)
    if found is None:
        return Trust(
            (), (_uncorrected(passport, labels, least, corrects=corrects), *_provisional(passport))
        )
    note = _corrected(found, raw, is_rate=scores.verdicts)
    return Trust((), (note, *_provisional(passport)), found)


def _least(limits: Limits) -> int:
    """Return how many cases must have labels on both sides: half of the labels go to each."""
    return (limits.min_labels + 1) // 2


def _by_shares(passport: Passport, scores: Scores, raw: Effect, rule: Rule) -> Correction | None:
    figures = passport.figures
    if (
        not scores.verdicts
        or not figures.equal
        or figures.sensitivity is None
        or figures.specificity is None
    ):
        return None
    return by_shares(scores, raw, figures.sensitivity, figures.specificity, rule)


def _stale(judge: str) -> Reason:
    text = f"the judge {judge!r} was changed since it was held against people's labels"
    return Reason(Code.JUDGE_STALE, text, {"judge": judge})


def _refused(passport: Passport) -> Reason:
    """Return why a judge is refused; one that errs unevenly has a name of its own."""
    judge = passport.scorer
    against = passport.deep or [each for each in passport.findings if each.weight == "refused"]
    uneven = [each for each in against if each.code == "errs-unevenly"]
    if uneven and not passport.deep:
        text = f"the judge {judge!r} errs unevenly, so one correction for all would mislead:"
        about: dict[str, Json] = {
            "judge": judge,
            "bias": {arm.arm: arm.bias for arm in passport.figures.arms},
        }
        return Reason(Code.JUDGE_ERRS_UNEVENLY, f"{text} {named(uneven)}", about)
    return Reason(
        Code.JUDGE_REFUSED,
        f"the passport of the judge {judge!r} is refused: {named(against)}",
        {"judge": judge, "findings": [each.code for each in against]},
    )


def _corrected(found: Correction, raw: Effect, *, is_rate: bool) -> Reason:
    delta = raw.delta or 0.0
    told = f"{delta * 100:+.1f} points" if is_rate else f"{delta:+.3g}"
    if found.effect.method == BY_PEOPLE:
        where = f" ({found.labels} cases, both sides)"
        labels = 2 * found.labels
    else:
        where, labels = ", its errors being shown equal on all arms", found.labels
    text = f"corrected with {labels:,} human labels{where}: the judge alone says {told}"
    about: dict[str, Json] = {
        "labels": labels,
        "uncorrected": raw.delta,
        "method": found.effect.method,
    }
    return Reason(Code.JUDGE_CORRECTED, text, about)


def _uncorrected(passport: Passport, labels: int, least: int, *, corrects: bool) -> Reason:
    """Return why nothing is corrected: where labels never would, not how many there are."""
    j = passport.figures.informedness
    shrunk = "" if not j else f", and true differences are about {1 / j:.2g} times as large"
    text = f"not corrected: {labels} cases have labels on both sides, at least {least} must{shrunk}"
    if not corrects:
        text = f"not corrected, since more than the cases was drawn, or the run could stop{shrunk}"
    elif labels >= least:
        text = f"not corrected: nothing varies on the {labels} cases with labels{shrunk}"
    about: dict[str, Json] = {"labels": labels, "least": least, "informedness": j}
    return Reason(Code.JUDGE_UNCORRECTED, text, about)


def _provisional(passport: Passport) -> Iterator[Reason]:
    if passport.verdict == "trusted":
        return
    judge = passport.scorer
    text = f"the judge {judge!r} by itself is {passport.verdict}: {named(passport.findings)}"
    about: dict[str, Json] = {
        "judge": judge,
        "verdict": passport.verdict,
        "findings": [each.code for each in passport.findings],
    }
    yield Reason(Code.JUDGE_PROVISIONAL, text, about)
