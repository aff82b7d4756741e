"""The one exception that users see.

Whatever stops the program is raised as a `PromptlabError`; what happens to one trial is data
(`types.Completion`, `types.Score`) and is never raised.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from promptlab.core.masking import strike


class PromptlabError(Exception):
    """An error that the user can fix: what is wrong, where it is, and how to fix it.

    `where` is a place that a reader can jump to, as made by `place`; `hint` is the remedy. None of
    them holds a key: an error may end in a message, a log, a database or a notebook.
    """

    def __init__(self, message: str, *, hint: str | None = None, where: str | None = None) -> None:
        message = strike(message)
        super().__init__(message)
        self.message = message
        self.hint = hint and strike(hint)
        self.where = where and strike(where)

    def __str__(self) -> str:
        """Return the message as one line, its place first and its remedy last."""
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} ({self.hint})" if self.hint else text

    def at(self, where: str) -> Self:
        """Return this error with a place, unless it already has one, which is more precise."""
        return self if self.where else type(self)(self.message, hint=self.hint, where=where)

    def in_case(self, case_id: str) -> Self:
        """Return this error, naming the case it occurred in."""
        return self.saying(f"{self.message}, in case {case_id!r}")

    def saying(self, message: str) -> Self:
        """Return this error with another message and the same place and remedy."""
        return type(self)(message, hint=self.hint, where=self.where)

    def advising(self, hint: str | None) -> Self:
        """Return this error with another remedy."""
        return type(self)(self.message, hint=hint, where=self.where)

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the hint and place when the error is pickled by a worker process."""
        return _rebuild, (type(self), self.message, self.hint, self.where)


def _rebuild(
    kind: type[PromptlabError], message: str, hint: str | None, where: str | None
) -> PromptlabError:
    return kind(message, hint=hint, where=where)


class BackendError(PromptlabError):
    """A backend that cannot work at all: not installed, no weights, wrong key."""


class StoreError(PromptlabError):
    """The database cannot be opened, read or written."""


class StoreBusy(StoreError):
    """Another program holds the database's write lock. Nothing was written: try again."""


class DamagedStore(StoreError):
    """The database does not hold what promptlab has stored: its structure or a value is wrong."""


def place(file: Path | str, line: int | None = None, key: str | None = None) -> str:
    """Format a place as `file:line: key`, a form that editors and terminals can follow."""
    text = str(file)
    if line is not None:
        text = f"{text}:{line}"
    return f"{text}: {key}" if key else text
