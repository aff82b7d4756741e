"""The order of the cases of a run that may stop early: that of the first look at them.

Evidence that may be looked at after every case holds for one order, fixed before the results were
known. In other orders, stored answers would decide sooner or later whatever is wished.
"""

from __future__ import annotations

from dataclasses import replace

from promptlab.core.types import Plan
from promptlab.experiments.sample import shuffled
from promptlab.store import Store


def in_first_order(store: Store, plan: Plan) -> tuple[Plan, tuple[str, ...]]:
    """Return a plan whose cases are in the order of the first look, and a note if its seed differs.

    The seed still draws the answers, where a temperature lets them vary.
    """
    if plan.sequential is None:
        return plan, ()
    first = store.first_order(plan.suite, plan.cases)
    if first is None or first[1] == plan.seed:
        return plan, ()
    run_id, seed = first
    ordered = replace(
        plan,
        cases=shuffled(plan.cases, seed),
        sequential=replace(plan.sequential, order=seed),
    )
    note = (
        f"the cases come in the order of run {run_id} (seed {seed}), the first to stop early on"
        " them: in an order of one's choice, anything could be decided"
    )
    return ordered, (note,)
