"""How the arms of a run classify, by each scorer that records what it read and what was right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from promptlab.analysis.confusion import Confusions, confusions_of
from promptlab.core.errors import PromptlabError
from promptlab.core.types import Arm
from promptlab.store import Store
from promptlab.workbench.bench import Workbench


@dataclass(frozen=True, slots=True)
class Classified:
    """The confusions of a run by the label of their scorer, the primary one first.

    `without` says of the other scorers why they have none.
    """

    run_id: str
    arms: tuple[Arm, ...]
    primary: str
    by_scorer: Mapping[str, Confusions]
    without: Mapping[str, str]


def classified(bench: Workbench, run_ref: str) -> Classified:
    """Read what the scorers of a run found. Raise `PromptlabError` if none of them classifies."""
    with bench.open_store() as store:
        run_id = store.find_run(run_ref)
        plan = store.load_plan(run_id)
        labels = [spec.label for spec in plan.scorers]
        found: dict[str, Confusions] = {}
        without: dict[str, str] = {}
        for label in sorted(labels, key=lambda each: each != plan.primary):
            try:
                found[label] = _read(store, run_id, label)
            except ValueError as error:
                without[label] = str(error)
    if not found:
        reasons = "; ".join(f"{label}: {reason}" for label, reason in without.items())
        raise PromptlabError(
            f"no scorer of run {run_id} tells classes apart: {reasons or 'it has none'}",
            hint="grade with `label`, or with a scorer of yours that returns found and expected; "
            f"what an older version has graded: promptlab score {run_id}",
        )
    return Classified(run_id, plan.arms, plan.primary, found, without)


def _read(store: Store, run_id: str, label: str) -> Confusions:
    return confusions_of(store.gradings.readings(run_id, label))
