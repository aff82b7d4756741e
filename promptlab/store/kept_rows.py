"""The rows that conclusions are drawn from, kept with a run that is over.

Reading them from the tables takes ten times as long. They are kept beside the run's figures, and go
with these as soon as a result changes (see `figures`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress

import numpy as np
from numpy.typing import NDArray

from promptlab.core.errors import StoreError
from promptlab.core.measured import MEASURED
from promptlab.store.columns import GRADES
from promptlab.store.connection import Connection, to_keep
from promptlab.store.encode import to_json
from promptlab.store.liveness import has_ended

Floats = NDArray[np.float64]

VERSION = 1
"""How rows are read and packed. Kept ones of another version are read again."""

_BATCH = 2_000  # trials read at once
_LEAST = 1_000  # trials: fewer are read as fast
_WHOLE = ("u1", "<u2", "<u4")  # what a column of whole numbers is written as, if they fit
_UNKNOWN = "-"  # stands for a column without any value

_KEPT = f"SELECT rows FROM run_figures WHERE run = :run AND part = :part AND version = {VERSION}"

_KEEP = f"""
INSERT OR REPLACE INTO run_figures (run, part, version, summary, rows)
VALUES (:run, :part, {VERSION}, '', :rows)
"""

_IS_KEPT = f"""
SELECT 1 FROM run_figures
WHERE run = :run AND part = :part AND version = {VERSION} AND rows IS NOT NULL
"""

_TRIALS = "SELECT count(*) FROM trials WHERE run = :run"

_PLACE = """
SELECT k.position FROM runs r JOIN run_scorers k ON k.run = r.id
AND k.label = coalesce(:label, json_extract(r.settings, '$.primary'))
WHERE r.id = :run
"""

# Whether a scorer says what it found in answers: then `_FOUND` are the last columns of `_ROWS`.
_TELLS = """
SELECT EXISTS (
    SELECT 1 FROM scores WHERE run = :run AND scorer = :scorer
    AND coalesce(gradable, found, expected) IS NOT NULL
)
"""

_FOUND = ", s.gradable, s.found, s.expected"

# The order of `core.measured.MEASURED`; every column counts, in time and memory.
_ROWS = f"""
SELECT t.arm, t.case_, t.repeat,
    CASE t.outcome WHEN 'ok' THEN 0 WHEN 'empty' THEN 3 WHEN 'truncated' THEN 4
        WHEN 'error' THEN 5 ELSE 1 + (
            SELECT coalesce(max(instr(lower(g.finish_reason), f.value) > 0), 0)
            FROM generations g, json_each(:filters) f WHERE g.id = u.generation
        ) END,
    s.score, s.score = s.passed, u.generation,
    t.input_tokens, t.output_tokens, t.cost_usd, t.latency_s{{found}}
FROM trials t
JOIN run_scorers k ON k.run = t.run AND k.position = :scorer
LEFT JOIN scores s ON s.run = t.run AND s.seq = t.seq AND s.scorer = :scorer
LEFT JOIN trial_turns u ON u.run = t.run AND u.seq = t.seq AND u.turn = coalesce(s.turn, t.graded)
WHERE t.run = :run AND (s.run IS NOT NULL OR (t.outcome = 'error' AND {GRADES})) ORDER BY t.seq
"""

# What the reason for an ending contains where not the model refused, but a filter around it.
_FILTERS = (
    *("filter", "safety", "block", "guard", "moderat", "policy", "prohibited", "sensitive"),
    *("flagged", "recitation", "spii", "copyright", "toxic", "censored", "armor"),
)


def rows_of(connection: Connection, run: int, scorer: int) -> Floats:
    """Return one scorer's results, of shape (trials, columns of `MEASURED`); unknown is NaN.

    The last columns are left out where the scorer tells nothing of the kind. Nothing is kept here:
    this belongs to a snapshot, and what is kept may be of a later moment.
    """
    kept = connection.value(_KEPT, run=run, part=_part(scorer))
    return _read(connection, run, scorer) if kept is None else unpacked(kept)


def keep_rows(connection: Connection, run: int, label: str | None = None) -> None:
    """Keep the rows of the scorer of that label, by default the primary one, if they are not kept.

    None are of a run that goes on, of few trials, or while others write.
    """
    scorer = connection.value(_PLACE, run=run, label=label)
    if scorer is None or connection.value(_IS_KEPT, run=run, part=_part(scorer)):
        return
    if has_ended(connection, run) and connection.count(_TRIALS, run=run) >= _LEAST:
        with suppress(StoreError), closing(to_keep(connection)) as own, own.if_unchanged():
            rows = packed(_read(own, run, scorer))
            own.execute(_KEEP, run=run, part=_part(scorer), rows=rows)


def wrong_rows(connection: Connection) -> Iterator[str]:
    """Yield the runs whose kept rows are not those of their results."""
    sql = f"""
    SELECT f.run, r.run_id, k.position, f.rows FROM run_figures f JOIN runs r ON r.id = f.run
    LEFT JOIN run_scorers k ON k.run = f.run AND f.part = '["rows",' || k.position || ']'
    WHERE f.rows IS NOT NULL AND f.version = {VERSION}
    """
    for run, run_id, scorer, kept in connection.rows(sql):
        known = scorer is not None and isinstance(kept, bytes)
        if not known or packed(_read(connection, run, scorer)) != kept:
            yield f"run {run_id}: its kept rows are not those of its results"


def packed(rows: Floats) -> bytes:
    """Return rows as bytes: a line with their number and how each column is written, then these."""
    columns = [_written(column) for column in rows.T]
    codes = [_UNKNOWN if column is None else column.dtype.str.lstrip("|") for column in columns]
    head = " ".join([str(len(rows)), *codes])
    return b"\n".join([head.encode(), b"".join(c.tobytes() for c in columns if c is not None)])


def unpacked(data: bytes) -> Floats:
    """Return the rows that `packed` wrote."""
    head, _, rest = data.partition(b"\n")
    number, *codes = head.decode().split(" ")
    rows = np.full((len(codes), int(number)), np.nan)  # by columns, as they are used
    at = 0
    for column, code in zip(rows, codes, strict=True):
        if code != _UNKNOWN:
            column[:] = np.frombuffer(rest, dtype=code, count=int(number), offset=at)
            at += column.size * np.dtype(code).itemsize
    return rows.T


def _written(column: Floats) -> NDArray[np.generic] | None:
    """Return a column as the smallest numbers that hold it, None if it has no value."""
    if np.isnan(column).all():
        return None
    with np.errstate(invalid="ignore"):  # NaN and large numbers are none of these
        fitting = (small for code in _WHOLE if ((small := column.astype(code)) == column).all())
        return next(fitting, column.astype("<f8"))


def _part(scorer: int) -> str:
    return to_json(["rows", scorer])


def _read(connection: Connection, run: int, scorer: int) -> Floats:
    tells = connection.count(_TELLS, run=run, scorer=scorer)
    sql = _ROWS.format(found=_FOUND if tells else "")
    batches = connection.batches(sql, _BATCH, run=run, scorer=scorer, filters=to_json(_FILTERS))
    width = len(MEASURED) - (0 if tells else _FOUND.count(","))
    parts = [np.array(batch, dtype=float).T for batch in batches]
    return np.concatenate([np.empty((width, 0)), *parts], axis=1).T
