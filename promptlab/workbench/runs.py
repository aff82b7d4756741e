"""Reading a stored run with the results of its arms."""

from __future__ import annotations

from promptlab.core.results import RunResults
from promptlab.core.types import Plan
from promptlab.store import Store


def read_run(store: Store, run_id: str, plan: Plan | None = None) -> RunResults:
    """Read a run, and its plan too unless given."""
    return RunResults(
        run=store.run(run_id),
        plan=store.load_plan(run_id) if plan is None else plan,
        outcomes=store.arm_outcomes(run_id),
        scores=store.arm_scores(run_id),
    )
