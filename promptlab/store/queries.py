"""Reading what is stored: cached answers, results row by row, conversations, template versions."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from promptlab.core.errors import StoreError
from promptlab.core.results import Result, ResultFilter, TemplateHistory
from promptlab.core.types import Completion, Outcome, Request, Turn
from promptlab.store.connection import Connection, Row, Value, connect
from promptlab.store.encode import (
    COMPLETION_COLUMNS,
    completion_from_row,
    from_json,
    messages_from_json,
    sampling_from_json,
    to_json,
)
from promptlab.store.schema import RESULT_COLUMNS

# With max(id) SQLite takes the other columns from that same row: the newest answer of each key.
_COMPLETIONS = f"""
SELECT key, {COMPLETION_COLUMNS}, max(id) FROM generations
WHERE key IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR fresh_run = ?2) GROUP BY key
"""

# A trial counts as done with a scorer that failed, but not where a backend failed it: that one may
# answer some day.
_FINISHED = """
SELECT seq FROM trials t WHERE run = ? AND outcome <> 'error' AND NOT EXISTS (
    SELECT 1 FROM trial_turns u WHERE u.run = t.run AND u.seq = t.seq
    AND u.backend IS NOT NULL AND u.generation IS NULL
)
"""

_CONVERSATION = f"""
SELECT u.name, u.cached, u.aside, b.name, coalesce(g.key, u.key), p.text, q.text, c.text,
    coalesce(g.sampling, u.sampling), t.error,
    {", ".join(f"g.{column}" for column in COMPLETION_COLUMNS.split(", "))}
FROM trial_turns u JOIN trials t ON t.run = u.run AND t.seq = u.seq
LEFT JOIN backends b ON b.id = u.backend
LEFT JOIN generations g ON g.id = u.generation
LEFT JOIN texts p ON p.id = coalesce(g.prompt, u.prompt)
LEFT JOIN texts q ON q.id = g.schema
LEFT JOIN texts c ON c.id = g.continuations
WHERE u.run = ? AND u.seq = ? ORDER BY u.turn
"""

_TRACEBACKS = """
SELECT k.label, s.traceback FROM scores s
JOIN run_scorers k ON k.run = s.run AND k.position = s.scorer
WHERE s.run = ? AND s.seq = ? AND s.traceback IS NOT NULL ORDER BY s.scorer
"""

_HISTORY = """
SELECT l.version, l.digest, l.first_seen, count(DISTINCT a.run), count(t.seq)
FROM template_labels l LEFT JOIN run_arms a ON a.template = l.id
LEFT JOIN trials t ON t.run = a.run AND t.arm = a.position
WHERE l.name = ? GROUP BY l.id ORDER BY l.id
"""

_LABEL_DIGESTS = """
SELECT l.digest FROM template_labels l WHERE l.name = ? AND l.version = ? AND EXISTS (
    SELECT 1 FROM run_arms a JOIN trials t ON t.run = a.run AND t.arm = a.position
    WHERE a.template = l.id
) ORDER BY l.id
"""


_TEMPLATES = """EXISTS (
    SELECT 1 FROM json_each(?) WHERE json_extract(value, '$[0]') = template
    AND coalesce(json_extract(value, '$[1]'), version) = version
)"""

_RESULT_FIELDS = ("seq", *RESULT_COLUMNS.split(", "))


def completions(
    connection: Connection, keys: Sequence[str], fresh_run: str | None
) -> dict[str, Completion]:
    """Return the newest stored answer of each key, of one fresh run alone if it is named."""
    rows = connection.rows(_COMPLETIONS, [to_json(keys), fresh_run])
    return {key: completion_from_row(row) for key, *row, _ in rows}


def finished(connection: Connection, run: int) -> set[int]:
    """Return the places in the plan of the trials that need no further try."""
    rows = connection.rows(_FINISHED, [run])
    return {seq for (seq,) in rows}


def conversation(connection: Connection, run: int, seq: int) -> tuple[Turn, ...]:
    """Return the turns of a trial, as they were when it finished."""
    rows = connection.rows(_CONVERSATION, [run, seq])
    return tuple(_turn(*row) for row in rows)


def tracebacks(connection: Connection, run: int, seq: int) -> dict[str, str]:
    """Return the tracebacks of the scorers that failed on a trial, by their label."""
    return dict(connection.rows(_TRACEBACKS, [run, seq]))


def template_history(connection: Connection, name: str) -> list[TemplateHistory]:
    """Return all texts that the versions of a template have had, the first seen first."""
    rows = connection.rows(_HISTORY, [name])
    return [TemplateHistory(*row) for row in rows]


def label_digests(connection: Connection, name: str, version: str) -> list[str]:
    """Return the digests under which a template's version has results."""
    return [str(digest) for (digest,) in connection.rows(_LABEL_DIGESTS, [name, version])]


def results(path: Path, run_id: str, wanted: ResultFilter) -> Generator[Result, None, None]:
    """Yield results in the order of the plan, over a connection that cannot write."""
    conditions, parameters = _conditions(run_id, wanted)
    sql = (
        f"SELECT seq, {RESULT_COLUMNS} FROM trial_results"
        f" WHERE {' AND '.join(conditions)} ORDER BY seq, scorer_position LIMIT ?"
    )
    connection = connect(path, readonly=True)
    try:
        if wanted.where is not None:
            _check_where(connection, wanted.where)
        parameters.append(-1 if wanted.limit is None else wanted.limit)
        with closing(connection.rows(sql, parameters)) as rows:  # before the connection is closed
            yield from map(_result, rows)
    except (sqlite3.Error, sqlite3.Warning) as error:
        if wanted.where is None:
            raise
        raise _bad_where(wanted.where, error) from error
    finally:
        connection.close()


def _conditions(run_id: str, wanted: ResultFilter) -> tuple[list[str], list[Value]]:
    conditions = ["run_id = ?"]
    parameters: list[Value] = [run_id]
    kinds = ["passed = 0"] * wanted.failed + ["error IS NOT NULL"] * wanted.errors
    if kinds:
        conditions.append(f"({' OR '.join(kinds)})")
    if wanted.cases:
        conditions.append("case_id IN (SELECT value FROM json_each(?))")
        parameters.append(to_json(wanted.cases))
    if wanted.templates:
        conditions.append(_TEMPLATES)
        parameters.append(to_json(wanted.templates))
    if wanted.where is not None:
        conditions.append(f"(\n{wanted.where}\n)")
    return conditions, parameters


def _check_where(connection: Connection, where: str) -> None:
    """Refuse what is not one expression: it must also fit where a parenthesis would not close."""
    sql = f"SELECT CASE WHEN\n{where}\nTHEN 1 END FROM trial_results LIMIT 0"
    connection.row(sql)


def _bad_where(where: str, error: Exception) -> StoreError:
    return StoreError(
        f"--where {where!r} cannot be used: {error}",
        hint=f"write one SQL expression over {RESULT_COLUMNS}",
    )


def _result(row: Row) -> Result:
    values = dict(zip(_RESULT_FIELDS, row, strict=True))
    values["outcome"] = Outcome(values["outcome"])
    values["cached"] = bool(values["cached"])
    if values["passed"] is not None:
        values["passed"] = bool(values["passed"])
    return Result(**values)


def _turn(name: str, cached: int, aside: int, backend: str | None, *asked: Any) -> Turn:
    key, prompt, schema, continuations, sampling, error, *answer = asked
    request = Request(
        key,
        messages_from_json(prompt),
        sampling_from_json(sampling),
        None if schema is None else from_json(schema),
        () if continuations is None else tuple(from_json(continuations)),
    )
    answered = answer[0] is not None
    completion = completion_from_row(answer) if answered else Completion(Outcome.ERROR, error=error)
    return Turn(name, request, completion, bool(cached), bool(aside), backend)
