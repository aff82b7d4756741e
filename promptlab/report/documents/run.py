"""The documents of a run, and of the list of runs."""

from __future__ import annotations

from collections.abc import Mapping

from promptlab.core.results import RunInfo, Sum
from promptlab.core.types import Outcome
from promptlab.report.documents.throughput import throughput_json
from promptlab.report.views.run import ArmView, RunView, ScoreView
from promptlab.report.views.runs import RunsView


def run_json(view: RunView, calls: int) -> dict[str, object]:
    """Return a run as the document that `run --json` writes; `calls` are this process's."""
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
        "outcomes": _outcomes_json(view.outcomes),
        "primary": view.plan.primary,
        "arms": [_arm_json(arm, view.reduced_by) for arm in view.arms],
        "backends": _facts_json(view.run),
        "throughput": throughput_json(view.batched),
        **({"order_agreement": _orders_json(view)} if view.orders else {}),
    }


def _orders_json(view: RunView) -> dict[str, object]:
    """Return, for each scorer that judges pairs, how often both orders agree."""
    return {
        label: {"pairs": each.pairs, "agree": each.agree, "share": each.share}
        for label, each in view.orders.items()
    }


def part_json(view: RunView) -> list[dict[str, object]]:
    """Return the scores of a part of a run's cases, arm by arm."""
    return [
        {
            "arm": arm.arm.label,
            "scores": [_score_json(score, view.reduced_by[score.scorer]) for score in arm.scores],
        }
        for arm in view.arms
    ]


def runs_json(view: RunsView) -> list[dict[str, object]]:
    """Return the list of runs as the document that `runs --json` writes."""
    return [_run_info_json(row.run) for row in view.rows]


def _run_info_json(run: RunInfo) -> dict[str, object]:
    return {
        "run": run.run_id,
        "suite": run.suite,
        "label": run.label,
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
        "templates": list(run.templates),
    }


def _facts_json(run: RunInfo) -> dict[str, object]:
    return {name: facts.to_json() for name, facts in run.facts.items()}


def _arm_json(view: ArmView, reduced_by: Mapping[str, str]) -> dict[str, object]:
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
        "scores": [_score_json(score, reduced_by[score.scorer]) for score in view.scores],
    }


def _score_json(score: ScoreView, reduced_by: str) -> dict[str, object]:
    return {
        "scorer": score.scorer,
        "n": score.n,
        "trials": score.trials,
        "n_groups": score.n_groups,
        "reduce": reduced_by,
        "mean": score.mean,
        "ci": None if score.low is None else [score.low, score.high],
        "failed": score.failed,
        "unscored": score.unscored,
        "unscored_count_as": 0 if score.as_zero else None,
    }


def _sum_json(quantity: Sum) -> dict[str, object]:
    return {"total": quantity.total, "mean": quantity.mean, "known": quantity.known}


def _outcomes_json(outcomes: Mapping[Outcome, int]) -> dict[str, int]:
    return {outcome.value: outcomes[outcome] for outcome in Outcome}
