"""A limit for a query that the user wrote: it may never end, or ask for all memory."""

from __future__ import annotations

import sqlite3
import time

from promptlab.core.errors import StoreError

SECONDS = 5.0  # without a row
_STEPS = 20_000  # of SQLite's machine between two looks at the clock
_LONGEST = 200_000_000  # bytes of a value that a query may make


class Patience:
    """Ends a connection's queries when they take too long, and on Ctrl-C, which SQLite ignores."""

    def __init__(self, raw: sqlite3.Connection, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._spent = False
        self.restart()
        raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
        raw.set_progress_handler(self._look, _STEPS)

    def restart(self) -> None:
        """Begin anew: there was a row."""
        self._until = time.monotonic() + self._seconds

    def ended(self, error: Exception, what: str) -> StoreError | None:
        """Return the error for a query that was ended here; None if `error` has another cause.

        Raise KeyboardInterrupt if it was Ctrl-C: an exception in `_look` ends the query, but SQLite
        says only that it was ended.
        """
        if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_INTERRUPT:
            return None
        if not self._spent:
            raise KeyboardInterrupt
        return StoreError(
            f"{what} takes too long: no row within {self._seconds:g} s",
            hint="write a simpler condition",
        )

    def _look(self) -> bool:
        """Return whether the query is to end."""
        self._spent = time.monotonic() > self._until
        return self._spent
