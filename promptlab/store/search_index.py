"""The full-text index over answers, prompts and notes: made at the first search, then kept current.

A run does not wait for it: what is new since the last search is read at the next one. It is an
FTS5 index over content that stands elsewhere, and holds no text but that of scripts which are
spelled apart (see `spelled`). What is deleted leaves it by triggers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from promptlab.core.errors import DamagedStore, StoreError
from promptlab.store.connection import Connection, Waits, connect, give_up
from promptlab.store.spelled import needs_spelling, spelled

_BATCH = 5_000  # texts in one transaction: others can write in between

_ROLES = ("system", "user", "assistant")

# What the JSON of a conversation has that is none of its text -> what stands there instead, in this
# order. FTS5 allows no table-valued function in what it reads, so that `json_each` cannot do this.
_OF_JSON = (
    *((f'"}},{{"role":"{role}","content":"', "char(10)") for role in _ROLES),
    *((f'[{{"role":"{role}","content":"', "''") for role in _ROLES),
    *((f'{{"role":"{role}","content":', "''") for role in _ROLES),
    ('"}]', "''"),
    ("\\\\", "char(30)"),
    *((f"\\{letter}", "char(10)") for letter in "nrtbf"),
    ('\\"', "'\"'"),
)


def _prompt() -> str:
    """Return as SQL the text of a conversation that is kept as JSON; other texts have none."""
    text = "{0}.text"
    for written, meant in _OF_JSON:
        escaped = written.replace("{", "{{").replace("}", "}}")
        text = f"replace({text}, '{escaped}', {meant})"
    text = f"replace({text}, char(30), '\\')"
    return f"CASE WHEN substr({{0}}.text, 1, 9) = '[{{{{\"role\":' THEN {text} ELSE '' END"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of text: its table, and the text of a row of it as SQL."""

    name: str
    table: str
    text: str

    def of(self, row: str) -> str:
        """Return the text of a row that SQL calls so."""
        return self.text.format(row)


KINDS = (
    Kind("note", "given_ratings", "{0}.note"),
    Kind("output", "generations", "{0}.output"),
    Kind("prompt", "texts", _prompt()),
)

_MAKE = """
CREATE TABLE IF NOT EXISTS searched (kind TEXT PRIMARY KEY, upto INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS searched_spelled (
    kind TEXT NOT NULL, id INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS turns_by_generation ON trial_turns (generation)
    WHERE generation IS NOT NULL;
CREATE INDEX IF NOT EXISTS turns_by_prompt ON trial_turns (prompt) WHERE prompt IS NOT NULL;
CREATE INDEX IF NOT EXISTS generations_by_prompt ON generations (prompt)
"""

_MAKE_KIND = """
INSERT OR IGNORE INTO searched (kind, upto) VALUES ('{kind}', 0);
CREATE VIEW IF NOT EXISTS searched_{kind} AS
SELECT c.id, coalesce(x.text, {text_of_c}) AS text FROM {table} c
LEFT JOIN searched_spelled x ON x.kind = '{kind}' AND x.id = c.id
WHERE c.id <= (SELECT upto FROM searched WHERE kind = '{kind}');
CREATE VIRTUAL TABLE IF NOT EXISTS search_{kind} USING fts5(
    text, content = 'searched_{kind}', content_rowid = 'id',
    tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TRIGGER IF NOT EXISTS unsearched_{kind} AFTER DELETE ON {table}
WHEN OLD.id <= (SELECT upto FROM searched WHERE kind = '{kind}')
BEGIN
INSERT INTO search_{kind} (search_{kind}, rowid, text) VALUES ('delete', OLD.id, coalesce(
    (SELECT text FROM searched_spelled WHERE kind = '{kind}' AND id = OLD.id), {text_of_old}
))|
DELETE FROM searched_spelled WHERE kind = '{kind}' AND id = OLD.id|
UPDATE searched SET upto = min(upto, coalesce((SELECT max(id) FROM {table}), 0))
WHERE kind = '{kind}'|
END
"""

_DROP = """
DROP TRIGGER IF EXISTS unsearched_{kind};
DROP TABLE IF EXISTS search_{kind};
DROP VIEW IF EXISTS searched_{kind}
"""


def is_made(connection: Connection) -> bool:
    """Return whether there is an index."""
    sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'searched'"
    return bool(connection.count(sql))


def unread(connection: Connection) -> int:
    """Return how many texts are not in the index yet."""
    made = is_made(connection)
    total = 0
    for kind in KINDS:
        since = "(SELECT upto FROM searched WHERE kind = :kind)" if made else "0"
        sql = f"SELECT count(*) FROM {kind.table} WHERE id > {since}"
        total += connection.count(sql, **({"kind": kind.name} if made else {}))
    return total


def read_on(connection: Connection, waits: Waits = give_up) -> Iterator[int]:
    """Add what is new to the index, yielding after each batch how many texts it read.

    It ends early where the database takes nothing, or others keep it busy for longer than `waits`.
    """
    try:
        with closing(connect(connection.path, waits=waits)) as own:
            _make(own)
            for kind in KINDS:
                while read := _read_batch(own, kind):
                    yield read
    except StoreError as error:
        if isinstance(error, DamagedStore):
            raise


def problems(connection: Connection) -> Iterator[str]:
    """Yield what is wrong with the index; SQLite compares it with the texts."""
    if not is_made(connection):
        return
    with closing(connect(connection.path, waits=give_up)) as own:
        for kind in KINDS:
            name = f"search_{kind.name}"
            try:
                own.execute(f"INSERT INTO {name} ({name}, rank) VALUES ('integrity-check', 1)")
            except DamagedStore:
                yield (
                    f"the search index of every {kind.name} does not fit what is stored:"
                    " `promptlab db vacuum` makes it again"
                )
            except StoreError:  # a file that takes nothing cannot be checked this way
                return


def drop_if_wrong(connection: Connection) -> None:
    """Drop an index that does not fit what is stored: the next search makes it again."""
    if any(problems(connection)):
        with connection.transaction():
            for kind in KINDS:
                for statement in _DROP.format(kind=kind.name).split(";"):
                    connection.execute(statement)
            connection.execute("DROP TABLE searched")
            connection.execute("DROP TABLE searched_spelled")


def _make(connection: Connection) -> None:
    if is_made(connection):
        return
    with connection.transaction():
        for statement in _MAKE.split(";"):
            connection.execute(statement)
        for kind in KINDS:
            sql = _MAKE_KIND.format(
                kind=kind.name, table=kind.table, text_of_c=kind.of("c"), text_of_old=kind.of("OLD")
            )
            for statement in sql.split(";"):
                connection.execute(statement.replace("|", ";"))


def _read_batch(connection: Connection, kind: Kind) -> int:
    """Read some more texts of one kind, and return how many they were."""
    with connection.transaction():
        upto = connection.count("SELECT upto FROM searched WHERE kind = :kind", kind=kind.name)
        rows = connection.all(
            f"SELECT c.id, {kind.of('c')} FROM {kind.table} c WHERE c.id > :upto"
            " ORDER BY c.id LIMIT :limit",
            upto=upto,
            limit=_BATCH,
        )
        if not rows:
            return 0
        apart = {number: spelled(text) for number, text in rows if needs_spelling(text)}
        connection.executemany(
            "INSERT INTO searched_spelled (kind, id, text) VALUES (?, ?, ?)",
            ((kind.name, number, text) for number, text in apart.items()),
        )
        connection.executemany(
            f"INSERT INTO search_{kind.name} (rowid, text) VALUES (?, ?)",
            ((number, apart.get(number, text)) for number, text in rows),
        )
        connection.execute(
            "UPDATE searched SET upto = :upto WHERE kind = :kind", upto=rows[-1][0], kind=kind.name
        )
    return len(rows)
