"""A connection to the database file, and the one place that translates SQLite's errors.

It knows how a file is opened and locked, and no tables except those of the migrations.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from promptlab.core.errors import StoreError
from promptlab.core.lazy import lazy_module
from promptlab.store.migrations import ACCOUNT, KNOWN, STEP_SET, migrations, new_database

if TYPE_CHECKING:
    import sqlite_utils
else:
    sqlite_utils = lazy_module("sqlite_utils")

Value = None | int | float | str
Row = tuple[Any, ...]  # of the types in the schema

BUSY_SECONDS = 30.0
_PAUSE_S = 0.02  # between attempts at what SQLite does not wait for
_CACHE_KIB = 4 * 1024  # a larger one made 100,000 trials no faster, and each connection has its own

# SQLite's primary result code -> what it means here, and how to fix it.
_MEANING: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_NOTADB: ("this file is not a database", "name another file with --db"),
    sqlite3.SQLITE_CORRUPT: (
        "the database is corrupted",
        "restore a copy, or save what can be read: sqlite3 FILE .recover",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "the database cannot be opened",
        "check the permissions of the file and folder: SQLite keeps -wal and -shm files beside it",
    ),
    sqlite3.SQLITE_PERM: ("access to the database is denied", "check the permissions of the file"),
    sqlite3.SQLITE_READONLY: (
        "the database cannot be written: its file or folder is read-only",
        "make both writable, or name another file with --db",
    ),
    sqlite3.SQLITE_BUSY: (
        f"another process has kept the database locked for {BUSY_SECONDS:.0f} s",
        "wait until it is done, then continue with: promptlab resume",
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


@contextmanager
def mapped(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about file, disk and locks into a `StoreError`; let our bugs through."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest is the extended code
        if code not in _MEANING:
            raise
        message, hint = _MEANING[code]
        raise StoreError(message, hint=hint, where=str(path)) from error


class Connection:
    """SQLite in autocommit mode: a change is either one statement or inside `transaction`."""

    def __init__(self, path: Path, options: str) -> None:
        self.path = path
        with mapped(path):
            self.raw = sqlite3.connect(
                f"file:{quote(str(path))}?{options}",
                uri=True,
                timeout=BUSY_SECONDS,
                isolation_level=None,
            )

    def rows(self, sql: str, **values: Value) -> Generator[Row, None, None]:
        """Yield the rows of a query, in which `:name` is the value of that name."""
        with mapped(self.path):
            yield from self.raw.execute(sql, values or ())

    def row(self, sql: str, **values: Value) -> Row | None:
        """Return the first row of a query, or None."""
        return next(self.rows(sql, **values), None)

    def value(self, sql: str, **values: Value) -> Any:
        """Return the first column of the first row of a query, or None."""
        row = self.row(sql, **values)
        return row[0] if row else None

    def count(self, sql: str, **values: Value) -> int:
        """Return the single number that a query yields."""
        return int(self.value(sql, **values))

    def execute(self, sql: str, **values: Value) -> int:
        """Run one statement and return the id of the row it inserted."""
        with mapped(self.path):
            return self.raw.execute(sql, values or ()).lastrowid or 0

    def executemany(self, sql: str, rows: Iterable[Sequence[Value] | Mapping[str, Value]]) -> None:
        """Run one statement for every row; see `columns.placeholders`."""
        with mapped(self.path):
            self.raw.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all or nothing, taking the write lock at once: one taken later could deadlock."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        finally:
            if self.raw.in_transaction:  # a full disk may have rolled back already
                self.execute("ROLLBACK")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read the database as of one moment, whatever others commit meanwhile."""
        self.execute("BEGIN")
        try:
            yield
        finally:
            self.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file."""
        self.raw.close()


def connect(path: Path, *, readonly: bool = False) -> Connection:
    """Open a database whose schema is known to be current."""
    if not readonly:
        return _opened(path, "mode=rwc")
    try:
        return _opened(path, "mode=ro")
    except StoreError:
        if Path(f"{path}-wal").exists():
            raise
        # In a read-only folder SQLite cannot create the files that it shares with writers.
        return _opened(path, "mode=ro&immutable=1")


def prepare(path: Path, *, readonly: bool) -> Connection:
    """Open the database, migrating it if needed, and creating it unless `readonly`."""
    _check_place(path, readonly=readonly)
    connection = connect(path, readonly=readonly)
    try:
        if not readonly:
            _bring_up_to_date(connection)
        elif _steps(connection) < KNOWN:
            _bring_up_to_date_first(path)
    except BaseException:
        connection.close()
        raise
    return connection


def _bring_up_to_date_first(path: Path) -> None:
    """Migrate a database that is opened to be read: our queries need the newest tables."""
    try:
        prepare(path, readonly=False).close()
    except StoreError as error:
        raise error.saying(
            f"from an older promptlab, and must be migrated first, but {error.message}"
        ) from error


def _opened(path: Path, options: str) -> Connection:
    connection = Connection(path, options)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        # In WAL mode NORMAL is safe against our own crashes, including kill -9. A power cut never
        # corrupts the file: it may undo the last moments, and those calls are then made again.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.count("SELECT count(*) FROM sqlite_schema")  # the first read of the file
    except StoreError:
        connection.close()
        raise
    return connection


def _check_place(path: Path, *, readonly: bool) -> None:
    """Refuse a path that cannot hold a database, in plainer words than SQLite's."""
    if path.is_dir():
        hint = "name a file with --db"
        raise StoreError("this is a folder, not a database", hint=hint, where=str(path))
    if not path.parent.is_dir():
        hint = "create it, or name another file with --db"
        raise StoreError("the folder does not exist", hint=hint, where=str(path.parent))
    if readonly and not path.exists():
        hint = "promptlab run SUITE creates it"
        raise StoreError("there is no database yet", hint=hint, where=str(path))


def _steps(connection: Connection) -> set[str]:
    """Return which steps are applied; refuse a foreign database or one of a newer version."""
    with connection.snapshot():
        applied = _applied(connection)
        _check_version(connection, applied)
    return applied


def _bring_up_to_date(connection: Connection) -> None:
    applied = _steps(connection)
    _use_wal(connection)
    if not applied:
        _make(connection)
    elif applied < KNOWN:
        with connection.transaction(), mapped(connection.path):
            database = sqlite_utils.Database(
                connection.raw, recursive_triggers=False, execute_plugins=False
            )
            migrations().apply(database)  # checks again what is due: nobody else can write now


def _make(connection: Connection) -> None:
    """Create all tables, unless another process was faster."""
    with connection.transaction():
        if not _applied(connection):
            for statement, values in new_database():
                connection.execute(statement, **values)


def _applied(connection: Connection) -> set[str]:
    """Return which steps are applied.

    The table is the one in which sqlite-utils records them; loading sqlite-utils to read it would
    take longer than most verbs.
    """
    if not connection.count("SELECT count(*) FROM sqlite_schema WHERE name = :name", name=ACCOUNT):
        return set()
    names = connection.rows(f"SELECT name FROM {ACCOUNT} WHERE migration_set = :set", set=STEP_SET)
    return {name for (name,) in names}


def _check_version(connection: Connection, applied: set[str]) -> None:
    where = str(connection.path)
    if applied - KNOWN:
        newest = max(applied - KNOWN)
        raise StoreError(
            f"the database is from a newer promptlab (it has {newest!r})",
            hint="update promptlab, or name another file with --db",
            where=where,
        )
    others = connection.count("SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE '%sqlite_%'")
    if others and not applied:
        raise StoreError(
            "this database belongs to another program",
            hint="name another file with --db",
            where=where,
        )


def _use_wal(connection: Connection) -> None:
    """Let readers and the writer work side by side. The setting is stored in the file.

    This is the one step for which SQLite does not wait by itself while another process uses the
    file, such as one that is creating the same new database.
    """
    for _ in range(round(BUSY_SECONDS / _PAUSE_S)):
        if connection.value("PRAGMA journal_mode") == "wal":
            return
        try:
            connection.raw.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                break
            time.sleep(_PAUSE_S)
    connection.execute("PRAGMA journal_mode = WAL")  # to raise the error, if it still fails
