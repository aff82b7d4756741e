"""The steps of the schema as they are applied, and the account that is kept of them.

It knows how a step is carried out and recorded; what the steps say is in `schema`.

Why sqlite-utils, for this one thing: its account of steps is a format that people know who open the
file with it or with Datasette, its order and its way to take up where an older version stopped are
tried, and whoever adds a step writes SQL and no code. All else that it offers (tables made from
rows, upserts) would hide statements that must be seen here; so it is loaded when an old database
is brought up to date, and never else.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import TYPE_CHECKING

from promptlab.core.lazy import lazy_module
from promptlab.store.schema import STEPS

if TYPE_CHECKING:
    import sqlite_utils
else:
    sqlite_utils = lazy_module("sqlite_utils")

KNOWN = frozenset(name for name, _ in STEPS)
STEP_SET = "promptlab"
ACCOUNT = "_sqlite_migrations"  # sqlite-utils' name for the table of applied steps

# The account of applied steps as sqlite-utils makes it (a test holds it to that).
_ACCOUNT_TABLE = (
    f'''CREATE TABLE IF NOT EXISTS "{ACCOUNT}" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
)''',
    f'''CREATE UNIQUE INDEX IF NOT EXISTS "idx_{ACCOUNT}_migration_set_name"
    ON "{ACCOUNT}" ("migration_set", "name")''',
)
_RECORD = (
    f"INSERT INTO {ACCOUNT} (migration_set, name, applied_at)"
    " VALUES (:set, :name, strftime('%Y-%m-%d %H:%M:%f+00:00', 'now'))"
)


def new_database() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the statements, with their values, that make a database with all steps applied.

    sqlite-utils would do the same; loading it, and numpy with it, takes longer than a small run.
    """
    for statement in _ACCOUNT_TABLE:
        yield statement, {}
    for name, sql in STEPS:
        for statement in statements(sql):
            yield statement, {}
        yield _RECORD, {"set": STEP_SET, "name": name}


def migrations() -> sqlite_utils.Migrations:
    """Return the steps in the form that sqlite-utils applies and keeps account of."""
    steps = sqlite_utils.Migrations(STEP_SET)
    for name, sql in STEPS:
        steps(name=name)(_Step(name, sql))
    return steps


class _Step:
    """One migration: runs its statements one by one, since a script would end the transaction."""

    def __init__(self, name: str, sql: str) -> None:
        self.__name__ = name
        self._sql = sql

    def __call__(self, db: sqlite_utils.Database, /) -> None:
        for statement in statements(self._sql):
            db.execute(statement)


def statements(sql: str) -> Iterator[str]:
    """Split a step into its statements; the SQLite that runs them says where one ends."""
    begun = ""
    for line in sql.splitlines(keepends=True):
        begun += line
        if sqlite3.complete_statement(begun):
            yield begun
            begun = ""
