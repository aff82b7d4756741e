"""The care of an open database: counting, making smaller, verifying."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promptlab.core.errors import DamagedStore
from promptlab.core.lazy import lazy_module
from promptlab.core.results import RunLoss, StoreStats
from promptlab.store.area import Area
from promptlab.store.faults import CHECK, decoded
from promptlab.store.runs import run_number

if TYPE_CHECKING:
    from promptlab.store import care, deletion
else:  # what few verbs need
    care = lazy_module("promptlab.store.care")
    deletion = lazy_module("promptlab.store.deletion")


class Maintenance(Area):
    """What the store offers to keep a database small and sound."""

    @decoded
    def stats(self) -> StoreStats:
        """Count rows and bytes."""
        return care.stats(self._connection)

    @decoded
    def loss(self, run_id: str) -> RunLoss:
        """Return what deleting a run loses; raise `StoreError` where it must not be deleted."""
        return deletion.loss(self._connection, run_number(self._connection, run_id))

    @decoded
    def delete_run(self, *run_ids: str) -> None:
        """Delete runs, or none. Answers that no run has any more go with the next `vacuum`."""
        numbers = [run_number(self._connection, run_id) for run_id in run_ids]
        deletion.delete_runs(self._connection, numbers)

    @decoded
    def vacuum(self) -> int:
        """Return unused space to the disk, and return how many bytes that freed."""
        return care.vacuum(self._connection)

    def blame(self, error: Exception) -> None:
        """Raise `DamagedStore` from an error that has no other cause than a damaged database."""
        problems = self.verify()
        if problems:
            message = f"the database is damaged: {problems[0]}"
            raise DamagedStore(message, hint=CHECK, where=str(self.path)) from error

    def verify(self) -> list[str]:
        """Return what is wrong with the database, one line per problem; empty if it is sound."""
        return care.verify(self._connection)
