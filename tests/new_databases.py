"""The statements that make a new database, without the steps that led to its tables.

To take each step, with the changes of tables and views of many versions, takes four times as long,
and a thousand tests make a database. The tests of the store take the steps.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache

from promptlab.store import migrations

# Not the tables that SQLite makes by itself.
_TABLES = """
SELECT sql FROM sqlite_schema
WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY rowid
"""


def at_once() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the statements that create the tables as they are now, and the record of all steps."""
    yield from _statements()


@cache
def _statements() -> tuple[tuple[str, dict[str, str]], ...]:
    steps = [*migrations.new_database()]
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        for statement, values in steps:
            made.execute(statement, values)
        tables = [(sql, dict[str, str]()) for (sql,) in made.execute(_TABLES)]
    return (*tables, *(step for step in steps if step[1]))
