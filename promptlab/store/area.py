"""What each part of the store's interface stands on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from promptlab.store.connection import Connection


class Area:
    """One part of an open database, with methods for what belongs together in it."""

    def __init__(self, connection: Connection, clock: Callable[[], datetime]) -> None:
        self._connection = connection
        self._clock = clock

    @property
    def path(self) -> Path:
        """Return the file."""
        return self._connection.path
