"""A connection to the database file: statements, transactions, and how locks are waited for.

It knows no tables.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote

from promptlab.core.errors import StoreBusy, StoreError
from promptlab.store.faults import decoding, mapped

Value = None | int | float | str | bytes
Row = tuple[Any, ...]  # of the types in the schema

Waits = Callable[[float], None]
"""What to do while another program has held the lock for so many seconds; it raises to give up."""

BUSY_SECONDS = 30.0
_TRY_MS = 200  # one attempt at the write lock; between two of them whoever waits is told
_AT_A_TIME = 64  # rows of one statement; most batches of a run have some hundreds
_CACHE_KIB = 4 * 1024  # a larger one made 100,000 trials no faster, and each connection has its own


def wait_a_while(seconds: float) -> None:
    """Wait for the lock in silence, and give up after `BUSY_SECONDS`."""
    if seconds > BUSY_SECONDS:
        raise TimeoutError


def give_up(_: float) -> None:
    """Do not wait for the lock at all."""
    raise TimeoutError


class Connection:
    """SQLite in autocommit mode: a change is either one statement or inside `transaction`.

    `waits` is called again and again while another program holds the write lock.
    """

    def __init__(self, path: Path, options: str, waits: Waits = wait_a_while) -> None:
        self.path = path
        self.waits = waits
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
            # Not `yield from`: that would close the cursor of a query that is dropped half-way,
            # which fails where the connection was closed first.
            for row in self.raw.execute(sql, values or ()):  # noqa: UP028
                yield row

    def batches(self, sql: str, size: int, **values: Value) -> Generator[list[Row], None, None]:
        """Yield the rows of a query, as many at once: what holds few rows in memory is quick."""
        with mapped(self.path):
            cursor = self.raw.execute(sql, values or ())
            while rows := cursor.fetchmany(size):
                yield rows

    def all(self, sql: str, **values: Value) -> list[Row]:
        """Return all rows of a query: at once, which is faster than one by one."""
        with mapped(self.path):
            return self.raw.execute(sql, values or ()).fetchall()

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

    def insert(self, sql: str, row: str, rows: Sequence[Sequence[Value]]) -> None:
        """Insert rows by a statement for one `row` of placeholders, many at a time where it can be.

        SQLite then works on them without Python's lock, for which each statement waits anew.
        """
        whole = len(rows) - len(rows) % _AT_A_TIME
        if whole:
            many = sql.replace(row, ", ".join([row] * _AT_A_TIME), 1)
            parts = (rows[at : at + _AT_A_TIME] for at in range(0, whole, _AT_A_TIME))
            self.executemany(many, (tuple(chain.from_iterable(part)) for part in parts))
        self.executemany(sql, rows[whole:])

    def executemany(self, sql: str, rows: Iterable[Sequence[Value] | Mapping[str, Value]]) -> None:
        """Run one statement for every row; see `columns.placeholders`."""
        with mapped(self.path):
            self.raw.executemany(sql, rows)

    def execute_alone(self, sql: str) -> None:
        """Run a statement that needs the write lock and no transaction, waiting for the lock."""
        began = time.monotonic()
        self.execute(f"PRAGMA busy_timeout = {_TRY_MS}")
        try:
            while True:
                try:
                    self.execute(sql)
                    return
                except StoreBusy as busy:
                    self._wait(time.monotonic() - began, busy)
        finally:
            self.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all or nothing, taking the write lock at once: one taken later could deadlock."""
        self.execute_alone("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        finally:
            if self.raw.in_transaction:  # a full disk may have rolled back already
                self.execute("ROLLBACK")

    @contextmanager
    def if_unchanged(self) -> Iterator[None]:
        """Read, and write what follows from it: nothing is kept if others have written meanwhile.

        Nobody waits: others can write while this reads, and if one does, `StoreBusy` is raised.
        """
        self.execute(f"PRAGMA busy_timeout = {_TRY_MS}")
        self.execute("BEGIN")
        try:
            yield
            self.execute("COMMIT")
        finally:
            if self.raw.in_transaction:
                self.execute("ROLLBACK")
            self.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Meanwhile, raise `StoreBusy` instead of waiting for a lock."""
        waits, self.waits = self.waits, give_up
        try:
            yield
        finally:
            self.waits = waits

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

    def _wait(self, seconds: float, busy: StoreBusy) -> None:
        try:
            self.waits(seconds)
        except TimeoutError:
            raise busy.saying(f"{busy.message} for {seconds:.0f} s") from None


def connect(path: Path, *, readonly: bool = False, waits: Waits = wait_a_while) -> Connection:
    """Open a database whose schema is known to be current."""
    if not readonly:
        return _opened(path, "mode=rwc", waits)
    # A connection that may write, and is told not to: the last of such connections to close takes
    # the -wal and -shm files with it, one that may only read leaves them behind.
    try:
        connection = _opened(path, "mode=rw", waits)
    except StoreError:
        if Path(f"{path}-wal").exists():
            raise
        # In a read-only folder SQLite cannot create the files that it shares with writers.
        return _opened(path, "mode=ro&immutable=1", waits)
    connection.execute("PRAGMA query_only = ON")
    return connection


def to_keep(connection: Connection) -> Connection:
    """Return a connection that may write what follows from the data; whoever asks may only read."""
    return connect(connection.path, waits=give_up)


def _opened(path: Path, options: str, waits: Waits) -> Connection:
    connection = Connection(path, options, waits)
    try:
        # SQLite quotes a damaged schema in its messages, which may then be no UTF-8.
        with decoding(path):
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            # In WAL mode NORMAL is safe against our own crashes, including kill -9. A power cut
            # never corrupts the file: it may undo the last moments, and those calls are then made
            # again.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.count("SELECT count(*) FROM sqlite_schema")  # the first read of the file
    except BaseException:
        connection.close()
        raise
    return connection
