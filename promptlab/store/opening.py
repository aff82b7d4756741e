"""Opens a database for the store: made if it is new, brought up to date, refused if it is not ours.

A database of which only the record of a step is lost is mended; any other gap is an error.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING

from promptlab.core.errors import DamagedStore, StoreError
from promptlab.core.files import exists, is_folder, is_special
from promptlab.core.lazy import lazy_module
from promptlab.store.connection import BUSY_SECONDS, Connection, Waits, connect, wait_a_while
from promptlab.store.faults import mapped
from promptlab.store.migrations import (
    ACCOUNT,
    ACCOUNT_TABLE,
    KNOWN,
    RECORD,
    STEP_SET,
    migrations,
    new_database,
)

if TYPE_CHECKING:
    import sqlite_utils

    from promptlab.store import structure
else:
    sqlite_utils = lazy_module("sqlite_utils")
    structure = lazy_module("promptlab.store.structure")  # for a database that is not as expected

_PAUSE_S = 0.02  # between attempts at what SQLite does not wait for


def prepare(path: Path, *, readonly: bool, waits: Waits = wait_a_while) -> Connection:
    """Open the database, migrating it if needed, and creating it unless `readonly`."""
    check_place(path, readonly=readonly)
    connection = connect(path, readonly=readonly, waits=waits)
    try:
        if not readonly:
            _bring_up_to_date(connection)
        elif _steps(connection) < KNOWN:
            _bring_up_to_date_first(path, waits)
    except BaseException:
        connection.close()
        raise
    return connection


def check_place(path: Path, *, readonly: bool) -> None:
    """Refuse a path that cannot hold a database, in plainer words than SQLite's."""
    if is_folder(path):
        hint = "name a file with --db"
        raise StoreError("this is a folder, not a database", hint=hint, where=str(path))
    if is_special(path):
        hint = "name a file with --db"
        raise StoreError("this is a pipe or a device, not a database", hint=hint, where=str(path))
    if not is_folder(path.parent):
        hint = "create it, or name another file with --db"
        raise StoreError("the folder does not exist", hint=hint, where=str(path.parent))
    if readonly and not exists(path):
        hint = "promptlab run SUITE creates it"
        raise StoreError("there is no database yet", hint=hint, where=str(path))


def _bring_up_to_date_first(path: Path, waits: Waits) -> None:
    """Migrate a database that is opened to be read: our queries need the newest tables."""
    try:
        prepare(path, readonly=False, waits=waits).close()
    except DamagedStore:
        raise
    except StoreError as error:
        raise error.saying(
            f"from an older promptlab, and must be migrated first, but {error.message}"
        ) from error


def _steps(connection: Connection) -> set[str]:
    """Return which steps are applied; refuse a foreign database or one of a newer version."""
    with connection.snapshot():
        applied = _applied(connection)
        _check_version(connection, applied)
    return applied


def _bring_up_to_date(connection: Connection) -> None:
    applied = _steps(connection)
    _use_wal(connection)
    if applied >= KNOWN:
        return
    with connection.transaction():  # nobody else can write now: what is due is looked up again
        applied = _applied(connection)
        if not applied and not _holds_tables(connection):
            _make(connection)
        elif not list(structure.flaws(connection)):
            _record(connection, KNOWN - applied)
        elif applied < KNOWN:
            _migrate(connection)


def _make(connection: Connection) -> None:
    """Create all tables."""
    for statement, values in new_database():
        connection.execute(statement, **values)


def _record(connection: Connection, lost: set[str] | frozenset[str]) -> None:
    """Record steps that were applied, as the tables show, though their record was lost."""
    for statement in ACCOUNT_TABLE:
        connection.execute(statement)
    for name in sorted(lost):
        connection.execute(RECORD, set=STEP_SET, name=name)


def _migrate(connection: Connection) -> None:
    """Apply the steps that are due; a table that is not as they expect is an error."""
    with mapped(connection.path):
        database = sqlite_utils.Database(
            connection.raw, recursive_triggers=False, execute_plugins=False
        )
        migrations().apply(database)


def _applied(connection: Connection) -> set[str]:
    """Return which steps are applied.

    The table is the one in which sqlite-utils records them; loading sqlite-utils to read it would
    take longer than most verbs.
    """
    if not connection.count("SELECT count(*) FROM sqlite_schema WHERE name = :name", name=ACCOUNT):
        return set()
    names = connection.rows(f"SELECT name FROM {ACCOUNT} WHERE migration_set = :set", set=STEP_SET)
    return {str(name) for (name,) in names}


def _holds_tables(connection: Connection) -> bool:
    sql = "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE '%sqlite_%'"
    return bool(connection.count(sql))


def _check_version(connection: Connection, applied: set[str]) -> None:
    where = str(connection.path)
    if applied - KNOWN:
        newest = max(applied - KNOWN)
        raise StoreError(
            f"the database is from a newer promptlab (it has {newest!r})",
            hint="update promptlab, or name another file with --db",
            where=where,
        )
    if not applied and _holds_tables(connection) and list(structure.flaws(connection)):
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
