"""Reading a stored run with the results of its arms."""

from __future__ import annotations

from dataclasses import dataclass, replace

from promptlab.core.errors import PromptlabError
from promptlab.core.results import OrderAgreement, RunResults
from promptlab.core.types import Plan
from promptlab.scorers.judges.orders import DISAGREE, PAIRWISE, SAID
from promptlab.store import Store
from promptlab.workbench.bench import Workbench


def read_run(store: Store, run_id: str, plan: Plan | None = None) -> RunResults:
    """Read a run, and its plan too unless given: without the cases, which may be very many."""
    plan = store.load_plan(run_id, cases=False) if plan is None else plan
    return RunResults(
        run=store.run(run_id),
        plan=plan,
        outcomes=store.arm_outcomes(run_id),
        scores=store.arm_scores(run_id),
        orders={
            spec.label: order_agreement(store, run_id, spec.label)
            for spec in plan.scorers
            if spec.name == PAIRWISE
        },
    )


def order_agreement(store: Store, run_id: str, label: str) -> OrderAgreement:
    """Return in how many pairs a judge of pairs said the same in both orders."""
    found = [reading.found for reading in store.gradings.readings(run_id, label)]
    said = [each for each in found if each in SAID]
    return OrderAgreement(len(said) - said.count(DISAGREE), len(said))


@dataclass(frozen=True, slots=True)
class TaggedResults:
    """The results of a run on its cases with one tag."""

    tag: str
    cases: int
    results: RunResults


def results_by_tag(bench: Workbench, run_ref: str) -> list[TaggedResults]:
    """Read a run tag by tag, in the order of the cases; one with several tags is in each."""
    with bench.open_store() as store:
        run_id = store.find_run(run_ref)
        whole = read_run(store, run_id, store.load_plan(run_id))
        cases = whole.plan.cases
        tags = dict.fromkeys(tag for case in cases for tag in case.tags)
        if not tags:
            raise PromptlabError(f"no case of run {run_id} has a tag", hint="give the cases tags")
        return [
            TaggedResults(
                tag,
                sum(tag in case.tags for case in cases),
                replace(whole, scores=store.arm_scores(run_id, tag)),
            )
            for tag in tags
        ]
