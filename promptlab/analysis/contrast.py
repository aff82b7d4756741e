"""Two sides of arms on the same cases: their difference, what it costs, and what verdict it bears.

A comparison of versions and the effect of a practice are both such a contrast, and are judged in
the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np

from promptlab.analysis import caveats, doubts, early
from promptlab.analysis.anytime import at_any_time
from promptlab.analysis.cause_notes import of_the_causes, of_the_edges, settled
from promptlab.analysis.causes import Causes, causes_of
from promptlab.analysis.changes import Change, Price, changes_of, means_of, price_of
from promptlab.analysis.claims import OF_VERSIONS, Claim
from promptlab.analysis.conclude import (
    Effect,
    Floats,
    detectable,
    effect,
    planned_effect,
    spread_of,
    without_rounding,
)
from promptlab.analysis.families import Family, Member, Null, rulings
from promptlab.analysis.inference import Scale
from promptlab.analysis.look import Look
from promptlab.analysis.measurements import Measurements
from promptlab.analysis.planning import Aim, Spread, cases_to_show
from promptlab.analysis.sides import Side, Where
from promptlab.analysis.sufficiency import assumed, guarded, no_interval, too_alike, too_little
from promptlab.analysis.tipping import Basis, Ruled
from promptlab.analysis.trust import has_moved, scores_of, trust_in
from promptlab.core.decision import Rule, Verdict
from promptlab.core.reasons import Reason
from promptlab.stats.distinct import distinct
from promptlab.stats.intervals import Interval

ContrastT = TypeVar("ContrastT", bound="Contrast")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Side b against side a. `effect` is the mean of b - a over cases.

    `won` and `lost` name the cases that b won and lost. `verdict` is about b; `reasons` say why it
    was refused, `warnings` what else to know. `spread` is how much differences vary, None where
    more cases do not help; `aim` what more of them should show. `stopped_at` is the number of
    cases, or groups of cases, after which a run that could stop early had decided the question.
    `claim` says of which others like these a verdict holds.

    `reduced` says what the repeats of a case were reduced to, None for their mean. `causes` says
    what the difference consists of. Cases whose differences do not matter are neither among `won`
    nor among `lost`.

    What is known only beside the rest of its `family`: `p` is the p-value of the claim that `null`
    names, `p_family` the same corrected for the whole family, `p_adjusted` for the block that is
    shown. `ci_simultaneous` holds for all of the family at once and agrees with the verdict.
    `cases_needed` is a total, `detectable` the difference that the present cases show with a power
    of 80 %.
    """

    effect: Effect
    is_rate: bool
    mean_a: float | None
    mean_b: float | None
    won: tuple[str, ...]
    lost: tuple[str, ...]
    reasons: tuple[Reason, ...]
    spread: Spread | None
    aim: Aim
    tokens: Change | None
    output_tokens: Change | None
    cost_usd: Change | None
    latency_s: Change | None
    price: Price | None
    warnings: tuple[Reason, ...]
    stopped_at: int | None = None
    look: Look | None = None
    cases_needed: int | None = None
    detectable: float | None = None
    causes: Causes | None = None
    family: Family | None = None
    null: Null | None = None
    p: float | None = None
    p_family: float | None = None
    p_adjusted: float | None = None
    ci_simultaneous: Interval | None = None
    verdict: Verdict = "undecided"
    claim: Claim = OF_VERSIONS
    reduced: str | None = None

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
        """Return the interval of `delta`, by itself."""
        return self.effect.ci

    @property
    def ties(self) -> int:
        """Return the number of cases that neither side won."""
        return self.effect.n - len(self.won) - len(self.lost)

    @property
    def usd_per_point(self) -> float | None:
        """Return the price of a unit of score, if b is shown to score more and costs more."""
        return None if self.price is None or not self._scores_more else self.price.usd

    @property
    def usd_per_point_ci(self) -> Interval | None:
        """Return the interval of that price."""
        return None if self.price is None or not self._scores_more else self.price.ci

    @property
    def _scores_more(self) -> bool:
        interval = self.ci_simultaneous or self.ci
        return interval is not None and interval[0] > 0

    def alpha(self, rule: Rule) -> float:
        """Return the level at which it is judged."""
        return rule.alpha if self.look is None else self.look.level

    def parts(self) -> dict[str, Any]:
        """Return the fields by name, to build a more specific contrast from them."""
        return {entry.name: getattr(self, entry.name) for entry in fields(Contrast)}


def estimate(
    table: Measurements,
    a: Side,
    b: Side,
    rule: Rule,
    within: Where | None = None,
    over: Callable[[Effect, Where], Effect] | None = None,
) -> Contrast:
    """Estimate a contrast, except for what depends on the rest of its family.

    A case counts as the mean of a side's arms on each backend, with all backends weighted equally.
    `within` restricts the cases to a part; if that is one group, they count as independent in it.
    `over` judges the effect on these cases with something else drawn as well.
    """
    cases = np.ones(len(table.cases), dtype=bool) if within is None else within
    look = early.look(table, a, b, cases, rule)
    shared = cases & np.all([~np.isnan(arm.cells.score) for arm in (*a, *b)], axis=0)
    if look is not None:  # what came in later, or out of order, was not looked at
        shared &= table.declared < look.sums.size
    before, after = (means_of(side, shared, "score") for side in (a, b))
    d = without_rounding(after - before, np.maximum(np.abs(before), np.abs(after)))
    alone = within is not None and distinct(table.declared[within]).size == 1
    groups = np.arange(d.size) if alone else table.groups[shared]
    verdicts = table.bounded and all(arm.cells.is_verdict for arm in (*a, *b))
    scale = Scale(
        verdicts=verdicts,
        whole=verdicts and _wholly(before) and _wholly(after),
        largest=table.largest,
    )
    observed = effect(d, groups, rule, scale, table.runs[0].seed)
    if over is not None:
        observed = over(observed, shared)
    if look is not None:
        observed = at_any_time(observed, look, rule, repeated=table.repeated)
    causes = causes_of(table, (a, b), shared, Basis(d, groups, scale, table.runs[0].seed), rule)
    means = [float(each.mean()) if d.size else None for each in (before, after)]
    scores = scores_of(table, (a, b), shared, groups)
    trust = trust_in(table, scores, observed, rule, corrects=look is None and over is None)
    corrected = trust.correction
    if corrected is not None:
        observed, means = corrected.effect, [corrected.mean_a, corrected.mean_b]
        causes = replace(causes, form=None, content=None, otherwise=())  # parts of another sum
    reasons = [*doubts.refusals(table, a, b, cases, rule), *trust.reasons]
    reasons += too_little(observed, groups, rule.limits)
    return Contrast(
        effect=observed,
        is_rate=verdicts,
        mean_a=means[0],
        mean_b=means[1],
        won=table.names(_at(shared, d > rule.min_effect)),
        lost=table.names(_at(shared, d < -rule.min_effect)),
        reasons=tuple(reasons),
        spread=spread_of(observed),
        aim=Aim(
            planned_effect(rule, bounded=scale.bounded),
            rule.alpha if look is None else rule.alpha / 2,
            rule.min_effect,
            rule.strict,
        ),
        **changes_of(table, a, b, shared, groups, rule),
        price=None if corrected else price_of(a, b, shared, d, groups, rule),
        warnings=(
            *trust.notes,
            *caveats.of_the_table(table),
            *caveats.of_the_sides(table, a, b, cases, rule.limits),
            *caveats.without_failures(table, a, b, cases),
            *(assumed(table.scorer.largest, table.widest) if table.scorer.largest else ()),
            *of_the_causes(table, (a, b), causes, is_rate=verdicts),
            *(of_the_edges(table, (a, b), means) if table.bounded else ()),
            *caveats.of_the_stop(table, observed, look),
        ),
        stopped_at=None if look is None else look.at,
        causes=causes,
        reduced=table.reduced,
    )


def conclude(
    contrasts: Sequence[ContrastT], rule: Rule, question: str, size: int | None = None
) -> Iterator[ContrastT]:
    """Give each contrast of a family its verdict, with what holds for all of them at once.

    `question` is what the family asks, `size` how many contrasts it has if there are others. Where
    the rule does not correct, each contrast is a family of its own.
    """
    size = (size or len(contrasts)) if rule.correct else 1
    alike = [too_alike(contrast.effect, rule.limits) for contrast in contrasts]
    members = [
        Member(
            contrast.delta,
            contrast.effect.inference,
            contrast.alpha(rule),
            refused=bool(contrast.reasons),
            directed=why is None,
            open=has_moved(contrast.warnings),
        )
        for contrast, why in zip(contrasts, alike, strict=True)
    ]
    ruled = rulings(members, rule.min_effect, size)
    for contrast, why, ruling in zip(contrasts, alike, ruled, strict=True):
        share = contrast.alpha(rule) / rule.alpha / size
        aim = replace(contrast.aim, alpha=contrast.aim.alpha * share)
        concluded = replace(
            contrast,
            verdict=ruling.verdict,
            cases_needed=None if contrast.spread is None else cases_to_show(contrast.spread, aim),
            detectable=detectable(contrast.effect, aim),
            null=ruling.null,
            p=ruling.p,
            p_family=ruling.p_family,
            p_adjusted=ruling.p_family,
            ci_simultaneous=ruling.ci,
            family=Family(question, size),
            warnings=(*contrast.warnings, *guarded(contrast.effect, is_rate=contrast.is_rate)),
        )
        if ruling.verdict == "refused" and not contrast.reasons and why is not None:
            concluded = replace(concluded, reasons=(why,))
        elif ruling.verdict == "undecided" and ruling.ci is None:
            unseen = no_interval(ruling.p_family, contrast.alpha(rule))
            concluded = replace(concluded, warnings=(*concluded.warnings, *unseen))
        yield _with_causes(concluded, rule)


def _with_causes(contrast: ContrastT, rule: Rule) -> ContrastT:
    """Add what is known of the causes once there is a verdict."""
    if contrast.causes is None:
        return contrast
    alpha, family = contrast.alpha(rule), contrast.family
    ruled = Ruled(
        contrast.verdict,
        contrast.effect.inference,
        alpha,
        size=1 if family is None else family.size,
        corrected=(contrast.p_family or 0) / contrast.p if contrast.p else 1.0,
    )
    causes, notes = settled(contrast.causes, ruled, rule, is_rate=contrast.is_rate)
    return replace(contrast, causes=causes, warnings=(*contrast.warnings, *notes))


def _wholly(means: Floats) -> bool:
    """Return whether every case passed or failed outright: measured once, or with equal repeats."""
    return bool(np.all((means == 0) | (means == 1)))


def _at(shared: Where, which: Where) -> Where:
    """Spread flags of the shared cases over all cases."""
    flags = shared.copy()
    flags[shared] = which
    return flags
