"""What every verb starts from: the folder, the database, the clock. Imports nothing heavy."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Session:
    """One invocation of the command line. The only reader of clock, environment and folder."""

    folder: Path | None = None
    database: Path | None = None

    @staticmethod
    def now() -> datetime.datetime:
        """Return the time, in UTC."""
        return datetime.datetime.now(datetime.UTC)

    @staticmethod
    def new_run_id() -> str:
        """Return a fresh run id: sortable by time, unique by chance."""
        moment = datetime.datetime.now(datetime.UTC)
        return f"{moment:%Y%m%d-%H%M%S}-{os.urandom(2).hex()}"
