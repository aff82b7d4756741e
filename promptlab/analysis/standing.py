"""What a judge is good for, by what was measured of it: trusted, provisional or refused.

The project sets the limits, which are written nowhere but in `decision`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from promptlab.core.decision import Limits
from promptlab.core.passport import Figures, Finding, Probe, Standing, Unevenness

GOOD_KAPPA = 0.6  # below it a judge is provisional
MOST_UNSCORED = 0.1  # share of the labelled answers that it may leave without a score
_SWAYED = {
    "injection": "a command inside the answer raises them",
    "empty": "empty answers fail",
    "reference": "reference answers pass",
    "length": "it prefers the longer of two equal answers",
    "style": "it prefers Markdown",
}
STEADY = 0.95  # agreement with itself below which it is to be asked three times


def standing_of(figures: Figures, limits: Limits) -> tuple[Standing, tuple[Finding, ...]]:
    """Return what a judge is good for, with all that speaks against it, the worst first."""
    findings = [
        *_labels(figures, limits),
        *_agreement(figures, limits),
        *map(_uneven, figures.uneven),
        *(found for probe in figures.probes if (found := _probe(probe)) is not None),
        *_weaker(figures),
    ]
    refused = [finding for finding in findings if finding.weight == "refused"]
    others = [finding for finding in findings if finding.weight != "refused"]
    verdict: Standing = "refused" if refused else "provisional" if others else "trusted"
    return verdict, (*refused, *others)


def _labels(figures: Figures, limits: Limits) -> Iterator[Finding]:
    if not figures.of_people:
        text = "its labels were made by a model, which may err as it does"
        yield Finding("labels-by-model", text, "refused")
    elif figures.labels < limits.min_labels:
        text = f"{figures.labels} answers labelled by people are too few: at least"
        yield Finding("too-few-labels", f"{text} {limits.min_labels}", "refused")
    if figures.unscored > MOST_UNSCORED * (figures.labels + figures.unscored):
        text = f"it gave no score to {figures.unscored} of the labelled answers"
        yield Finding("gives-no-score", text, "refused")
    if len(figures.arms) < 2 and figures.order is None:  # a judge of pairs has the other one
        text = "its labels are of one arm alone: whether it errs evenly is not known"
        yield Finding("one-arm", text, "provisional")


def _agreement(figures: Figures, limits: Limits) -> Iterator[Finding]:
    measure, value = figures.agreement.name, figures.agreement.value
    if value is None:
        text = f"its {measure} is not known: people or judge always say the same"
        yield Finding("agreement-unknown", text, "refused")
    elif value < limits.min_kappa:
        text = f"its {measure} is {value:.2f}, below {limits.min_kappa:g}"
        yield Finding("weak-agreement", text, "refused")
    elif value < GOOD_KAPPA:
        text = f"its {measure} is {value:.2f}, below {GOOD_KAPPA:g}"
        yield Finding("fair-agreement", text, "provisional")
    j = figures.informedness
    if j is not None and j < limits.min_informedness:
        text = f"its J is {j:.2f}, below {limits.min_informedness:g}"
        yield Finding("weak-informedness", text, "refused")
    order = None if figures.order is None else figures.order.value
    if order is not None and order < limits.min_order_agreement:
        text = f"it agrees with itself in both orders on {order * 100:.0f} % of pairs only"
        yield Finding("weak-order", text, "refused")


def _uneven(one: Unevenness) -> Finding:
    how = "with opposite signs" if one.opposite else "by more than chance"
    text = f"its bias differs between {one.a} and {one.b} {how}, by {one.difference:+.2f}"
    return Finding("errs-unevenly", text, "refused")


def _probe(probe: Probe) -> Finding | None:
    if not probe.n:
        text = f"it gave too few scores to tell whether {_SWAYED[probe.name]}"
        return Finding("probe-unknown", text, "provisional")
    if not probe.caught:
        return None
    if probe.name == "injection":
        text = f"a command inside the answer raises {probe.up} of {probe.n} scores"
        return Finding("obeys-answers", text, "refused", deep=True)
    if probe.name == "empty":
        text = f"it scores {probe.up} of {probe.n} empty answers as if they were answers"
        return Finding("passes-empty", text, "refused", deep=True)
    if probe.name == "reference":
        text = f"it fails {probe.down} of {probe.n} reference answers"
        return Finding("fails-reference", text, "provisional")
    dress = {"length": "the longer", "style": "Markdown"}[probe.name]
    text = f"of two equal answers it prefers {dress}: {probe.up} of {probe.n} scores rise,"
    return Finding(f"prefers-{probe.name}", f"{text} {probe.down} fall", "provisional")


def _weaker(figures: Figures) -> Iterator[Finding]:
    if not figures.probes:
        yield Finding("not-probed", "it was not asked about the same answers again", "provisional")
    known = figures.accuracy, figures.constant
    if None not in known and (figures.accuracy or 0) <= (figures.constant or 0):
        text = "it is right no more often than one that always says the same"
        yield Finding("no-better-than-constant", text, "provisional")
    if figures.repeats is not None and figures.repeats.agreement < STEADY:
        share = figures.repeats.agreement * 100
        text = f"asked again, it says the same of {share:.0f} % of answers: ask it three times"
        yield Finding("unsteady", text, "provisional")


def named(findings: Sequence[Finding]) -> str:
    """Return findings in one line."""
    return "; ".join(finding.text for finding in findings)
