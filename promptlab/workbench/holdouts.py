"""Refuses to run new versions on a holdout that bears no further use, before any call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.core.types import Plan
from promptlab.store import Store

if TYPE_CHECKING:
    from promptlab.analysis import look, questions
else:
    look = lazy_module("promptlab.analysis.look")
    questions = lazy_module("promptlab.analysis.questions")  # numpy, for the sets of cases


def require_use_left(store: Store, plan: Plan) -> None:
    """Refuse a run on a holdout that was used as often as it bears.

    What was measured in one of its uses may be run again: its conclusion is known.
    """
    if plan.split != "holdout":
        return
    used = [past for past in store.ledger.past(plan.suite).families if past.use is not None]
    if not used:
        return
    cases = questions.set_of(questions.keys_of(case.digest for case in plan.cases))
    digests = {spec.name: spec.digest for spec in plan.backends}
    arms = {questions.arm_digest(arm, digests[arm.backend]) for arm in plan.arms}
    shared = [past for past in used if questions.shares(store.ledger.cases(past.cases), cases)]
    if len({past.use for past in shared}) < look.USES or any(
        arms <= {*past.arms} for past in shared
    ):
        return
    raise PromptlabError(
        f"the holdout of suite {plan.suite} was used {look.USES} times, which is all that it bears",
        hint=f"draw new cases for another confirmation; promptlab ledger {plan.suite} lists the"
        " uses",
    )
