"""What is said at the end of a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from promptlab.report.views.ending import CallsMade, RunEnding, run_ending
from promptlab.report.views.run import RunView

from .conftest import build_outcomes, build_scores, build_view

MADE = CallsMade(calls=10, answers=10, reused=0)


def run_of(*, cost: float | None = None, errors: int = 0) -> RunView:
    return build_view(
        [build_outcomes(0, cost, ok=10 - errors, error=errors)], [build_scores(0, "length", 3.0)]
    )


def ending(view: RunView, made: CallsMade = MADE, seconds: float = 5.0) -> RunEnding:
    return run_ending(view, made, seconds, "promptlab")


@pytest.mark.parametrize(
    ("made", "cost", "calls"),
    [
        (CallsMade(0, 0, 0), None, "no model call was made: the store had every answer"),
        (MADE, None, "10 model calls"),
        (replace(MADE, answers=9), None, "9 answers in 10 model calls"),
        (replace(MADE, reused=1), None, "10 model calls, 1 answer reused"),
        (replace(MADE, speed=("40 tokens/s",)), None, "10 model calls, 40 tokens/s"),
        (replace(MADE, cost_usd=0.25), None, "10 model calls"),
        (MADE, 0.1, "10 model calls, cost unknown"),
        (replace(MADE, cost_usd=0.25), 0.1, "10 model calls, 0.2500 USD"),
        (
            replace(MADE, cost_usd=0.25, unpriced=2),
            0.1,
            "10 model calls, 0.2500 USD and more (2 answers of unknown cost)",
        ),
    ],
)
def test_calls_are_reported_with_what_came_of_them(
    made: CallsMade, cost: float | None, calls: str
) -> None:
    assert ending(run_of(cost=cost), made).calls == calls


def test_a_run_takes_one_sentence() -> None:
    assert ending(run_of(), seconds=125).sentence == (
        "Run 20260101-000000-beef: 10 trials in 2 min 5 s; 10 model calls."
    )


def test_the_side_of_a_holdout_is_reported() -> None:
    view = run_of()
    view = replace(view, plan=replace(view.plan, split="dev"))
    assert ending(view).ran.endswith("10 trials on the dev side of the holdout")


def test_an_unfinished_run_without_a_call_had_no_answer_from_the_store() -> None:
    view = run_of()
    view = replace(view, run=replace(view.run, status="interrupted"))
    assert ending(view, CallsMade(0, 0, 0)).calls == "no model call was made"


def test_each_kind_of_failure_comes_with_its_remedy() -> None:
    assert ending(run_of()).remedies == ()
    scores = [replace(build_scores(0, "length", 3.0), failed=1)]
    view = build_view([build_outcomes(0, ok=8, error=2)], scores)
    end = ending(view)
    assert (end.failed_trials, end.failed_scores) == (2, 1)
    assert end.remedies == (
        "2 trials failed: promptlab show --errors; promptlab resume latest",
        "1 score failed: promptlab show --errors --full",
    )
