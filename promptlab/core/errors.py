"""The one exception that users see.

What stops the program is raised as a `PromptlabError`; what happens to one trial is data
(`types.Completion`, `types.Score`) and is never raised.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self


class PromptlabError(Exception):
    """A mistake that the user can mend: what is wrong, where it is, and how to mend it.

    `where` is a place a reader can jump to, as made by `place`; `hint` is the remedy.
    """

    def __init__(self, message: str, *, hint: str | None = None, where: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where

    def __str__(self) -> str:
        """Return the message as one line, its place in front and its remedy behind."""
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} ({self.hint})" if self.hint else text

    def at(self, where: str) -> Self:
        """Return this error with its place; one that names a place already knows better."""
        return self if self.where else type(self)(self.message, hint=self.hint, where=where)

    def in_case(self, case_id: str) -> Self:
        """Return this error as one of a case."""
        return self.saying(f"{self.message}, in case {case_id!r}")

    def saying(self, message: str) -> Self:
        """Return this error in other words, its place and remedy the same."""
        return type(self)(message, hint=self.hint, where=self.where)

    def advising(self, hint: str | None) -> Self:
        """Return this error with another remedy."""
        return type(self)(self.message, hint=hint, where=self.where)

    def __reduce__(self) -> tuple[object, ...]:
        """Keep hint and place when a worker process hands the error over."""
        return _rebuild, (type(self), self.message, self.hint, self.where)


def _rebuild(
    kind: type[PromptlabError], message: str, hint: str | None, where: str | None
) -> PromptlabError:
    return kind(message, hint=hint, where=where)


class BackendError(PromptlabError):
    """A backend that cannot work at all: not installed, no weights, wrong key."""


class StoreError(PromptlabError):
    """The database cannot be opened, read or written."""


def place(file: Path | str, line: int | None = None, key: str | None = None) -> str:
    """Name a place as `file:line: key`, the form that editors and terminals can follow."""
    text = str(file)
    if line is not None:
        text = f"{text}:{line}"
    return f"{text}: {key}" if key else text
