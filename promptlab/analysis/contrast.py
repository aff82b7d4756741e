"""Two sides of arms on the same cases: their difference, what it costs, and what verdict it bears.

A comparison of versions and the effect of a practice are both such a contrast, and are judged in
the same way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from promptlab.analysis import caveats, doubts, early
from promptlab.analysis.claims import OF_VERSIONS, Claim
from promptlab.analysis.conclude import (
    Effect,
    Floats,
    Ints,
    cases_needed,
    effect,
    interval,
    verdict,
    without_rounding,
)
from promptlab.analysis.measurements import JoinedArm, Measurements
from promptlab.analysis.sufficiency import too_alike, too_little
from promptlab.core.codes import Code
from promptlab.core.decision import Rule, Verdict
from promptlab.core.reasons import Reason
from promptlab.core.types import Json
from promptlab.stats.clusters import cluster_mean
from promptlab.stats.intervals import Interval
from promptlab.stats.multiplicity import holm
from promptlab.stats.power import minimum_detectable_effect

Side = tuple[JoinedArm, ...]
Where = NDArray[np.bool_]
ContrastT = TypeVar("ContrastT", bound="Contrast")


@dataclass(frozen=True, slots=True)
class Change:
    """What a trial uses on average on each side, and the paired difference with its interval."""

    mean_a: float
    mean_b: float
    delta: float
    ci: Interval | None

    @property
    def ratio(self) -> float | None:
        """Return b's share of a."""
        return self.mean_b / self.mean_a if self.mean_a else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Side b against side a. `effect` is the mean of b - a over cases.

    `won` and `lost` name the cases that b won and lost. `verdict` is about b; `reasons` say why it
    was refused, `warnings` what else to know. `cases_needed` is a total, `detectable` the
    difference that the present cases show with a power of 80 %. `stopped_at` is the number of
    cases, or groups of cases, after which a run that could stop early had decided the question.
    `claim` says of which others like these a verdict holds.
    """

    effect: Effect
    is_rate: bool
    mean_a: float | None
    mean_b: float | None
    won: tuple[str, ...]
    lost: tuple[str, ...]
    reasons: tuple[Reason, ...]
    cases_needed: int | None
    detectable: float | None
    tokens: Change | None
    output_tokens: Change | None
    cost_usd: Change | None
    latency_s: Change | None
    warnings: tuple[Reason, ...]
    stopped_at: int | None = None
    p_adjusted: float | None = None
    verdict: Verdict = "undecided"
    claim: Claim = OF_VERSIONS

    @property
    def reason(self) -> str | None:
        """Return why a verdict was refused, in one line."""
        return "; ".join(reason.text for reason in self.reasons) or None

    @property
    def n(self) -> int:
        """Return the number of cases."""
        return self.effect.n

    @property
    def delta(self) -> float | None:
        """Return the mean difference b - a."""
        return self.effect.delta

    @property
    def ci(self) -> Interval | None:
        """Return the interval of `delta`."""
        return self.effect.ci

    @property
    def ties(self) -> int:
        """Return the number of cases on which both sides scored the same."""
        return self.effect.n - self.effect.nonzero

    @property
    def usd_per_point(self) -> float | None:
        """Return the price of a point of score, if b is shown to score more and to cost more."""
        if self.cost_usd is None or self.delta is None or self.ci is None or self.ci[0] <= 0:
            return None
        return self.cost_usd.delta / self.delta if self.cost_usd.delta > 0 else None

    def parts(self) -> dict[str, Any]:
        """Return the fields by name, to build a more specific contrast from them."""
        return {entry.name: getattr(self, entry.name) for entry in fields(Contrast)}


def estimate(
    table: Measurements, a: Side, b: Side, rule: Rule, within: Where | None = None
) -> Contrast:
    """Estimate a contrast, except for what depends on the rest of its family.

    A case counts as the mean of a side's arms on each backend, with all backends weighted equally.
    `within` restricts the cases to one group, inside which they count as independent.
    """
    cases = np.ones(len(table.cases), dtype=bool) if within is None else within
    look = early.look(table, a, b, cases, rule)
    shared = cases & np.all([~np.isnan(arm.cells.score) for arm in (*a, *b)], axis=0)
    if look is not None:  # what came in later, or out of order, was not looked at
        shared &= table.declared < look.sums.size
    before, after = (_means(side, shared, "score") for side in (a, b))
    d = without_rounding(after - before, np.maximum(np.abs(before), np.abs(after)))
    groups = table.groups[shared] if within is None else np.arange(d.size)
    verdicts = table.bounded and all(arm.cells.is_verdict for arm in (*a, *b))
    binary = verdicts and _wholly(before) and _wholly(after)
    bounded = table.bounded
    single = rule if look is None else replace(rule, alpha=rule.alpha / 2)
    observed = effect(d, groups, single, binary=binary, bounded=bounded, seed=table.runs[0].seed)
    if look is not None:
        observed = _anytime(observed, look, rule.alpha)
    reasons = doubts.refusals(table, a, b, cases, rule)
    reasons += too_little(observed, groups, rule.limits)
    return Contrast(
        effect=observed,
        is_rate=verdicts,
        mean_a=float(before.mean()) if d.size else None,
        mean_b=float(after.mean()) if d.size else None,
        won=table.names(_at(shared, d > 0)),
        lost=table.names(_at(shared, d < 0)),
        reasons=tuple(reasons),
        detectable=_detectable(observed, rule),
        cases_needed=cases_needed(observed, d, groups, rule, binary=binary, bounded=table.bounded),
        tokens=_change(a, b, shared, "tokens", groups, rule),
        output_tokens=_change(a, b, shared, "output_tokens", groups, rule),
        cost_usd=_change(a, b, shared, "cost_usd", groups, rule),
        latency_s=None
        if _in_batches(table, (*a, *b))
        else _change(a, b, shared, "latency_s", groups, rule),
        warnings=(
            *caveats.of_the_table(table),
            *caveats.of_the_sides(table, a, b, cases, rule.limits),
            *caveats.without_failures(table, a, b, cases),
            *_stopped(table, observed, look),
        ),
        stopped_at=None if look is None else look.at,
    )


def conclude(family: Sequence[ContrastT], rule: Rule) -> Iterator[ContrastT]:
    """Give each contrast of a family its verdict, with p-values corrected by Holm's method."""
    raw = np.array([contrast.effect.p for contrast in family], dtype=float)  # None becomes NaN
    adjusted = holm(raw) if rule.correct else raw
    for contrast, corrected in zip(family, adjusted, strict=True):
        p = None if np.isnan(corrected) else float(corrected)
        if contrast.reasons:
            yield replace(contrast, p_adjusted=p, verdict="refused")
            continue
        shown = verdict(contrast.effect, p, rule)
        alike = too_alike(contrast.effect, rule.limits)
        if alike is not None and shown != "equivalent":
            yield replace(contrast, p_adjusted=p, verdict="refused", reasons=(alike,))
        else:
            warnings = (*contrast.warnings, *_unseen(contrast.effect, shown, p, rule))
            yield replace(contrast, p_adjusted=p, verdict=shown, warnings=warnings)


def _unseen(observed: Effect, shown: Verdict, p: float | None, rule: Rule) -> Iterator[Reason]:
    """Yield why a contrast with a small p is undecided all the same."""
    if shown != "undecided" or p is None or p > rule.alpha:
        return
    if observed.ci is None:
        text = "every case differs by the same amount: no interval can be given, and no verdict"
        yield Reason(Code.NO_INTERVAL, text)
    else:
        least = f" the smallest effect, {rule.min_effect:g}," if rule.min_effect else " 0"
        text = f"p is small, but the interval does not lie beyond{least}"
        yield Reason(Code.INTERVAL_TOO_WIDE, text.rstrip(","))


def _detectable(observed: Effect, rule: Rule) -> float | None:
    """Return the difference that these cases can show beyond the smallest effect that matters."""
    if not observed.se:
        return None
    return rule.min_effect + minimum_detectable_effect(observed.se, rule.alpha)


def _anytime(observed: Effect, look: early.Look, alpha: float) -> Effect:
    """Return what holds at any time, and with the last case also what was tested once."""
    p, ci = look.p(observed.p), look.interval(alpha)
    if look.at is not None or not look.complete:
        return replace(observed, p=p, ci=ci, method="e-process")
    if ci is not None and observed.ci is not None:
        ci = max(ci[0], observed.ci[0]), min(ci[1], observed.ci[1])
    return replace(observed, p=p, ci=ci)


def _stopped(table: Measurements, observed: Effect, look: early.Look | None) -> list[Reason]:
    """Return what to know of a run that ended before its last case."""
    if look is None:
        return []
    unit = "groups of cases" if observed.n_groups < observed.n else "cases"
    if look.at is not None:
        text = f"decided after {look.at} {unit}: the difference itself is optimistic"
        return [Reason(Code.STOPPED_EARLY, text, {"after": look.at, "unit": unit})]
    run = table.runs[0].info
    if look.complete or run.status != "finished":
        return []
    after, of = look.sums.size, int(table.declared.max(initial=-1)) + 1
    text = (
        f"run {run.run_id} stopped after {after} of {of} {unit}, which decide nothing by this"
        " scorer and today's rule: run the suite again for the others"
    )
    about: dict[str, Json] = {"run": run.run_id, "after": after, "of": of, "unit": unit}
    return [Reason(Code.STOPPED_UNDECIDED, text, about)]


def _wholly(means: Floats) -> bool:
    """Return whether every case passed or failed outright: measured once, or with equal repeats."""
    return bool(np.all((means == 0) | (means == 1)))


def _at(shared: Where, which: Where) -> Where:
    """Spread flags of the shared cases over all cases."""
    flags = shared.copy()
    flags[shared] = which
    return flags


def _means(side: Side, where: Where, name: str) -> Floats:
    """Return a quantity per case: the mean over a backend's arms, then over backends."""
    by_backend: defaultdict[str, list[Floats]] = defaultdict(list)
    for arm in side:
        by_backend[arm.arm.backend].append(getattr(arm.cells, name)[where])
    values: Floats = np.mean([np.mean(arms, axis=0) for arms in by_backend.values()], axis=0)
    return values


def _in_batches(table: Measurements, arms: Side) -> bool:
    """Return whether seconds mean nothing here: they are those of a queue, not of an answer."""
    facts = (
        table.runs[number].info.facts.get(setting.arm.backend)
        for arm in arms
        for number in arm.runs
        for setting in arm.settings
    )
    return any(each is not None and each.in_batches for each in facts)


def _change(a: Side, b: Side, shared: Where, name: str, groups: Ints, rule: Rule) -> Change | None:
    """Compare what both sides use, on the cases where that is known for both."""
    before, after = (_means(side, shared, name) for side in (a, b))
    known = ~(np.isnan(before) | np.isnan(after))
    if not known.any():
        return None
    difference = cluster_mean((after - before)[known], groups[known], rule.level)
    mean_a, mean_b = float(before[known].mean()), float(after[known].mean())
    return Change(mean_a, mean_b, difference.mean, interval(difference.low, difference.high))
