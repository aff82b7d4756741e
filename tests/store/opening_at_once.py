"""What a process does that opens databases at the same moments as others: it imports no pytest."""

from __future__ import annotations

from datetime import UTC, datetime
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from promptlab.core.errors import StoreError
from promptlab.store import Store


def open_all(folder: Path, together: Barrier, failures: SimpleQueue[str]) -> None:
    """Open one new database after another, each at the same moment as other processes."""
    for number in range(40):
        together.wait()
        try:
            Store.open(folder / f"{number}.db", lambda: datetime.now(UTC)).close()
        except StoreError as error:
            failures.put(str(error))
