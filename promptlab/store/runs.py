"""Runs as a whole: begin, end, list and find them.

A run stored as `running` may have been killed: `liveness` tells.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Literal

from promptlab.core.errors import StoreError
from promptlab.core.results import RunInfo
from promptlab.core.runs import BackendFacts, RunSettings
from promptlab.core.types import Plan
from promptlab.store.connection import Connection, Row
from promptlab.store.encode import from_json, to_json, told
from promptlab.store.facts import add_facts
from promptlab.store.figures import Summary, keep_summaries, summaries
from promptlab.store.liveness import NOW, PROCESS, SILENT_S, is_alive, this_process
from promptlab.store.plan_settings import settings_to_json
from promptlab.store.plans import save_plan

_INSERT_RUN = f"""
INSERT INTO runs (run_id, suite, settings, overrides, status, trials, fresh, pid, host,
    process_started, place, heartbeat, created_at, facts)
VALUES (:run_id, :suite, :settings, :overrides, 'running', :trials, :fresh, :pid, :host,
    :process_started, :place, {NOW}, :created_at, :facts)
"""

_COLUMNS = (
    f"id, run_id, suite, status, trials, fresh, {PROCESS}, created_at, finished_at,"
    " unpriced_answers, overrides, facts"
)

_LIST = f"SELECT {_COLUMNS} FROM runs ORDER BY id DESC LIMIT :limit"

_ONE = f"SELECT {_COLUMNS} FROM runs WHERE id = :run"

_LIST_UNFINISHED = f"""
SELECT {_COLUMNS} FROM runs WHERE status <> 'finished' ORDER BY id DESC
"""

_TEMPLATES = """
SELECT t.run, l.name || '@' || l.version FROM run_templates t
JOIN template_labels l ON l.id = t.label
WHERE t.run IN (SELECT value FROM json_each(:runs)) ORDER BY t.run, t.position
"""

_BACKENDS = """
SELECT p.run, b.name FROM run_backends p JOIN backends b ON b.id = p.backend
WHERE p.run IN (SELECT value FROM json_each(:runs)) ORDER BY p.run, p.position
"""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """How to carry out a new run: its number of trials, and the settings beyond its suite."""

    trials: int
    fresh: bool
    settings: RunSettings


def begin_run(
    connection: Connection, run_id: str, plan: Plan, now: str, request: RunRequest
) -> None:
    """Store a run with its whole plan, or nothing at all."""
    with connection.transaction():
        run = connection.execute(
            _INSERT_RUN,
            run_id=run_id,
            suite=plan.suite,
            settings=settings_to_json(plan),
            overrides=to_json(request.settings.to_json()),
            trials=request.trials,
            fresh=request.fresh,
            created_at=now,
            facts=told(to_json({spec.name: dict(spec.identity) for spec in plan.backends})),
            **this_process(),
        )
        save_plan(connection, run, plan, now)


def resume_run(connection: Connection, run: int) -> None:
    """Make this process the one that carries out the run, unless another is doing so."""
    with connection.transaction():
        info = run_info(connection, run)
        if info.status == "running":
            raise StoreError(
                f"run {info.run_id} is still running",
                hint="wait for it, or stop it first; one that was killed on another machine or in"
                f" another container counts as running for {SILENT_S:.0f} s",
            )
        connection.execute(
            "UPDATE runs SET status = 'running', pid = :pid, host = :host,"
            " process_started = :process_started, place = :place,"
            f" heartbeat = {NOW}, finished_at = NULL WHERE id = :run",
            run=run,
            **this_process(),
        )


def keep_facts(connection: Connection, run: int, backend: str, facts: BackendFacts) -> None:
    """Add to the stored facts of a backend in this run."""
    with connection.transaction():
        add_facts(connection, run, backend, facts)


def end_run(
    connection: Connection,
    run: int,
    now: str,
    *,
    status: Literal["finished", "interrupted"],
) -> None:
    """Store how a run ended."""
    with connection.transaction():
        connection.execute(
            "UPDATE runs SET status = :status, finished_at = :now WHERE id = :run",
            status=status,
            now=now,
            run=run,
        )


def run_number(connection: Connection, run_id: str) -> int:
    """Return the row id of a run."""
    number = connection.value("SELECT id FROM runs WHERE run_id = :run_id", run_id=run_id)
    if number is None:
        raise StoreError(f"unknown run {run_id!r}", hint="promptlab runs lists them")
    return int(number)


def list_runs(connection: Connection, limit: int | None) -> list[RunInfo]:
    """Return runs, newest first."""
    rows = connection.all(_LIST, limit=-1 if limit is None else limit)
    keep_summaries(connection, [row[0] for row in rows])
    return _infos(connection, rows)


def run_info(connection: Connection, run: int) -> RunInfo:
    """Return one run."""
    return _infos(connection, connection.all(_ONE, run=run))[0]


def list_unfinished(connection: Connection) -> list[RunInfo]:
    """Return the runs that `resume` can finish, newest first."""
    rows = connection.all(_LIST_UNFINISHED)
    return [info for info in _infos(connection, rows) if info.status == "interrupted"]


def _infos(connection: Connection, rows: list[Row]) -> list[RunInfo]:
    runs = [row[0] for row in rows]
    ended = summaries(connection, runs)
    numbers = to_json(runs)
    templates, backends = (_names(connection, sql, numbers) for sql in (_TEMPLATES, _BACKENDS))
    return [
        replace(_info(row, ended[row[0]]), templates=templates[row[0]], backends=backends[row[0]])
        for row in rows
    ]


def _cost(ended: Summary, unpriced: int | None) -> float | None:
    """Return what a run cost, None if that is not known.

    A run answered by the store alone cost nothing: other runs paid for its answers. Nor did a run
    of backends that charge nothing, whose answers have no cost, and none of them an unknown one.
    """
    if ended.all_cached is None:  # it has no trials yet
        return None
    if ended.all_cached or (ended.paid is None and unpriced == 0):
        return 0.0
    return ended.paid


def _names(connection: Connection, sql: str, runs: str) -> defaultdict[int, tuple[str, ...]]:
    """Return the names that belong to each run, in its order."""
    names: defaultdict[int, tuple[str, ...]] = defaultdict(tuple)
    for run, name in connection.rows(sql, runs=runs):
        names[run] += (str(name),)
    return names


def _info(row: Row, ended: Summary) -> RunInfo:
    (_, run_id, suite, status, trials, fresh, *process, created_at, finished_at, _, _, _) = row
    noted, *rest = row[-3:]
    unpriced = ended.unpriced if noted is None else noted
    if status == "running" and not is_alive(*process):
        status = "interrupted"
    settings, facts = map(from_json, rest)
    return RunInfo(
        run_id=run_id,
        suite=suite,
        status=status,
        trials=trials,
        fresh=bool(fresh),
        created_at=created_at,
        finished_at=finished_at,
        settings=RunSettings.from_json(settings),
        facts={name: BackendFacts.from_json(details) for name, details in facts.items()},
        outcomes=ended.outcomes,
        cost_usd=_cost(ended, noted),
        unpriced=unpriced,
    )
