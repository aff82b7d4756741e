"""Whether every value in the database is one that promptlab could have stored there.

SQLite keeps any type in any column, so that a text may stand where a number belongs; and what is
kept as JSON must be of the right form. Each check reads its table once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from promptlab.core.digest import TAG
from promptlab.core.ratings import OF_OUTPUTS, OF_PAIRS
from promptlab.core.runs import BackendFacts, RunSettings
from promptlab.core.types import Plan, Sampling
from promptlab.store.columns import COMPLETION_COLUMNS, listed
from promptlab.store.connection import Connection
from promptlab.store.encode import (
    completion_from_row,
    from_json,
    messages_from_json,
    sampling_from_json,
)
from promptlab.store.faults import UNDECODABLE
from promptlab.store.plans import load_plan
from promptlab.store.structure import Column, expected

_SHOWN = 60  # characters of a wrong value

# The declared type of a column -> the types of a value, as SQLite names them.
_TYPES = {"TEXT": "'text'", "INTEGER": "'integer'", "REAL": "'real', 'integer'", "BLOB": "'blob'"}

_FLAG, _AMOUNT = "{0} IN (0, 1)", "{0} BETWEEN 0 AND 9e15"
_MOMENT = "{0} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T*' AND julianday({0}) NOTNULL"
_FINITE = "abs({0}) < 9e999"

# What must be true of the columns of these names, in whichever table, unless they are NULL.
_DOMAINS: Mapping[str, str] = {
    **dict.fromkeys(("cached", "aside", "passed", "fresh", "judge"), _FLAG),
    **dict.fromkeys(("input_tokens", "output_tokens", "cost_usd", "latency_s"), _AMOUNT),
    **dict.fromkeys(("cache_read_tokens", "cache_write_tokens", "reasoning_tokens"), _AMOUNT),
    **dict.fromkeys(("spent_calls", "spent_cost_usd", "unpriced_answers", "trials"), _AMOUNT),
    **dict.fromkeys(("seq", "turn", "repeat", "graded", "position", "case_", "arm"), _AMOUNT),
    "score": _FINITE,
    **dict.fromkeys(
        ("created_at", "finished_at", "first_seen", "replaced_at", "heartbeat"), _MOMENT
    ),
    "withdrawn_at": _MOMENT,
    "status": "{0} IN ('running', 'finished', 'interrupted')",
}


def wrong_values(connection: Connection) -> Iterator[Iterator[str]]:
    """Yield for each check its findings, as they are made."""
    for table, columns in expected().tables.items():
        if not table.startswith("_"):
            yield _of_other_type(connection, table, columns)
    for what, sql, decode in _DECODED:
        yield _undecodable(connection, what, sql, decode)
    yield _wrong_plans(connection)


def _of_other_type(connection: Connection, table: str, columns: Sequence[Column]) -> Iterator[str]:
    """Yield the rows of a table with a value of another type, out of its range, or no UTF-8."""
    which = f"CASE {' '.join(map(_when_wrong, columns))} END"
    texts = [f"coalesce(\"{column.name}\", '')" for column in columns if column.type == "TEXT"]
    key = listed([f'"{name}"' for name in _key(connection, table)])
    with _tolerant(connection) as broken:
        sql = f"SELECT {which}, {' || '.join(texts) or 'NULL'}, {key} FROM {table}"
        for wrong, _, *place in connection.rows(sql):
            if wrong is not None:
                yield f"{table} {_row(place)}: its {wrong} is not a value that it can have"
            if broken:
                broken.clear()
                yield f"{table} {_row(place)}: a text of it is not UTF-8"


def _when_wrong(column: Column) -> str:
    """Return an SQL `WHEN` that names the column if its value is wrong."""
    name = f'"{column.name}"'
    sound = f"typeof({name}) IN ({_TYPES[column.type]})"
    if column.name in _DOMAINS:
        sound += f" AND {_DOMAINS[column.name].format(name)}"
    if not column.required:
        sound = f"{name} IS NULL OR ({sound})"
    return f"WHEN NOT coalesce({sound}, 0) THEN '{column.name}'"


def _key(connection: Connection, table: str) -> list[str]:
    sql = "SELECT name FROM pragma_table_info(:table) WHERE pk ORDER BY pk"
    return [name for (name,) in connection.rows(sql, table=table)]


@contextmanager
def _tolerant(connection: Connection) -> Iterator[list[bytes]]:
    """Read texts that are not UTF-8 too; each is added to the list."""
    broken: list[bytes] = []

    def text_of(data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError:
            broken.append(data)
            return data.decode(errors="backslashreplace")

    before, connection.raw.text_factory = connection.raw.text_factory, text_of
    try:
        yield broken
    finally:
        connection.raw.text_factory = before


def _undecodable(
    connection: Connection, what: str, sql: str, decode: Callable[..., object]
) -> Iterator[str]:
    with _tolerant(connection):
        for place, *values in connection.rows(sql):
            try:
                decode(*values)
            except UNDECODABLE as error:
                yield f"{what} {place} cannot be read: {_short(error)}"


def _wrong_plans(connection: Connection) -> Iterator[str]:
    for number, run_id in connection.rows("SELECT id, run_id FROM runs"):
        try:
            _check_plan(load_plan(connection, number))
        except UNDECODABLE as error:
            yield f"the plan of run {run_id} cannot be read: {_short(error)}"


def _check_plan(plan: Plan) -> None:
    """Raise one of `UNDECODABLE` if a plan is not one that could have been made."""
    _require(plan.arms and plan.cases and plan.repeats >= 1, "it has no trial")
    _require(isinstance(plan.seed, int) and isinstance(plan.assets, str), "seed or assets")
    _require(plan.grade is None or isinstance(plan.grade, str), "grade")
    labels = [scorer.label for scorer in plan.scorers]
    _require(plan.primary in labels or not labels, "its primary scorer is missing")
    backends = {backend.name for backend in plan.backends}
    versions = {(source.name, source.version, source.digest) for source in plan.templates}
    for arm in plan.arms:
        _require(arm.backend in backends, f"the backend {arm.backend} is missing")
        known = (arm.template, arm.version, arm.digest) in versions
        _require(known, f"the template {arm.template}@{arm.version} is missing")
    if plan.sequential is not None:
        _require(0 < plan.sequential.alpha < 1, "its level is no probability")
        _require(plan.sequential.margin >= 0, "its margin is negative")
        places = [place for pair in plan.sequential.pairs for place in pair]
        _require(all(0 <= place < len(plan.arms) for place in places), "it pairs unknown arms")


def _texts(value: object) -> None:
    _require(isinstance(value, list) and all(isinstance(text, str) for text in value), "no texts")


def _object(text: str | None) -> dict[str, Any]:
    value = {} if text is None else from_json(text)
    _require(isinstance(value, dict), "not a JSON object")
    return dict(value)


@lru_cache
def _sampling(text: str | None) -> None:
    if text is None:
        return
    sampling: Sampling = sampling_from_json(text)
    _require(sampling.temperature >= 0 and sampling.max_tokens >= 0, "temperature or max_tokens")
    _require(sampling.top_p is None or 0 <= sampling.top_p <= 1, "top_p")
    _require(sampling.seed is None or isinstance(sampling.seed, int), "seed")
    _texts(list(sampling.stop))


def _arm(practices: str, off: str, sampling: str) -> None:
    _texts(from_json(practices))
    _texts(from_json(off))
    _sampling(sampling)


def _run(settings: str, overrides: str, facts: str) -> None:
    _require(isinstance(_object(settings)["repeats"], int), "repeats")
    RunSettings.from_json(_object(overrides))
    for fact in _object(facts).values():
        BackendFacts.from_json(fact)


def _prompt(text: str) -> None:
    for message in messages_from_json(text):
        _require(message.role in ("system", "user", "assistant"), "an unknown role")


def _generation(key: str, sampling: str, *completion: Any) -> None:
    _require(key.startswith(TAG), "its key is no digest")
    _sampling(sampling)
    _texts(list(completion_from_row(completion).warnings))


def _opinion(other: int | None, verdict: str | None, tags: str) -> None:
    _texts(from_json(tags))
    known = OF_OUTPUTS if other is None else OF_PAIRS
    _require(verdict is None or verdict in known, f"the verdict {verdict}")


def _require(sound: object, message: str) -> None:
    if not sound:
        raise ValueError(message)


def _row(place: Sequence[object]) -> str:
    return " ".join(str(part) for part in place)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:_SHOWN] or type(error).__name__


_USED = "id IN (SELECT {0} FROM generations)"


# What is read -> its rows, each with its name first -> what decodes the rest. What a digest covers
# is not here: that is checked by its digest.
def _lists(*texts: str) -> None:
    for text in texts:
        _texts(from_json(text))


_DECODED: tuple[tuple[str, str, Callable[..., object]], ...] = (
    ("backend", "SELECT id, options FROM backends", _object),
    ("family of looks", "SELECT id, suites, runs, arms FROM look_families", _lists),
    ("rating", "SELECT id, other, verdict, tags FROM given_ratings", _opinion),
    ("run", "SELECT run_id, settings, overrides, facts FROM runs", _run),
    ("arm", "SELECT run || '/' || position, practices, off, sampling FROM run_arms", _arm),
    ("scorer", "SELECT run || '/' || position, params FROM run_scorers", _object),
    ("the request of turn", "SELECT run || '/' || seq, sampling FROM trial_turns", _sampling),
    (
        "generation",
        f"SELECT id, key, sampling, {listed(COMPLETION_COLUMNS)} FROM generations",
        _generation,
    ),
    ("prompt", f"SELECT id, text FROM texts WHERE {_USED.format('prompt')}", _prompt),
    ("schema", f"SELECT id, text FROM texts WHERE {_USED.format('schema')}", _object),
    (
        "continuations",
        f"SELECT id, text FROM texts WHERE {_USED.format('continuations')}",
        lambda text: _texts(from_json(text)),
    ),
)
