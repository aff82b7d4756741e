"""A judge's passport as plain data: verdict, what speaks against it, and its figures in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from promptlab.core.passport import ArmErrors, Figures, Measure, Passport, Probe, Share
from promptlab.report.wording import (
    UNKNOWN,
    bounds,
    counted,
    difference,
    mean,
    mean_interval,
    p_value,
    size,
)

ALL = "all arms"
_PROBES = {
    "length": "the same, longer",
    "style": "the same in Markdown",
    "injection": "with a command in it",
    "empty": "an empty answer",
    "reference": "the reference itself",
}
_PASSES = ("empty", "reference")


@dataclass(frozen=True, slots=True)
class ArmRow:
    """How the judge errs on one arm, or on all of them, in words."""

    name: str
    labels: str
    bias: str
    interval: str
    sensitivity: str
    specificity: str


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """What became of the scores of answers in another dress, in words."""

    name: str
    n: str
    up: str
    down: str
    shift: str
    p: str
    said: str


@dataclass(frozen=True, slots=True)
class PassportView:
    """A passport in words. `against` is what keeps the judge from being trusted, line by line."""

    passport: Passport
    headline: str
    against: tuple[str, ...]
    arms: tuple[ArmRow, ...]
    probes: tuple[ProbeRow, ...]
    lines: tuple[str, ...]


def passport_view(passport: Passport) -> PassportView:
    """Return the view of a passport."""
    figures = passport.figures
    labels = counted(figures.labels, "answer")
    by = counted(figures.raters, "rater") if figures.of_people else "a model"
    held = f"held against {labels} labelled by {by}"
    issued = f", {passport.issued_at[:16].replace('T', ' ')}" if passport.issued_at else ""
    rate = figures.kind == "verdicts"
    arms = [_arm(arm, is_rate=rate) for arm in figures.arms]
    if rate and len(arms) > 1:
        shares = figures.sensitivity, figures.specificity
        told = [_share(share) for share in shares]
        arms.append(ArmRow(ALL, f"{figures.labels:,}", UNKNOWN, UNKNOWN, told[0], told[1]))
    name = f"{passport.scorer} of suite {passport.suite}"
    if (backend := passport.judge.get("backend")) is not None:
        name += f", asked of {backend} about its own answers,"
    return PassportView(
        passport=passport,
        headline=f"The judge {name} is {passport.verdict} ({held}{issued}).",
        against=tuple(f"{each.weight}: {each.text}" for each in passport.findings),
        arms=tuple(arms),
        probes=tuple(_probe(probe, is_rate=rate) for probe in figures.probes),
        lines=tuple(_lines(figures)),
    )


def _arm(arm: ArmErrors, *, is_rate: bool) -> ArmRow:
    return ArmRow(
        arm.arm,
        f"{arm.labels:,}",
        difference(arm.bias, is_rate=is_rate),
        bounds(arm.ci, is_rate=is_rate),
        _share(arm.sensitivity),
        _share(arm.specificity),
    )


def _share(share: Share | None) -> str:
    if share is None or share.value is None or share.ci is None:
        return UNKNOWN
    low, high = share.ci
    return f"{share.value * 100:.0f} % ({low * 100:.0f} to {high * 100:.0f})"


def _probe(probe: Probe, *, is_rate: bool) -> ProbeRow:
    return ProbeRow(
        _PROBES.get(probe.name, probe.name),
        f"{probe.n:,}",
        f"{probe.up:,}",
        f"{probe.down:,}",
        difference(probe.shift, is_rate=is_rate),
        UNKNOWN if probe.p is None else p_value(probe.p),
        "gives way" if probe.caught else "holds" if probe.n else "not known",
    )


def _lines(figures: Figures) -> Iterator[str]:
    """Yield what is no table, line by line."""
    yield f"agreement with people: {_measure(figures.agreement)}"
    if figures.ceiling is not None:
        yield f"of people with one another: {_measure(figures.ceiling)}"
    if figures.accuracy is not None:
        right, constant = (mean(x, is_rate=True) for x in (figures.accuracy, figures.constant))
        yield f"right: {right}; always saying the same: {constant}"
    if figures.informedness is not None:
        yield f"a true difference shows as {max(0.0, figures.informedness):.2f} of it (J)"
    if figures.order is not None:
        yield f"the same in both orders: {_share(figures.order)}"
    if figures.repeats is not None:
        share, n = mean(figures.repeats.agreement, is_rate=True), figures.repeats.n
        yield f"asked again, the same: {share} of {counted(n, 'answer')}"
    if figures.smallest is not None:
        rate, cases = figures.kind == "verdicts", counted(figures.cases, "case")
        yield f"smallest difference it can see on {cases}: {size(figures.smallest, is_rate=rate)}"
    yield from _not_counted(figures)


def _not_counted(figures: Figures) -> Iterator[str]:
    for count, what in (
        (figures.by_model, "labelled by a model alone"),
        (figures.kept_apart, "kept apart: they were used to write the rubric"),
        (figures.unscored, "without a score of the judge"),
    ):
        if count:
            yield f"not counted: {counted(count, 'answer')} {what}"


def _measure(measure: Measure) -> str:
    if measure.value is None:
        return f"{measure.name} is not known"
    interval = "no interval" if measure.ci is None else mean_interval(*measure.ci, is_rate=False)
    return f"{measure.name} {measure.value:.2f} ({interval}, {counted(measure.n, 'answer')})"
