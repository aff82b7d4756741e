"""What every verb starts from: the folder, the database, the clock. Imports nothing heavy."""

from __future__ import annotations

import datetime
import os
import shlex
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Session:
    """One invocation of the command line. The only reader of clock, environment and folder."""

    folder: Path | None = None
    database: Path | None = None

    @property
    def command(self) -> str:
        """Return how this invocation begins, for commands that the user is told to type."""
        words = ["promptlab"]
        if self.folder is not None:
            words += ["--project", str(self.folder)]
        if self.database is not None:
            words += ["--db", str(self.database)]
        return shlex.join(words)

    @staticmethod
    def now() -> datetime.datetime:
        """Return the time, in UTC."""
        return datetime.datetime.now(datetime.UTC)

    @staticmethod
    def new_run_id() -> str:
        """Return a fresh run id: sortable by time, unique by chance."""
        moment = datetime.datetime.now(datetime.UTC)
        return f"{moment:%Y%m%d-%H%M%S}-{os.urandom(2).hex()}"
