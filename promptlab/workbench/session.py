"""What every verb starts from: folder, database, clock. Imports nothing heavy."""

from __future__ import annotations

import datetime
import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from promptlab.core.errors import PromptlabError
from promptlab.core.files import is_file, read_text
from promptlab.core.lazy import lazy_module

if TYPE_CHECKING:
    import getpass

    from promptlab.core import envfile, keys
else:
    getpass = lazy_module("getpass")
    envfile = lazy_module("promptlab.core.envfile")
    keys = lazy_module("promptlab.core.keys")


@dataclass(frozen=True, slots=True)
class Session:
    """One invocation. The only reader of the clock, the environment and the working directory.

    `safe` is for a stranger's project: none of its code is run, no backend but `echo` is used, and
    neither the environment nor `.env` is read.
    """

    folder: Path | None = None
    database: Path | None = None
    safe: bool = False
    tell: Callable[[str], None] | None = None
    """Called with a line on what a verb waits for; without it, waiting has a limit."""

    @property
    def command(self) -> str:
        """Return how this invocation begins, for the commands that messages suggest."""
        words = ["promptlab", "--safe"] if self.safe else ["promptlab"]
        if self.folder is not None:
            words += ["--project", str(self.folder)]
        if self.database is not None:
            words += ["--db", str(self.database)]
        return shlex.join(words)

    @staticmethod
    def know_keys() -> None:
        """Strike the environment's keys out of all that follows: user-defined code may use them."""
        keys.Environment(os.environ)

    def environment(self, folder: Path) -> Mapping[str, str]:
        """Return the environment, with the `.env` file of a folder as fallback."""
        file = folder / ".env"
        if self.safe or not is_file(file):  # a folder of that name is a virtual environment
            return keys.Environment({} if self.safe else dict(os.environ))
        text = read_text(file, str(file), envfile.MAX_BYTES)
        given = envfile.parse_env(text, str(file), os.environ)
        return keys.Environment(given | dict(os.environ))

    @staticmethod
    def user() -> str | None:
        """Return the name of the user of this machine, None where it is not known."""
        try:
            return getpass.getuser()
        except (OSError, KeyError, ImportError):
            return None

    @staticmethod
    def now() -> datetime.datetime:
        """Return the time, in UTC."""
        return datetime.datetime.now(datetime.UTC)

    @staticmethod
    def new_run_id() -> str:
        """Return a new run id: sortable by time, with a random suffix."""
        moment = datetime.datetime.now(datetime.UTC)
        return f"{moment:%Y%m%d-%H%M%S}-{os.urandom(2).hex()}"


def require_working_folder() -> None:
    """Refuse to work in a folder that was removed: no path has a meaning there."""
    try:
        Path.cwd()
    except FileNotFoundError:
        raise PromptlabError(
            "the working folder no longer exists", hint="change to another one: cd ..."
        ) from None
