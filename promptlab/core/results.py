"""What the store returns about runs: plain values for reports and commands, without any SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from promptlab.core.runs import BackendFacts, RunSettings
from promptlab.core.types import NOT_GRADABLE, Arm, Json, Outcome, Plan

Status = Literal["running", "finished", "interrupted"]


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run in a list. `status` is the current one: a run whose process is gone is `interrupted`.

    `settings` are those given beyond the suite, `facts` what each backend reported about itself.
    `trials` is the number planned; `outcomes` counts what is stored, with every outcome as a key.
    `cost_usd` is the known cost of its own calls, None where no cost is known; `unpriced` counts
    their answers of unknown cost. `templates` and `backends` are what was run, on what, as named.
    """

    run_id: str
    suite: str
    status: Status
    trials: int
    fresh: bool
    created_at: str
    finished_at: str | None
    settings: RunSettings
    facts: Mapping[str, BackendFacts]
    outcomes: Mapping[Outcome, int]
    cost_usd: float | None = None
    unpriced: int = 0
    templates: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()

    @property
    def stored(self) -> int:
        """Return the number of stored trials, including failed ones."""
        return sum(self.outcomes.values())

    @property
    def label(self) -> str | None:
        """Return what its user calls it, None if nothing."""
        return self.settings.label


@dataclass(frozen=True, slots=True)
class RunLoss:
    """What deleting a run loses; `answers` are those that no other run has."""

    run: RunInfo
    trials: int
    scores: int
    ratings: int
    answers: int


@dataclass(frozen=True, slots=True)
class Result:
    """A row of the view `results`, with the position of its trial in the plan.

    `gradable` is False where the output holds nothing to grade, None where the scorer does not
    tell; `found` is what the scorer took for the answer. `vars` and `expect` are the case's;
    `graded` names the answer that the scorer graded, which is `output`.
    """

    seq: int
    run_id: str
    suite: str
    template: str
    version: str
    arm: str
    practices: str
    backend: str
    model: str | None
    case_id: str
    case_group: str | None
    repeat: int
    outcome: Outcome
    output: str | None
    scorer: str | None
    score: float | None
    passed: bool | None
    reason: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    latency_s: float | None
    cached: bool
    error: str | None
    created_at: str
    thoughts: str | None = None
    tags: tuple[str, ...] = ()
    gradable: bool | None = None
    found: str | None = None
    vars: Mapping[str, Json] = field(default_factory=dict)
    expect: Json = None
    graded: str | None = None

    @property
    def was_graded(self) -> bool:
        """Return whether there is a scorer that grades this case: some cases have their own."""
        return self.scorer is not None and (self.score is not None or self.error is not None)

    @property
    def was_gradable(self) -> bool | None:
        """Return False if the scorer found nothing to grade, None where it did not grade."""
        if not self.was_graded or self.outcome is Outcome.ERROR:
            return None
        cannot = self.score is None and (self.error or "").startswith(NOT_GRADABLE)
        return self.gradable is not False and not cannot


@dataclass(frozen=True, slots=True)
class WiderRun:
    """A finished run of the same suite and arms as `newer`, which has fewer cases or arms."""

    run_id: str
    cases: int
    newer: str
    newer_cases: int
    arms: int
    newer_arms: int


@dataclass(frozen=True, slots=True)
class GradedTrial:
    """A trial with an answer: its position and its case's in the plan, and which turn is graded."""

    seq: int
    case: int
    graded: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Reading:
    """What a scorer read out of the answer of one trial; arm and case are places in the plan.

    `found` is a short text for which equality has a meaning, such as a label, and `kind` says what
    there is instead: nothing to grade, another text than that, or no score. `is_label` is set if
    the scorer tells that what it found is an answer of the right kind. `expected` is what would be
    right, None where that is not recorded or not one text.
    """

    arm: int
    case: int
    kind: Literal["found", "nothing", "other", "no_score"]
    found: str | None
    expected: str | None
    is_label: bool
    correct: bool


@dataclass(frozen=True, slots=True)
class TemplateHistory:
    """A text that a template version has had, with the number of its runs and trials."""

    version: str
    digest: str
    first_seen: str
    runs: int
    trials: int


@dataclass(frozen=True, slots=True)
class Sum:
    """A quantity over trials: `known` of them have it; total and mean are over these, or None."""

    known: int
    total: float | None
    mean: float | None


@dataclass(frozen=True, slots=True)
class ArmOutcomes:
    """How the stored trials of one arm ended and what they cost. `arm` is its index in the plan."""

    arm: int
    trials: int
    outcomes: Mapping[Outcome, int]
    cached: int
    input_tokens: Sum
    output_tokens: Sum
    latency_s: Sum
    cost_usd: Sum


@dataclass(frozen=True, slots=True)
class ArmScores:
    """One scorer's results for one arm: over cases, each the mean of its repeats.

    `variance` is the sample variance of the per-case means, None for fewer than two. `n_groups`
    counts the groups of these cases, a case without one being its own. `failed` counts the scores
    that the scorer could not give, `unscored` all trials without a score, those that failed
    included. These count as 0 (`as_zero`) if all scores of the run lie between 0 and 1, as in
    comparisons; otherwise no mean includes them. `passes` is None unless every score is a plain
    verdict, 1 or 0. `least` and `most` are the lowest and the highest score. `groups` has the size
    of each group and the sum over its cases; it is empty where every case stands alone.
    """

    arm: int
    scorer: str
    n_cases: int
    n_groups: int
    n_scores: int
    mean: float | None
    variance: float | None
    passes: int | None
    failed: int
    least: float | None = None
    most: float | None = None
    groups: tuple[tuple[int, float], ...] = ()
    unscored: int = 0
    as_zero: bool = False

    @property
    def n_counted(self) -> int:
        """Return how many trials its mean counts."""
        return self.n_scores + self.unscored * self.as_zero


@dataclass(frozen=True, slots=True)
class OrderAgreement:
    """In how many of the pairs that a judge was shown in both orders it said the same twice."""

    agree: int
    pairs: int

    @property
    def share(self) -> float | None:
        """Return the share of those pairs, None without any."""
        return self.agree / self.pairs if self.pairs else None


@dataclass(frozen=True, slots=True)
class RunResults:
    """A run: what was planned, how the trials of each arm ended, and how they scored.

    The plan is without its cases where nobody asked for them: a run may have very many. `orders`
    are the scorers that judge pairs, by label.
    """

    run: RunInfo
    plan: Plan
    outcomes: Sequence[ArmOutcomes]
    scores: Sequence[ArmScores]
    orders: Mapping[str, OrderAgreement] = field(default_factory=dict)

    def means(self, scorer: str) -> list[tuple[Arm, float | None]]:
        """Return each arm that has trials with its mean by a scorer, None without a score."""
        means = {scores.arm: scores.mean for scores in self.scores if scores.scorer == scorer}
        return [(self.plan.arms[ended.arm], means.get(ended.arm)) for ended in self.outcomes]

    def unscored(self, scorer: str) -> list[tuple[Arm, float]]:
        """Return each arm that has scores by a scorer, with the share of its trials without one."""
        trials = {ended.arm: ended.trials for ended in self.outcomes}
        spec = next((spec for spec in self.plan.scorers if spec.label == scorer), None)
        if spec is not None and (spec.by_people or spec.cases is not None):  # not all are to grade
            trials = {scores.arm: scores.n_scores + scores.unscored for scores in self.scores}
        return [
            (self.plan.arms[scores.arm], 1 - scores.n_scores / trials[scores.arm])
            for scores in self.scores
            if scores.scorer == scorer and scores.n_scores
        ]

    @property
    def failed_trials(self) -> int:
        """Return the number of trials that ended in an error."""
        return sum(arm.outcomes[Outcome.ERROR] for arm in self.outcomes)

    @property
    def failed_scores(self) -> int:
        """Return the number of scores that ended in an error."""
        return sum(arm.failed for arm in self.scores)


@dataclass(frozen=True, slots=True)
class StoreStats:
    """How many rows each table has and how many bytes the files take."""

    rows: Mapping[str, int]
    size: int
    wal_size: int
