"""Results as plain data, ready to be printed or written as JSON: no table, no colour, no SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from promptlab.core.results import ArmOutcomes, ArmScores, Result, RunInfo, Sum
from promptlab.core.types import Arm, Image, Json, Message, Outcome, Plan, Turn
from promptlab.runner.forecast import Forecast
from promptlab.stats.intervals import mean_interval


@dataclass(frozen=True, slots=True)
class ScoreView:
    """What one scorer says of one arm. `low` and `high` bound a 95 % interval, None if unknown.

    `n` counts cases, `trials` the scored trials; `is_rate` tells a pass rate from a mean.
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


@dataclass(frozen=True, slots=True)
class ArmView:
    """One arm of a run: how its trials ended, what they took, how they scored."""

    arm: Arm
    trials: int
    outcomes: Mapping[Outcome, int]
    cached: int
    input_tokens: Sum
    output_tokens: Sum
    latency_s: Sum
    cost_usd: Sum
    scores: tuple[ScoreView, ...]


@dataclass(frozen=True, slots=True)
class RunView:
    """A run: what was planned, what is stored, arm by arm. The primary scorer comes first."""

    run: RunInfo
    plan: Plan
    arms: tuple[ArmView, ...]

    @property
    def has_cost(self) -> bool:
        """Say whether cost is worth a column: it is known, or somebody else's machine answered."""
        remote = any("url" in spec.identity for spec in self.plan.backends)
        return remote or any(arm.cost_usd.known for arm in self.arms)

    @property
    def scorers(self) -> tuple[str, ...]:
        """Return the labels of the scorers, the primary one first."""
        labels = [spec.label for spec in self.plan.scorers]
        return (self.plan.primary, *(label for label in labels if label != self.plan.primary))


def run_view(
    run: RunInfo, plan: Plan, outcomes: Iterable[ArmOutcomes], scores: Iterable[ArmScores]
) -> RunView:
    """Join what the store says of a run."""
    by_arm: dict[int, list[ArmScores]] = {}
    for entry in scores:
        by_arm.setdefault(entry.arm, []).append(entry)
    arms = tuple(
        ArmView(
            arm=plan.arms[ended.arm],
            trials=ended.trials,
            outcomes=ended.outcomes,
            cached=ended.cached,
            input_tokens=ended.input_tokens,
            output_tokens=ended.output_tokens,
            latency_s=ended.latency_s,
            cost_usd=ended.cost_usd,
            scores=tuple(_score_view(entry) for entry in by_arm.get(ended.arm, ())),
        )
        for ended in outcomes
    )
    return RunView(run, plan, arms)


def _score_view(entry: ArmScores) -> ScoreView:
    is_rate = entry.passes is not None
    interval = mean_interval(
        entry.mean, entry.variance, entry.n_cases, entry.n_scores, verdicts=is_rate
    )
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
    )


def run_json(view: RunView, calls: int) -> dict[str, object]:
    """Return a run as the document that `run --json` writes; `calls` were made just now."""
    totals = {outcome: sum(arm.outcomes[outcome] for arm in view.arms) for outcome in Outcome}
    return {
        "run": view.run.run_id,
        "suite": view.run.suite,
        "status": view.run.status,
        "created_at": view.run.created_at,
        "split": view.plan.split,
        "trials": view.run.trials,
        "calls": calls,
        "cost_usd": view.run.cost_usd,
        "unpriced_answers": view.run.unpriced,
        "outcomes": _outcomes_json(totals),
        "primary": view.plan.primary,
        "arms": [_arm_json(arm) for arm in view.arms],
        "backends": _facts_json(view.run),
    }


def _arm_json(view: ArmView) -> dict[str, object]:
    arm = view.arm
    return {
        "arm": arm.label,
        "template": arm.template,
        "version": arm.version,
        "practices": list(arm.practices),
        "off": list(arm.off),
        "backend": arm.backend,
        "trials": view.trials,
        "cached": view.cached,
        "outcomes": _outcomes_json(view.outcomes),
        "input_tokens": _sum_json(view.input_tokens),
        "output_tokens": _sum_json(view.output_tokens),
        "latency_s": _sum_json(view.latency_s),
        "cost_usd": _sum_json(view.cost_usd),
        "scores": [_score_json(score) for score in view.scores],
    }


def _score_json(score: ScoreView) -> dict[str, object]:
    return {
        "scorer": score.scorer,
        "n": score.n,
        "trials": score.trials,
        "n_groups": score.n_groups,
        "mean": score.mean,
        "ci": None if score.low is None else [score.low, score.high],
        "failed": score.failed,
    }


def _sum_json(quantity: Sum) -> dict[str, object]:
    return {"total": quantity.total, "mean": quantity.mean, "known": quantity.known}


def _outcomes_json(outcomes: Mapping[Outcome, int]) -> dict[str, int]:
    return {outcome.value: outcomes[outcome] for outcome in Outcome}


def forecast_json(
    plan: Plan, found: Forecast, shortfalls: Mapping[str, Sequence[str]]
) -> dict[str, object]:
    """Return a forecast as the document that `run --dry-run --json` writes."""
    return {
        "suite": plan.suite,
        "cases": len(plan.cases),
        "repeats": plan.repeats,
        "trials": plan.size,
        "calls": found.calls,
        "stored": found.stored,
        "cost_usd": _bounds(found.cost_usd),
        "unpriced_backends": unpriced_backends(plan, found),
        "not_honoured": {backend: list(lines) for backend, lines in shortfalls.items()},
        "arms": [
            {
                "arm": arm.label,
                "trials": told.trials,
                "calls": told.calls,
                "stored": told.stored,
                "prompt_tokens": told.prompt_tokens,
                "exact": told.exact,
                "input_tokens": [told.input_tokens.low, told.input_tokens.high],
                "output_tokens": [told.output_tokens.low, told.output_tokens.high],
                "cost_usd": _bounds(told.cost_usd),
            }
            for arm, told in zip(plan.arms, found.arms, strict=True)
        ],
    }


def unpriced_backends(plan: Plan, found: Forecast) -> list[str]:
    """Name the backends that charge for calls of a forecast, at a price that is not known."""
    named = zip(plan.arms, found.arms, strict=True)
    return list(dict.fromkeys(arm.backend for arm, told in named if told.unpriced))


def _bounds(cost: tuple[float, float] | None) -> list[float] | None:
    return None if cost is None else [*cost]


def run_info_json(run: RunInfo) -> dict[str, object]:
    """Return a run of the list as JSON."""
    return {
        "run": run.run_id,
        "suite": run.suite,
        "status": run.status,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
        "trials": run.trials,
        "stored": run.stored,
        "fresh": run.fresh,
        "outcomes": _outcomes_json(run.outcomes),
        "cost_usd": run.cost_usd,
        "unpriced_answers": run.unpriced,
        "overrides": run.settings.to_json(),
        "backends": _facts_json(run),
    }


def _facts_json(run: RunInfo) -> dict[str, object]:
    return {name: facts.to_json() for name, facts in run.facts.items()}


def result_json(result: Result) -> dict[str, object]:
    """Return one row of the view `results` as JSON."""
    return {name: getattr(result, name) for name in Result.__slots__ if name != "seq"}


def messages_json(messages: Sequence[Message]) -> list[Json]:
    """Return messages as JSON: content is text, or texts and images in order."""
    return [
        {
            "role": message.role,
            "content": message.content
            if isinstance(message.content, str)
            else [_part_json(part) for part in message.content],
        }
        for message in messages
    ]


def _part_json(part: str | Image) -> Json:
    if isinstance(part, str):
        return part
    return {"image": part.source, "media_type": part.media_type, "digest": part.digest}


def turns_json(turns: Sequence[Turn]) -> list[Json]:
    """Return a conversation as JSON: what was asked and answered, turn by turn."""
    return [
        {
            "answer": turn.name,
            "aside": turn.aside,
            "messages": messages_json(turn.request.messages),
            "output": turn.completion.text,
            "outcome": turn.completion.outcome.value,
            "finish_reason": turn.completion.finish_reason,
            "input_tokens": turn.completion.usage.input_tokens,
            "output_tokens": turn.completion.usage.output_tokens,
            "error": turn.completion.error,
            "likelihoods": _likelihoods_json(turn),
        }
        for turn in turns
    ]


def _likelihoods_json(turn: Turn) -> Json:
    """Return how likely each answer is that was weighed; None where one was generated."""
    weighed = zip(turn.request.continuations, turn.completion.likelihoods, strict=False)
    return [
        {"text": text, "logprob": each.logprob, "tokens": each.tokens, "greedy": each.greedy}
        for text, each in weighed
    ] or None
