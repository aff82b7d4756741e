"""A run as plain data: what was planned and what is stored, by arm and scorer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from promptlab.core.results import ArmScores, OrderAgreement, RunInfo, RunResults, Sum
from promptlab.core.types import Arm, Outcome, Plan
from promptlab.core.worked import Worked
from promptlab.report.views.arm_names import ArmNames, arm_names
from promptlab.report.wording import counted, usd
from promptlab.stats.arm_mean import ArmSample, arm_interval


@dataclass(frozen=True, slots=True)
class ScoreView:
    """One arm's scores by one scorer. `low` and `high` bound a 95 % interval, None if unknown.

    `n` counts cases, `trials` the scored trials; `is_rate` distinguishes a pass rate from a mean.
    `unscored` trials have no score; they count as 0 if `as_zero`, else they are left out.
    """

    scorer: str
    n: int
    trials: int
    mean: float | None
    low: float | None
    high: float | None
    is_rate: bool
    failed: int
    n_groups: int
    unscored: int = 0
    as_zero: bool = False


@dataclass(frozen=True, slots=True)
class ArmView:
    """One arm of a run: how its trials ended, what they took, how they scored.

    `name` is as short as the run allows, with the practices that the arm follows.
    """

    name: str
    arm: Arm
    trials: int
    outcomes: Mapping[Outcome, int]
    cached: int
    input_tokens: Sum
    output_tokens: Sum
    latency_s: Sum
    cost_usd: Sum
    scores: tuple[ScoreView, ...]


def money(arm: ArmView) -> str:
    """Return what a trial of an arm cost on average."""
    return "unknown" if arm.cost_usd.mean is None else usd(arm.cost_usd.mean, 6)


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """The arms that one scorer has scored.

    `failed` counts the trials that it failed on. `in_groups` is set if cases come in groups, which
    are then what the intervals count. `orders` is set for a judge of pairs.
    """

    scorer: str
    title: str
    rows: tuple[tuple[ArmView, ScoreView], ...]
    are_rates: bool
    failed: int
    in_groups: bool
    orders: OrderAgreement | None

    @property
    def order_agreement(self) -> str | None:
        """Return how often a judge of pairs said the same in both orders, None of any other."""
        if self.orders is None or self.orders.share is None:
            return None
        agree, pairs = self.orders.agree, counted(self.orders.pairs, "pair")
        return f"both orders of {pairs} agree in {agree:,} ({self.orders.share * 100:.0f} %)"

    @property
    def without_scores(self) -> str | None:
        """Return what becomes of trials without a score, None if there are none."""
        number = sum(score.unscored for _, score in self.rows)
        if not number:
            return None
        once = number == 1
        verb = "counts" if once else "count"
        as_zero = any(score.as_zero for _, score in self.rows)
        what = f"{verb} as 0" if as_zero else f"{'is' if once else 'are'} left out"
        return f"{counted(number, 'trial')} without a score {what}."


@dataclass(frozen=True, slots=True)
class RunView:
    """A run: what was planned, what is stored, arm by arm. The primary scorer comes first."""

    run: RunInfo
    plan: Plan
    arms: tuple[ArmView, ...]
    orders: Mapping[str, OrderAgreement]

    @property
    def has_cost(self) -> bool:
        """Return whether cost is worth a column: it is known, or a remote machine answered."""
        remote = any("url" in spec.identity for spec in self.plan.backends)
        return remote or any(arm.cost_usd.known for arm in self.arms)

    @property
    def names(self) -> list[ArmNames]:
        """Return names for the arms, the fullest first."""
        return arm_names(self.plan.arms)

    @property
    def scorers(self) -> tuple[str, ...]:
        """Return the labels of the scorers, the primary one first."""
        labels = [spec.label for spec in self.plan.scorers]
        return (self.plan.primary, *(label for label in labels if label != self.plan.primary))

    @property
    def reduced_by(self) -> dict[str, str]:
        """Return by what each scorer reduces the repeats of a case."""
        return {spec.label: str(spec.reduce) for spec in self.plan.scorers}

    @property
    def tables(self) -> tuple[ScoreTable, ...]:
        """Return a table for each scorer, the primary one first."""
        return tuple(self._table(scorer) for scorer in self.scorers)

    @property
    def outcomes(self) -> dict[Outcome, int]:
        """Count how the trials of all arms ended."""
        return {outcome: sum(arm.outcomes[outcome] for arm in self.arms) for outcome in Outcome}

    @property
    def trials(self) -> int:
        """Count the trials that are stored."""
        return sum(arm.trials for arm in self.arms)

    @property
    def batched(self) -> dict[str, Worked | None]:
        """Return what backends did that answer many requests together, None if it is unknown."""
        return {name: facts.worked for name, facts in self.run.facts.items() if facts.in_batches}

    @property
    def failed_trials(self) -> int:
        """Count the trials that ended in an error."""
        return self.outcomes[Outcome.ERROR]

    @property
    def failed_scores(self) -> int:
        """Count the scores that ended in an error."""
        return sum(score.failed for arm in self.arms for score in arm.scores)

    def _table(self, scorer: str) -> ScoreTable:
        rows = tuple(
            (arm, score) for arm in self.arms for score in arm.scores if score.scorer == scorer
        )
        reduce = next(spec.reduce for spec in self.plan.scorers if spec.label == scorer)
        reduced = reduce.of(self.plan.repeats)
        title = scorer if reduced is None else f"{scorer}, {reduced}"
        return ScoreTable(
            scorer=scorer,
            title=f"{title} (primary)" if scorer == self.plan.primary else title,
            rows=rows,
            are_rates=all(score.is_rate for _, score in rows),
            failed=sum(score.failed for _, score in rows),
            in_groups=any(score.n_groups < score.n for _, score in rows),
            orders=self.orders.get(scorer),
        )


def run_view(results: RunResults) -> RunView:
    """Return the view of a run from its stored results."""
    by_arm: dict[int, list[ArmScores]] = {}
    for entry in results.scores:
        by_arm.setdefault(entry.arm, []).append(entry)
    plan = results.plan
    bounded = {spec.label for spec in plan.scorers} - {
        entry.scorer for entry in results.scores if entry.mean is not None and not _in_bounds(entry)
    }
    full = arm_names(plan.arms)[0]
    arms = tuple(
        ArmView(
            name=full.names[plan.arms[ended.arm].label],
            arm=plan.arms[ended.arm],
            trials=ended.trials,
            outcomes=ended.outcomes,
            cached=ended.cached,
            input_tokens=ended.input_tokens,
            output_tokens=ended.output_tokens,
            latency_s=ended.latency_s,
            cost_usd=ended.cost_usd,
            scores=tuple(
                _score_view(entry, bounded=entry.scorer in bounded)
                for entry in by_arm.get(ended.arm, ())
            ),
        )
        for ended in results.outcomes
    )
    return RunView(results.run, plan, arms, results.orders)


def _in_bounds(entry: ArmScores) -> bool:
    return (
        entry.least is not None and entry.most is not None and 0 <= entry.least <= entry.most <= 1
    )


def _score_view(entry: ArmScores, *, bounded: bool) -> ScoreView:
    is_rate = entry.passes is not None
    interval = None
    if entry.mean is not None:
        sample = ArmSample(
            n=entry.n_cases,
            mean=entry.mean,
            variance=entry.variance,
            verdicts=is_rate,
            once=entry.n_counted == entry.n_cases,
            bounded=bounded,
            groups=entry.groups,
        )
        interval = arm_interval(sample)
    low, high = interval or (None, None)
    return ScoreView(
        scorer=entry.scorer,
        n=entry.n_cases,
        trials=entry.n_scores,
        mean=entry.mean,
        low=low,
        high=high,
        is_rate=is_rate,
        failed=entry.failed,
        n_groups=entry.n_groups,
        unscored=entry.unscored,
        as_zero=entry.as_zero,
    )
