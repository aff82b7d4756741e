"""Which trials of a run are wanted, page by page: their places in the plan, in its order.

A page begins after a place, so that the thousandth costs what the first does. What is rare among
many trials is found by an index of its own (see the schema), never by reading all of them.
"""

from __future__ import annotations

from dataclasses import replace

from promptlab.core.types import Outcome
from promptlab.core.wanted import Change, ResultFilter
from promptlab.store.connection import Connection, Value
from promptlab.store.encode import to_json
from promptlab.store.figures import figures

_START = -1  # before the first place

_TRIALS = "SELECT t.seq FROM trials t WHERE t.run = :run AND t.seq > :after"

# SQLite would rather read all trials first; the index is of the few rows that are wanted.
_OF_SCORES = """
SELECT s.seq FROM scores s INDEXED BY {} CROSS JOIN trials t ON t.run = s.run AND t.seq = s.seq
WHERE s.run = :run AND s.seq > :after AND s.{}
"""
_FAILED = _OF_SCORES.format("scores_that_failed", "passed = 0")
_ERRED = _OF_SCORES.format("scores_that_erred", "error IS NOT NULL")

_CASES = """
t.case_ IN (
    SELECT p.position FROM run_cases p JOIN cases c ON c.id = p.case_
    WHERE p.run = :run AND {}
)
"""

# The text of a tag is looked for first: reading the tags of every case as JSON takes longer.
_TAGGED = """
instr(c.tags, :tag{0}_as_json) AND EXISTS (SELECT 1 FROM json_each(c.tags) WHERE value = :tag{0})
"""

_VERSIONS = """
t.arm IN (
    SELECT a.position FROM run_arms a JOIN template_labels l ON l.id = a.template, json_each(:names)
    WHERE a.run = :run AND json_extract(value, '$[0]') = l.name
    AND coalesce(json_extract(value, '$[1]'), l.version) = l.version
)
"""

_SHAPE = """
SELECT json_extract(settings, '$.repeats'), (SELECT count(*) FROM run_arms WHERE run = r.id),
    (SELECT position FROM run_scorers WHERE run = r.id AND label = :scorer)
FROM runs r WHERE r.id = :run
"""

# The mean of a case, as tables have it. A trial is at the place that arm, case and repeat give it.
_MEAN = """
(
    SELECT avg(CASE WHEN :as_zero THEN coalesce(s.score, 0.0) ELSE s.score END)
    FROM trials t LEFT JOIN scores s ON s.run = t.run AND s.seq = t.seq AND s.scorer = :scorer
    WHERE t.run = :run AND t.seq BETWEEN p.position * :width AND (p.position + 1) * :width - 1
    AND t.seq % :arms = :{} AND (s.run IS NOT NULL OR t.outcome = 'error')
)
"""

_CHANGED = f"""
SELECT p.position FROM run_cases p
WHERE p.run = :run AND p.position >= :first AND {_MEAN.format("a")} {{}} {_MEAN.format("b")}
ORDER BY p.position LIMIT :limit
"""


def places(
    connection: Connection, run: int, wanted: ResultFilter, after: int | None, limit: int | None
) -> list[int]:
    """Return the places of the first wanted trials after one, None meaning from the beginning.

    A trial is wanted if one of its results is. `wanted.where` is not looked at.
    """
    after = _START if after is None else after
    most = -1 if limit is None else limit
    if wanted.change is not None:
        return _changed(connection, run, wanted, wanted.change, after, most)
    return _some(connection, run, wanted, after, most)


def _some(
    connection: Connection, run: int, wanted: ResultFilter, after: int, limit: int
) -> list[int]:
    conditions, values = _conditions(wanted)
    parts = [_FAILED] * wanted.failed
    parts += [_ERRED, f"{_TRIALS} AND t.error IS NOT NULL"] * wanted.errors
    sql = " UNION ".join(f"{part} {conditions}" for part in parts or [_TRIALS])
    if len(parts) == 1:
        sql = sql.replace("SELECT s.seq", "SELECT DISTINCT s.seq", 1)
    sql = f"{sql} ORDER BY 1 LIMIT :limit"
    rows = connection.rows(sql, run=run, after=after, limit=limit, **values)
    return [seq for (seq,) in rows]


def _conditions(wanted: ResultFilter) -> tuple[str, dict[str, Value]]:
    """Return what trials `t` must be, as SQL that begins with AND, and its values."""
    found: list[str] = []
    values: dict[str, Value] = {}
    if wanted.outcomes:
        names = ", ".join(f"'{Outcome(outcome).value}'" for outcome in wanted.outcomes)
        found.append(f"t.outcome IN ({names})")
        if Outcome.OK not in wanted.outcomes:  # lets SQLite see that its index will do
            found.append("t.outcome <> 'ok'")
    if wanted.arms:
        found.append("t.arm IN (SELECT value FROM json_each(:places))")
        values["places"] = to_json(wanted.arms)
    if wanted.templates:
        found.append(_VERSIONS)
        values["names"] = to_json(wanted.templates)
    if wanted.cases:
        found.append(_CASES.format("c.case_id IN (SELECT value FROM json_each(:cases))"))
        values["cases"] = to_json(wanted.cases)
    for place, tag in enumerate(wanted.tags):
        found.append(_CASES.format(_TAGGED.format(place)))
        values |= {f"tag{place}": tag, f"tag{place}_as_json": to_json(tag)}
    return "".join(f" AND {condition}" for condition in found), values


def _changed(
    connection: Connection, run: int, wanted: ResultFilter, change: Change, after: int, limit: int
) -> list[int]:
    """Return places as `_some`, of cases that changed; these are found a few at a time."""
    repeats, arms, scorer = connection.row(_SHAPE, run=run, scorer=change.scorer) or ()
    width = repeats * arms
    sql = _CHANGED.format("<" if change.to == "fixed" else ">")
    values: dict[str, Value] = {
        "run": run,
        "scorer": scorer,
        "arms": arms,
        "width": width,
        "a": change.a,
        "b": change.b,
        "as_zero": _counts_as_zero(connection, run, change.scorer),
    }
    rest = replace(wanted, arms=(change.a, change.b), change=None)
    found: list[int] = []
    first = (after + 1) // width
    while limit < 0 or len(found) < limit:
        cases = [case for (case,) in connection.rows(sql, **values, first=first, limit=limit)]
        for case in cases:
            ends = (case + 1) * width
            found += _within(connection, run, rest, max(after, case * width - 1), ends)
        if limit < 0 or len(cases) < limit:
            break
        first = cases[-1] + 1
    return found if limit < 0 else found[:limit]


def _within(
    connection: Connection, run: int, wanted: ResultFilter, after: int, end: int
) -> list[int]:
    """Return the wanted places between two, each of them excluded."""
    return [seq for seq in _some(connection, run, wanted, after, end - after) if seq < end]


def _counts_as_zero(connection: Connection, run: int, scorer: str) -> bool:
    scores = figures(connection, run).scores
    return any(entry.as_zero for entry in scores if entry.scorer == scorer)
