"""How the steps of the schema are applied and recorded.

It knows how a step is run and recorded; `schema` holds the steps themselves.

Why sqlite-utils, for this one thing: its record of steps is a format familiar to people who open
the file with it or with Datasette, its ordering and its way of resuming where an older version
stopped are well tested, and adding a step takes SQL and no code. Its other features (tables made
from rows, upserts) would hide statements that should be visible here, so it is loaded only when an
old database is migrated.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from importlib import resources
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

# The table of applied steps as sqlite-utils creates it (a test checks this).
ACCOUNT_TABLE = (
    f'''CREATE TABLE IF NOT EXISTS "{ACCOUNT}" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
)''',
    f'''CREATE UNIQUE INDEX IF NOT EXISTS "idx_{ACCOUNT}_migration_set_name"
    ON "{ACCOUNT}" ("migration_set", "name")''',
)
RECORD = (
    f"INSERT INTO {ACCOUNT} (migration_set, name, applied_at)"
    " VALUES (:set, :name, strftime('%Y-%m-%d %H:%M:%f+00:00', 'now'))"
)


def new_database() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the statements, with their values, that create a database with all steps applied.

    The tables come from `newest.sql`, as the steps leave them: to take each step takes four times
    as long, and sqlite-utils, with numpy, longer to load than a small run.
    """
    for statement in ACCOUNT_TABLE:
        yield statement, {}
    newest = resources.files("promptlab.store") / "newest.sql"
    for statement in statements(newest.read_text(encoding="utf-8")):
        yield statement, {}
    for name, _ in STEPS:
        yield RECORD, {"set": STEP_SET, "name": name}


def migrations() -> sqlite_utils.Migrations:
    """Return the steps in the form that sqlite-utils applies and records."""
    steps = sqlite_utils.Migrations(STEP_SET)
    for name, sql in STEPS:
        steps(name=name)(_Step(name, sql))
    return steps


class _Step:
    """One migration. It runs its statements one by one, as a script would end the transaction."""

    def __init__(self, name: str, sql: str) -> None:
        self.__name__ = name
        self._sql = sql

    def __call__(self, db: sqlite_utils.Database, /) -> None:
        for statement in statements(self._sql):
            db.execute(statement)


def statements(sql: str) -> Iterator[str]:
    """Split a step into its statements; SQLite itself decides where each one ends."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
