"""What SQLite and the content of the file can do to us, as the errors that users see.

The file is not ours alone: another program may lock it, a disk may fill, and whatever is read from
it may be damaged. All of that is a `StoreError`; misuse of the sqlite3 module is not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar, cast

from promptlab.core.errors import DamagedStore, StoreBusy, StoreError

CHECK = "promptlab db verify lists what is wrong with it"

_LOCKED = "another program has locked the database, or holds a change that it has not saved"

# SQLite's primary result code -> what it means here, and how to fix it.
_MEANING: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_NOTADB: ("this file is not a database", "name another file with --db"),
    sqlite3.SQLITE_CANTOPEN: (
        "the database cannot be opened",
        "check the permissions of the file and folder: SQLite keeps -wal and -shm files beside it",
    ),
    sqlite3.SQLITE_PERM: ("access to the database is denied", "check the permissions of the file"),
    sqlite3.SQLITE_READONLY: (
        "the database cannot be written: its file or folder is read-only",
        "make both writable, or name another file with --db",
    ),
    sqlite3.SQLITE_FULL: (
        "the disk is full; what was stored before is safe",
        "free some space, then continue with: promptlab resume",
    ),
    sqlite3.SQLITE_IOERR: (
        "the disk could not be read or written; what was stored before is safe",
        "check the disk and its free space, then continue with: promptlab resume",
    ),
}
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

OF_THE_CALLER = (
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
    sqlite3.IntegrityError,
)

# What decoding a damaged value raises: broken JSON, a missing key, another type than was stored.
UNDECODABLE = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
    *(AssertionError, RecursionError),
)


UNEXPECTED = (*UNDECODABLE, StopIteration, sqlite3.Error)
"""What our own code raises when it meets a value that cannot be."""

OF_A_VALUE = (*UNDECODABLE, RuntimeError, *OF_THE_CALLER)
"""What a value that SQLite cannot take raises while it is stored."""


@contextmanager
def mapped(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about the file into a `StoreError`.

    What is wrong with a statement or with a value that was to be stored passes as it is.
    """
    try:
        yield
    except OF_THE_CALLER:
        raise
    except sqlite3.Error as error:
        raise _translated(error, str(path)) from error


def _translated(error: sqlite3.Error, where: str) -> StoreError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest is the extended code
    if code in _BUSY:
        return StoreBusy(_LOCKED, hint="save or close it there, and try again", where=where)
    if code in _MEANING:
        message, hint = _MEANING[code]
        return StoreError(message, hint=hint, where=where)
    if code == sqlite3.SQLITE_CORRUPT:
        hint = f"{CHECK}; restore a copy, or save what can be read: sqlite3 FILE .recover"
        return DamagedStore("the database is corrupted", hint=hint, where=where)
    return DamagedStore(f"the database is damaged: {_line(error)}", hint=CHECK, where=where)


def _line(error: Exception) -> str:
    """Return an error as a short line: SQLite may quote a statement, or what stands in a row."""
    return " ".join(str(error).split())[:200]


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Turn what the values of a damaged file raise while they are decoded into a `StoreError`."""
    try:
        yield
    except UNDECODABLE as error:
        raise DamagedStore(
            "the database holds a value that cannot be read: "
            f"{type(error).__name__}: {_line(error)}",
            hint=CHECK,
            where=str(path),
        ) from error


class _HasPath(Protocol):
    @property
    def path(self) -> Path: ...


Params = ParamSpec("Params")
Owner = TypeVar("Owner", bound=_HasPath)
Value = TypeVar("Value")


def decoded(
    method: Callable[Concatenate[Owner, Params], Value],
) -> Callable[Concatenate[Owner, Params], Value]:
    """Let a method that returns what it has read fail only as `decoding` says."""

    @wraps(method)
    def guarded(self: Owner, *args: Params.args, **options: Params.kwargs) -> Value:
        with decoding(self.path):
            return method(self, *args, **options)

    return cast(Callable[Concatenate[Owner, Params], Value], guarded)
