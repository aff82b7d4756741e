"""Deletes runs that are named: nothing that was measured is ever lost but on demand."""

from __future__ import annotations

from collections.abc import Sequence

from promptlab.core.results import RunLoss
from promptlab.workbench.bench import Workbench


def losses_of(bench: Workbench, run_refs: Sequence[str]) -> list[RunLoss]:
    """Return what deleting these runs would lose; refuse all if one must not be deleted."""
    with bench.open_store() as store:
        run_ids = dict.fromkeys(store.find_run(ref) for ref in run_refs)
        return [store.loss(run_id) for run_id in run_ids]


def delete_runs(bench: Workbench, losses: Sequence[RunLoss]) -> list[str]:
    """Delete these runs, all or none, and return their ids."""
    run_ids = [loss.run.run_id for loss in losses]
    with bench.open_store(readonly=False) as store:
        store.delete_run(*run_ids)
    return run_ids
