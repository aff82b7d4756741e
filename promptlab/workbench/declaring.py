"""The level that a run declares which may stop early: what earlier looks have left of it.

Growth that is declared beforehand costs nothing; what was looked at before it was declared does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from promptlab.core.lazy import lazy_module
from promptlab.core.results import RunInfo
from promptlab.core.runs import RunSettings
from promptlab.core.types import Plan
from promptlab.store import Store
from promptlab.workbench.ordering import in_first_order

if TYPE_CHECKING:
    from promptlab.analysis import account, measurements
    from promptlab.core import measured
    from promptlab.core.looks import Past
else:  # for runs that stop early; numpy, for the sets of cases
    account = lazy_module("promptlab.analysis.account")
    measured = lazy_module("promptlab.core.measured")
    measurements = lazy_module("promptlab.analysis.measurements")


def as_declared(
    store: Store, plan: Plan, settings: RunSettings, *, fresh: bool
) -> tuple[Plan, tuple[str, ...]]:
    """Return a plan as the store allows it: where it may stop early, its order and its level."""
    plan, ordered = in_first_order(store, plan)
    plan, left = _at_level_left(store, plan, settings, fresh=fresh)
    return plan, (*ordered, *left)


def _at_level_left(
    store: Store, plan: Plan, settings: RunSettings, *, fresh: bool
) -> tuple[Plan, tuple[str, ...]]:
    """Return a plan that stops early at the level that the ledger has left, and a note on that.

    All of its pairs stop at the least level that any of them has. With `fresh`, answers of earlier
    runs do not serve again.
    """
    sequential = plan.sequential
    if sequential is None:
        return plan, ()
    past = store.ledger.past()
    if not past.families:
        return plan, ()
    table = measurements.join([_unmeasured(plan, settings)])
    known = account.Account(table, "version", past, store.ledger.cases)
    again = frozenset() if fresh else frozenset(_again(store, plan, past))
    looks = [
        known.next_look((table.arms[a],), (table.arms[b],), sequential.alpha, again)
        for a, b in sequential.pairs
    ]
    last = max(looks, key=lambda look: look.number)
    if last.number == 1:
        return plan, ()
    spent = replace(plan, sequential=replace(sequential, alpha=last.level))
    told = "; ".join(reason.text for reason in last.notes())
    return spent, (f"{told}: arms stop once it is reached",)


def _again(store: Store, plan: Plan, past: Past) -> Iterator[str]:
    """Yield the runs that could stop early and had as many repeats."""
    for run_id in dict.fromkeys(family.declared for family in past.families):
        if run_id is not None and store.plan_settings(run_id).repeats == plan.repeats:
            yield run_id


def _unmeasured(plan: Plan, settings: RunSettings) -> measured.MeasuredRun:
    """Return a plan as a run of which nothing was measured yet."""
    digests = {spec.name: spec.digest for spec in plan.backends}
    return measured.MeasuredRun(
        info=RunInfo("", plan.suite, "running", plan.size, False, "", None, settings, {}, {}),
        split=plan.split,
        seed=plan.seed,
        repeats=plan.repeats,
        sequential=plan.sequential,
        looks=(),
        reused=0,
        scorer=next(spec for spec in plan.scorers if spec.label == plan.primary),
        arms=tuple(measured.MeasuredArm(arm, digests[arm.backend]) for arm in plan.arms),
        cases=tuple(measured.MeasuredCase(case.id, case.group, case.digest) for case in plan.cases),
        rows=(),
    )
