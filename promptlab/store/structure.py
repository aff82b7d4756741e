"""The tables, columns, indexes and views that a database must have, held against those it has."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache

from promptlab.store.connection import Connection
from promptlab.store.faults import mapped
from promptlab.store.migrations import ACCOUNT, KNOWN, STEP_SET, new_database

_OBJECTS = """
SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'
"""
_COLUMNS = 'SELECT name, type, "notnull" FROM pragma_table_info(?)'


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its name, its declared type, and whether NULL is no value for it."""

    name: str
    type: str
    required: bool


@dataclass(frozen=True, slots=True)
class Structure:
    """The tables with their columns, and the statements that made indexes and views, by name."""

    tables: dict[str, tuple[Column, ...]]
    others: dict[tuple[str, str], str]


@cache
def expected() -> Structure:
    """Return the structure of a new database."""
    with closing(sqlite3.connect(":memory:")) as empty:
        for statement, values in new_database():
            empty.execute(statement, values)
        return _structure(empty)


def _structure(database: sqlite3.Connection) -> Structure:
    objects = database.execute(_OBJECTS).fetchall()
    return Structure(
        tables={
            name: tuple(
                Column(column, declared, bool(required))
                for column, declared, required in database.execute(_COLUMNS, (name,))
            )
            for kind, name, _ in objects
            if kind == "table"
        },
        others={
            (kind, name): " ".join(sql.split()) for kind, name, sql in objects if kind != "table"
        },
    )


def flaws(connection: Connection) -> Iterator[str]:
    """Yield what is missing or changed, beside whatever the user may have added."""
    with mapped(connection.path):
        found = _structure(connection.raw)
    for name, columns in expected().tables.items():
        if name not in found.tables:
            yield f"the table {name} is missing"
            continue
        there = {column.name for column in found.tables[name]}
        for column in columns:
            if column.name not in there:
                yield f"the table {name} lacks its column {column.name}"
    for (kind, name), sql in expected().others.items():
        if (kind, name) not in found.others:
            yield f"the {kind} {name} is missing"
        elif found.others[kind, name] != sql:
            yield f"the {kind} {name} was changed"


def unrecorded_steps(connection: Connection) -> Iterator[str]:
    """Yield the steps of the schema of which the database has no record."""
    if ACCOUNT not in _structure(connection.raw).tables:
        return
    rows = connection.rows(f"SELECT name FROM {ACCOUNT} WHERE migration_set = :set", set=STEP_SET)
    applied = {name for (name,) in rows}
    for step in sorted(KNOWN - applied):
        yield f"the record of the step {step} is missing"
