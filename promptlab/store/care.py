"""Maintenance of the database: how large it is, making it smaller, and verifying it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from promptlab.core.digest import (
    backend_digest,
    case_content,
    case_json,
    digest_text,
    template_digest,
)
from promptlab.core.errors import StoreError
from promptlab.core.results import StoreStats
from promptlab.store.connection import Connection
from promptlab.store.encode import case_from_json, from_json

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

# Whether the trials of a run `r` were measured elsewhere (`RunSettings.imported`).
_IMPORTED = "json_extract(r.overrides, '$.imported') IS NOT NULL"

_SHOWN = 20  # problems of one kind that are listed one by one

# What a row means -> a query that must return no row. Outcomes are checked here because SQLite does
# not check CHECK constraints in a read-only database. An imported run may lack answers and scores:
# what was not measured is unknown.
_RULES: tuple[tuple[str, str], ...] = (
    (
        "run {} is finished, but holds {} of its {} trials",
        """
        SELECT r.run_id, count(t.seq), r.trials FROM runs r LEFT JOIN trials t ON t.run = r.id
        WHERE r.status = 'finished' AND json_extract(r.settings, '$.sequential') IS NULL
        GROUP BY r.id HAVING count(t.seq) <> r.trials
        """,
    ),
    (
        "run {}: trial {} is not at the place that its arm, case and repeat have in the plan",
        """
        WITH shape AS (
            SELECT id, run_id, json_extract(settings, '$.repeats') AS repeats,
                (SELECT count(*) FROM run_arms a WHERE a.run = runs.id) AS arms,
                (SELECT count(*) FROM run_cases c WHERE c.run = runs.id) AS cases
            FROM runs
        )
        SELECT run_id, seq FROM shape JOIN trials t ON t.run = shape.id
        WHERE seq <> (case_ * repeats + repeat) * arms + arm OR case_ >= cases
            OR repeat >= repeats OR arm >= arms
        """,
    ),
    (
        "run {}: trial {} has the unknown outcome {!r}",
        """
        SELECT run_id, seq, outcome FROM trials t JOIN runs r ON r.id = t.run
        WHERE outcome NOT IN ('ok', 'truncated', 'refused', 'empty', 'error')
        """,
    ),
    (
        "generation {} has the unknown outcome {!r}",
        """
        SELECT id, outcome FROM generations
        WHERE outcome NOT IN ('ok', 'truncated', 'refused', 'empty')
        """,
    ),
    (
        "run {}: trial {} is an error without a reason",
        """
        SELECT run_id, seq FROM trials t JOIN runs r ON r.id = t.run
        WHERE outcome = 'error' AND error IS NULL
        """,
    ),
    (
        "run {}: trial {} is an error and has a score",
        """
        SELECT DISTINCT run_id, seq FROM trials t JOIN scores s USING (run, seq)
        JOIN runs r ON r.id = t.run WHERE outcome = 'error' AND s.score IS NOT NULL
        """,
    ),
    (
        "run {}: trial {} has an outcome, but not the answer that was graded",
        f"""
        SELECT run_id, t.seq FROM trials t JOIN runs r ON r.id = t.run
        LEFT JOIN trial_turns u ON u.run = t.run AND u.seq = t.seq AND u.turn = t.graded
        WHERE t.outcome <> 'error' AND u.generation IS NULL
            AND NOT {_IMPORTED}
        """,
    ),
    (
        "run {}: turn {} of trial {} has neither an answer nor a request",
        """
        SELECT run_id, turn, seq FROM trial_turns u JOIN runs r ON r.id = u.run
        WHERE generation IS NULL AND (key IS NULL OR prompt IS NULL OR sampling IS NULL)
        """,
    ),
    (
        "run {}: trial {} lacks a score",
        f"""
        SELECT run_id, t.seq FROM trials t JOIN runs r ON r.id = t.run
        JOIN run_scorers k ON k.run = t.run
        LEFT JOIN scores s ON s.run = t.run AND s.seq = t.seq AND s.scorer = k.position
        WHERE t.outcome <> 'error' AND s.run IS NULL
            AND NOT {_IMPORTED}
        """,
    ),
    (
        "run {}: trial {} has a score that is unknown for no stated reason",
        """
        SELECT run_id, seq FROM scores s JOIN runs r ON r.id = s.run
        WHERE score IS NULL AND error IS NULL
        """,
    ),
)


def stats(connection: Connection) -> StoreStats:
    """Count rows and bytes."""
    rows = {table: connection.count(f"SELECT count(*) FROM {table}") for table in TABLES}
    path = connection.path
    return StoreStats(rows, _size(path), _size(Path(f"{path}-wal")))


def vacuum(connection: Connection) -> int:
    """Return unused space to the disk, and return how many bytes that freed."""
    before = stats(connection)
    connection.execute("VACUUM")
    connection.row("PRAGMA wal_checkpoint(TRUNCATE)")
    after = stats(connection)
    return before.size + before.wal_size - after.size - after.wal_size


def verify(connection: Connection) -> list[str]:
    """Return what is wrong with the database, one line per problem; empty if it is sound."""
    problems = list(_broken_pages(connection))
    if problems:
        return problems  # anything read from broken pages would be misleading
    problems += _dangling(connection)
    for check in _DIGESTS:
        problems += _limited(_wrong_digests(connection, *check))
    for meaning, sql in _RULES:
        problems += _limited(meaning.format(*row) for row in connection.rows(sql))
    return problems


def _broken_pages(connection: Connection) -> Iterator[str]:
    try:
        for (finding,) in connection.rows("PRAGMA integrity_check"):
            if finding != "ok":
                yield f"SQLite: {finding}"
    except StoreError as error:  # too broken to be checked
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
        if compute(*content) != digest:
            yield f"{what} {name} was changed: its content does not match its digest {digest}"


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
)


def _limited(problems: Iterable[str]) -> list[str]:
    """Return the first problems of a kind, and how many more there are."""
    lines = list(problems)
    more = len(lines) - _SHOWN
    return lines if more <= 0 else [*lines[:_SHOWN], f"... and {more} more like the last"]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
