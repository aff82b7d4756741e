"""What every verb starts from: folder, database, clock. Imports nothing heavy."""

from __future__ import annotations

import datetime
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module

if TYPE_CHECKING:
    import dotenv
else:
    dotenv = lazy_module("dotenv")


@dataclass(frozen=True, slots=True)
class Session:
    """One invocation. The only reader of the clock, the environment and the working directory."""

    folder: Path | None = None
    database: Path | None = None

    @property
    def command(self) -> str:
        """Return how this invocation begins, for the commands that messages suggest."""
        words = ["promptlab"]
        if self.folder is not None:
            words += ["--project", str(self.folder)]
        if self.database is not None:
            words += ["--db", str(self.database)]
        return shlex.join(words)

    @staticmethod
    def environment(folder: Path) -> dict[str, str]:
        """Return the environment, with the `.env` file of a folder as fallback."""
        file = folder / ".env"
        if not file.is_file():
            return dict(os.environ)
        try:
            settings = dotenv.dotenv_values(file)
        except (OSError, UnicodeDecodeError) as error:
            raise PromptlabError(
                f"cannot read it: {error}", where=str(file), hint="fix or remove it"
            ) from None
        return {name: value for name, value in settings.items() if value is not None} | dict(
            os.environ
        )

    @staticmethod
    def now() -> datetime.datetime:
        """Return the time, in UTC."""
        return datetime.datetime.now(datetime.UTC)

    @staticmethod
    def new_run_id() -> str:
        """Return a new run id: sortable by time, with a random suffix."""
        moment = datetime.datetime.now(datetime.UTC)
        return f"{moment:%Y%m%d-%H%M%S}-{os.urandom(2).hex()}"
