"""Reading what is stored: cached answers, results row by row, conversations, template versions."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from promptlab.core.errors import DamagedStore, StoreError
from promptlab.core.results import Result
from promptlab.core.types import Completion, Outcome, Request, Turn
from promptlab.core.wanted import ResultFilter
from promptlab.store.columns import COMPLETION_COLUMNS, RESULT_COLUMNS, listed
from promptlab.store.connection import Connection, Row, Value, connect
from promptlab.store.encode import (
    case_from_json,
    completion_from_row,
    from_json,
    messages_from_json,
    sampling_from_json,
    to_json,
)
from promptlab.store.faults import decoding
from promptlab.store.patience import Patience

# With max(id) SQLite takes the other columns from the same row: the newest answer of each key.
_COMPLETIONS = f"""
SELECT key, {listed(COMPLETION_COLUMNS)}, max(id) FROM generations
WHERE key IN (SELECT value FROM json_each(:keys))
AND (:fresh_run IS NULL OR fresh_run = :fresh_run) GROUP BY key
"""

# A trial counts as done if its scorer failed, unless a backend failed the scorer: the backend may
# answer later.
_FINISHED = """
SELECT seq FROM trials t WHERE run = :run AND outcome <> 'error' AND NOT EXISTS (
    SELECT 1 FROM trial_turns u WHERE u.run = t.run AND u.seq = t.seq
    AND u.backend IS NOT NULL AND u.generation IS NULL
)
"""

_VARIABLES = """
SELECT v.key FROM run_cases p JOIN cases c ON c.id = p.case_, json_each(c.vars) v
WHERE p.run = :run GROUP BY v.key ORDER BY min(p.position), min(v.id)
"""

_CONVERSATIONS = f"""
SELECT u.seq, u.name, u.cached, u.aside, b.name, coalesce(g.key, u.key), p.text, q.text, c.text,
    coalesce(g.sampling, u.sampling), t.error,
    {listed(COMPLETION_COLUMNS, "g")}
FROM trial_turns u JOIN trials t ON t.run = u.run AND t.seq = u.seq
LEFT JOIN backends b ON b.id = u.backend
LEFT JOIN generations g ON g.id = u.generation
LEFT JOIN texts p ON p.id = coalesce(g.prompt, u.prompt)
LEFT JOIN texts q ON q.id = g.schema
LEFT JOIN texts c ON c.id = g.continuations
WHERE u.run = :run AND u.seq IN (SELECT value FROM json_each(:seqs)) ORDER BY u.seq, u.turn
"""

_TRACEBACKS = """
SELECT k.label, s.traceback FROM scores s
JOIN run_scorers k ON k.run = s.run AND k.position = s.scorer
WHERE s.run = :run AND s.seq = :seq AND s.traceback IS NOT NULL ORDER BY s.scorer
"""

_TEMPLATES = """EXISTS (
    SELECT 1 FROM json_each(:templates) WHERE json_extract(value, '$[0]') = template
    AND coalesce(json_extract(value, '$[1]'), version) = version
)"""

_RESULT_FIELDS = ("seq", *RESULT_COLUMNS)


def completions(
    connection: Connection, keys: Sequence[str], fresh_run: str | None
) -> dict[str, Completion]:
    """Return the newest stored answer of each key, only from `fresh_run` if that is given."""
    rows = connection.rows(_COMPLETIONS, keys=to_json(keys), fresh_run=fresh_run)
    return {key: completion_from_row(row) for key, *row, _ in rows}


def variable_names(connection: Connection, run: int) -> list[str]:
    """Return the names of the variables that the cases of a run have, in their order."""
    return [str(name) for (name,) in connection.rows(_VARIABLES, run=run)]


def finished(connection: Connection, run: int) -> set[int]:
    """Return the places in the plan of the trials that need no further attempt."""
    rows = connection.rows(_FINISHED, run=run)
    return {seq for (seq,) in rows}


def conversation(connection: Connection, run: int, seq: int) -> tuple[Turn, ...]:
    """Return the turns of a trial, as they were when it finished."""
    return tuple(conversations(connection, run, [seq])[seq])


def conversations(connection: Connection, run: int, seqs: Sequence[int]) -> dict[int, list[Turn]]:
    """Return the turns of several trials, by the place of each trial in the plan."""
    found: dict[int, list[Turn]] = {seq: [] for seq in seqs}
    for seq, *row in connection.rows(_CONVERSATIONS, run=run, seqs=to_json(seqs)):
        found[seq].append(_turn(*row))
    return found


def tracebacks(connection: Connection, run: int, seq: int) -> dict[str, str]:
    """Return the tracebacks of the scorers that failed on a trial, by their label."""
    return dict(connection.rows(_TRACEBACKS, run=run, seq=seq))


def results(
    path: Path, run_id: str, wanted: ResultFilter, places: Sequence[int] | None
) -> Generator[Result, None, None]:
    """Yield results in the order of the plan, over a connection that cannot write.

    With `places`, only those of the trials at these places in the plan.
    """
    order = "ORDER BY seq, scorer_position LIMIT :limit"
    limit = -1 if wanted.limit is None else wanted.limit
    what = (listed(_RESULT_FIELDS), order)
    with closing(_matching(path, run_id, wanted, what, limit, places)) as rows:
        for row in rows:
            with decoding(path):
                result = _result(row)
            yield result


def matching_trials(path: Path, run_id: str, wanted: ResultFilter, limit: int | None) -> list[int]:
    """Return the places in the plan of the first trials that have a matching result."""
    most = -1 if limit is None else limit
    what = ("DISTINCT seq", "ORDER BY seq LIMIT :limit")
    with closing(_matching(path, run_id, wanted, what, most, None)) as rows:
        return [int(seq) for (seq,) in rows]


def _matching(
    path: Path,
    run_id: str,
    wanted: ResultFilter,
    what: tuple[str, str],
    limit: int,
    places: Sequence[int] | None,
) -> Generator[Row, None, None]:
    """Yield what is wanted of the matching rows of the view; `what` is columns and their order."""
    conditions, values = _conditions(run_id, wanted)
    if places is not None:
        conditions.append("seq IN (SELECT value FROM json_each(:places))")
        values["places"] = to_json(places)
    columns, order = what
    sql = f"SELECT {columns} FROM trial_results WHERE {' AND '.join(conditions)} {order}"
    connection = connect(path, readonly=True)
    patience = None if wanted.where is None else Patience(connection.raw)
    try:
        if wanted.where is not None:
            _check_where(connection, wanted.where)
        # Closed before the connection is.
        with closing(connection.rows(sql, **values, limit=limit)) as rows:
            for row in rows:
                yield row
                if patience is not None:
                    patience.restart()
    except (DamagedStore, sqlite3.Error, sqlite3.Warning) as error:
        cause = error.__cause__ if isinstance(error, DamagedStore) else error
        if wanted.where is None or patience is None:
            raise
        if not isinstance(cause, (sqlite3.Error, sqlite3.Warning)):
            raise
        raise patience.ended(cause, "--where") or _bad_where(wanted.where, cause) from error
    finally:
        connection.close()


def _conditions(run_id: str, wanted: ResultFilter) -> tuple[list[str], dict[str, Value]]:
    conditions = ["run_id = :run_id"]
    values: dict[str, Value] = {"run_id": run_id}
    kinds = ["passed = 0"] * wanted.failed + ["error IS NOT NULL"] * wanted.errors
    if kinds:
        conditions.append(f"({' OR '.join(kinds)})")
    if wanted.cases:
        conditions.append("case_id IN (SELECT value FROM json_each(:cases))")
        values["cases"] = to_json(wanted.cases)
    if wanted.templates:
        conditions.append(_TEMPLATES)
        values["templates"] = to_json(wanted.templates)
    if wanted.where is not None:
        conditions.append(f"(\n{wanted.where}\n)")
    return conditions, values


def _check_where(connection: Connection, where: str) -> None:
    """Refuse anything but one expression, by putting it where a closing parenthesis cannot work."""
    sql = f"SELECT CASE WHEN\n{where}\nTHEN 1 END FROM trial_results LIMIT 0"
    connection.row(sql)


def _bad_where(where: str, error: Exception) -> StoreError:
    return StoreError(
        f"--where {where!r} cannot be used: {error}",
        hint=f"write one SQL expression over {listed(RESULT_COLUMNS)}",
    )


def _result(row: Row) -> Result:
    values = dict(zip(_RESULT_FIELDS, row, strict=True))
    values["outcome"] = Outcome(values["outcome"])
    values["cached"] = bool(values["cached"])
    values["tags"] = tuple(from_json(values["tags"]))
    for name in ("vars", "expect"):
        values[name] = case_from_json(values[name])
    for name in ("passed", "gradable"):
        if values[name] is not None:
            values[name] = bool(values[name])
    return Result(**values)


def _turn(name: str, cached: int, aside: int, backend: str | None, *columns: Any) -> Turn:
    key, prompt, schema, continuations, sampling, error, *answer = columns
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
