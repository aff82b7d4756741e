"""Views of a run that never was: every number is chosen."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest

from promptlab.core.results import ArmOutcomes, ArmScores, Result, RunInfo, RunResults, Sum
from promptlab.core.runs import RunSettings
from promptlab.core.types import Arm, Outcome, Plan, ScorerSpec
from promptlab.report.terminal.screen import Screen
from promptlab.report.views.run import RunView, run_view

UNKNOWN = Sum(0, None, None)


def build_plan(arms: int = 2, scorers: tuple[str, ...] = ("exact_match", "length")) -> Plan:
    practices = [(), ("clear",), ("clear", "context"), ("clear", "context", "examples")]
    return Plan(
        suite="sentiment",
        arms=tuple(
            Arm("sentiment", f"v{n + 1}", f"d{n}", practices[n], (), "smollm2") for n in range(arms)
        ),
        cases=(),
        repeats=1,
        seed=0,
        scorers=tuple(ScorerSpec(label, label, "1", {}) for label in scorers),
        primary=scorers[0],
        grade=None,
        templates=(),
        backends=(),
        split="all",
        gates=(),
        assets=".",
    )


def build_outcomes(arm: int, cost: float | None = None, **counts: int) -> ArmOutcomes:
    outcomes = {outcome: counts.get(outcome.value, 0) for outcome in Outcome}
    trials = sum(outcomes.values())
    return ArmOutcomes(
        arm=arm,
        trials=trials,
        outcomes=outcomes,
        cached=0,
        input_tokens=Sum(trials, 1234.0 * trials, 1234.0),
        output_tokens=UNKNOWN,
        latency_s=Sum(trials, 12.34 * trials, 12.34),
        cost_usd=UNKNOWN if cost is None else Sum(trials, cost * trials, cost),
    )


def build_scores(
    arm: int, scorer: str, mean: float | None, *, n: int = 100, passes: int | None = None
) -> ArmScores:
    variance = 0.25 if n > 1 else None
    return ArmScores(arm, scorer, n, n, n, mean, variance, passes, failed=0)


def build_info(outcomes: list[ArmOutcomes]) -> RunInfo:
    counted = {outcome: sum(entry.outcomes[outcome] for entry in outcomes) for outcome in Outcome}
    return RunInfo(
        run_id="20260101-000000-beef",
        suite="sentiment",
        status="finished",
        trials=sum(counted.values()),
        fresh=False,
        created_at="2026-01-01T00:00:00Z",
        finished_at="2026-01-01T00:01:00Z",
        settings=RunSettings(),
        facts={},
        outcomes=counted,
    )


def build_view(outcomes: list[ArmOutcomes], scores: list[ArmScores]) -> RunView:
    plan = build_plan(arms=len(outcomes))
    return run_view(RunResults(build_info(outcomes), plan, outcomes, scores))


def build_result(**changes: object) -> Result:
    values: dict[str, object] = {
        "seq": 0, "run_id": "r", "suite": "s", "template": "t", "version": "v1",
        "arm": "t@v1 on echo", "practices": "", "backend": "echo", "model": "echo",
        "case_id": "c1", "case_group": None, "repeat": 0, "outcome": Outcome.OK,
        "output": "positive", "scorer": "exact_match", "score": 1.0, "passed": True,
        "reason": None, "input_tokens": 3, "output_tokens": 1, "cost_usd": None,
        "latency_s": 0.1, "cached": False, "error": None, "created_at": "2026-01-01",
    }  # fmt: skip
    return Result(**{**values, **changes})  # type: ignore[arg-type] # the test knows the types


Printed = Callable[..., str]


@pytest.fixture
def printed() -> Printed:
    """Return a function that prints to a console and gives its text, trailing space left out."""

    def run(show: Callable[..., None], *what: object, width: int = 80, **options: object) -> str:
        stream = StringIO()
        console = Screen(stream, width, color_system=None)
        show(console, *what, **options)
        return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"

    return run
