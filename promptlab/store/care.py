"""Maintenance of the database: how large it is, making it smaller, and verifying it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptlab.core.digest import (
    backend_digest,
    case_content,
    case_json,
    digest_bytes,
    digest_text,
    template_digest,
)
from promptlab.core.errors import DamagedStore
from promptlab.core.lazy import lazy_module
from promptlab.core.results import StoreStats
from promptlab.store import deletion, search_index
from promptlab.store.connection import Connection, connect
from promptlab.store.encode import case_from_json, from_json
from promptlab.store.faults import UNDECODABLE
from promptlab.store.figures import wrong_figures
from promptlab.store.rules import RULES

if TYPE_CHECKING:
    from promptlab.store import kept_rows, structure, values
else:  # only `db verify` needs them
    kept_rows = lazy_module("promptlab.store.kept_rows")
    structure = lazy_module("promptlab.store.structure")
    values = lazy_module("promptlab.store.values")

# What SQLite's own check finds wrong with values; the checks here say where.
_VALUES = (
    "SQLite: CHECK constraint",
    "SQLite: NULL value",
    "SQLite: non-unique",
    "SQLite: NUMERIC",
)
_SHOWN = 20  # problems of one kind that are listed one by one

TABLES = (
    "templates",
    "template_labels",
    "cases",
    "backends",
    "texts",
    "generations",
    "runs",
    "trials",
    "trial_turns",
    "scores",
)


def stats(connection: Connection) -> StoreStats:
    """Count rows and bytes."""
    rows = {table: connection.count(f"SELECT count(*) FROM {table}") for table in TABLES}
    path = connection.path
    return StoreStats(rows, _size(path), _size(Path(f"{path}-wal")))


def vacuum(connection: Connection) -> int:
    """Return unused space to the disk, and return how many bytes that freed."""
    before = stats(connection)
    deletion.drop_unused(connection)
    search_index.drop_if_wrong(connection)
    connection.execute_alone("VACUUM")
    connection.row("PRAGMA wal_checkpoint(TRUNCATE)")
    after = stats(connection)
    return before.size + before.wal_size - after.size - after.wal_size


def verify(connection: Connection) -> list[str]:
    """Return what is wrong with the database, one line per problem; empty if it is sound."""
    broken = list(_broken_pages(connection))
    if any(not problem.startswith(_VALUES) for problem in broken):
        return broken  # anything read from broken pages would be misleading
    problems = [*structure.flaws(connection), *structure.unrecorded_steps(connection)]
    for findings in _checks(connection):
        problems += _limited(_as_far_as_possible(findings))
    return list(dict.fromkeys(problems or broken))


def verify_as_it_is(path: Path, error: DamagedStore) -> list[str]:
    """Return what is wrong with a file that cannot be opened as usual because of `error`."""
    try:
        connection = connect(path, readonly=True)
    except DamagedStore as worse:
        return [f"SQLite: {worse.message}"]
    try:
        return verify(connection) or [error.message]
    finally:
        connection.close()


def _checks(connection: Connection) -> Iterator[Iterable[str]]:
    """Yield the findings of every check. Each reads every row once or twice."""
    yield _dangling(connection)
    yield from values.wrong_values(connection)
    for check in _DIGESTS:
        yield _wrong_digests(connection, *check)
    yield search_index.problems(connection)
    yield wrong_figures(connection)
    yield kept_rows.wrong_rows(connection)
    for meaning, sql in RULES:
        yield (meaning.format(*row) for row in connection.rows(sql))


def _as_far_as_possible(findings: Iterable[str]) -> Iterator[str]:
    """Yield findings, the last one that the rest cannot be checked."""
    try:
        yield from findings
    except (DamagedStore, *UNDECODABLE) as error:
        reason = error.message if isinstance(error, DamagedStore) else repr(error)
        yield f"not everything can be checked: {reason}"


def _broken_pages(connection: Connection) -> Iterator[str]:
    try:
        for (finding,) in connection.rows("PRAGMA integrity_check"):
            if finding != "ok":
                yield f"SQLite: {finding}"
    except DamagedStore as error:  # too broken to be checked
        yield f"SQLite: {error.message}"


def _dangling(connection: Connection) -> Iterator[str]:
    sql = """
    SELECT "table", parent, count(*) FROM pragma_foreign_key_check GROUP BY "table", parent
    """
    for table, parent, number in connection.rows(sql):
        yield f"{number} rows of {table} refer to rows of {parent} that do not exist"


def _wrong_digests(
    connection: Connection, what: str, sql: str, compute: Callable[..., str]
) -> Iterator[str]:
    for name, digest, *content in connection.rows(sql):
        if _computed(compute, content) != digest:
            yield f"{what} {name} was changed: its content does not match its digest {digest}"


def _computed(compute: Callable[..., str], content: Sequence[Any]) -> str | None:
    try:
        return compute(*content)
    except UNDECODABLE:
        return None


def _template_digest(source: str, includes: str, stored: str) -> str:
    """Return the digest that a version has by the rule for line breaks that it was stored with."""
    texts = from_json(includes)
    kept = template_digest(source, texts, keeps_breaks=True)
    return kept if stored == kept else template_digest(source, texts)


def _case_digest(case_id: str, vars_: str, expect: str, tags: str, group: str | None) -> str:
    variables, expected = case_from_json(vars_), case_from_json(expect)
    return digest_text(
        case_json(case_content(variables, expected, from_json(tags), group, case_id))
    )


def _backend_digest(identity: str) -> str:
    return backend_digest(from_json(identity))


_DIGESTS: tuple[tuple[str, str, Callable[..., str]], ...] = (
    (
        "template",
        """
        SELECT coalesce((SELECT name || '@' || version FROM template_labels l
            WHERE l.digest = t.digest), digest), digest, source, includes, digest FROM templates t
        """,
        _template_digest,
    ),
    (
        "case",
        "SELECT case_id, digest, case_id, vars, expect, tags, case_group FROM cases",
        _case_digest,
    ),
    ("backend", "SELECT name, digest, identity FROM backends", _backend_digest),
    ("text", "SELECT id, digest, text FROM texts", digest_text),
    ("set of cases", "SELECT id, digest, keys FROM look_cases", digest_bytes),
)


def _limited(problems: Iterable[str]) -> list[str]:
    """Return the first problems of a kind, and how many more there are."""
    lines = list(problems)
    more = len(lines) - _SHOWN
    return lines if more <= 0 else [*lines[:_SHOWN], f"... and {more} more like the last"]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
