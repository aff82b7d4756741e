"""A plan on its way into the database and back, the same value as before.

Content that is there already (templates, cases, backends) is stored once and referred to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from itertools import count
from typing import Any

from promptlab.core.types import (
    Arm,
    BackendSpec,
    Case,
    Plan,
    PlanSettings,
    ScorerSpec,
    Sequential,
    TemplateSource,
)
from promptlab.store.connection import Connection, Row, Value
from promptlab.store.encode import (
    from_json,
    mapping_to_json,
    optional,
    sampling_from_json,
    sampling_to_json,
    storable,
    to_json,
)

_INSERT_CASE = """
INSERT INTO cases (digest, case_id, vars, expect, tags, case_group) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""

_CASE_ID = "(SELECT id FROM cases WHERE digest = ?)"

_LABEL_ID = "(SELECT id FROM template_labels WHERE name = ? AND version = ? AND digest = ?)"

_FIND_BACKEND = """
SELECT id FROM backends
WHERE digest = ? AND name = ? AND kind = ? AND model IS ? AND options = ? AND identity = ?
"""

_LOAD_TEMPLATES = """
SELECT l.name, l.version, t.source, t.includes, t.digest
FROM run_templates p JOIN template_labels l ON l.id = p.label JOIN templates t USING (digest)
WHERE p.run = ? ORDER BY p.position
"""

_LOAD_BACKENDS = """
SELECT b.name, b.kind, b.model, b.options, b.identity, b.digest
FROM run_backends p JOIN backends b ON b.id = p.backend WHERE p.run = ? ORDER BY p.position
"""

_LOAD_ARMS = """
SELECT l.name, l.version, l.digest, a.practices, a.off, b.name, a.sampling
FROM run_arms a JOIN template_labels l ON l.id = a.template JOIN backends b ON b.id = a.backend
WHERE a.run = ? ORDER BY a.position
"""

_LOAD_CASES = """
SELECT c.case_id, c.vars, c.expect, c.tags, c.case_group, c.digest
FROM run_cases p JOIN cases c ON c.id = p.case_ WHERE p.run = ? ORDER BY p.position
"""

_LOAD_SCORERS = """
SELECT label, name, version, params, judge, identity FROM run_scorers WHERE run = ?
ORDER BY position
"""


def settings_to_json(plan: Plan) -> str:
    """Return as JSON what of the plan has no table of its own."""
    settings = {field.name: getattr(plan, field.name) for field in fields(PlanSettings)}
    if plan.sequential is None:
        del settings["sequential"]
    else:
        settings["sequential"] = asdict(plan.sequential)
    return to_json(settings)


def load_settings(connection: Connection, run: int) -> PlanSettings:
    """Return what of the plan of a run has no table of its own."""
    text = connection.value("SELECT settings FROM runs WHERE id = ?", [run])
    settings = from_json(text)
    settings["gates"] = tuple(settings["gates"])
    if sequential := settings.get("sequential"):
        pairs = tuple((a, b) for a, b in sequential["pairs"])
        settings["sequential"] = Sequential(sequential["alpha"], pairs)
    return PlanSettings(**settings)


def save_plan(connection: Connection, run: int, plan: Plan, now: str) -> None:
    """Store the parts of a plan for the run with the id `run`, inside a transaction."""
    _save_templates(connection, run, plan.templates, now)
    backends = _save_backends(connection, run, plan.backends)
    _save_arms(connection, run, plan, backends)
    _save_cases(connection, run, plan.cases)
    connection.executemany(
        "INSERT INTO run_scorers VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        ((run, place, *_scorer_row(scorer)) for place, scorer in enumerate(plan.scorers)),
    )


def load_arms(connection: Connection, run: int) -> tuple[Arm, ...]:
    """Return the arms of a run, in their order."""
    return tuple(_arm(*row) for row in _load(connection, _LOAD_ARMS, run))


def load_scorers(connection: Connection, run: int) -> list[ScorerSpec]:
    """Return the scorers of a run, in their order."""
    return [_scorer(*row) for row in _load(connection, _LOAD_SCORERS, run)]


def load_plan(connection: Connection, run: int) -> Plan:
    """Return the plan of the run with the id `run`."""
    settings = load_settings(connection, run)
    return Plan(
        **{field.name: getattr(settings, field.name) for field in fields(settings)},
        suite=connection.value("SELECT suite FROM runs WHERE id = ?", [run]),
        arms=load_arms(connection, run),
        cases=tuple(_case(*row) for row in _load(connection, _LOAD_CASES, run)),
        scorers=tuple(load_scorers(connection, run)),
        templates=tuple(_template(*row) for row in _load(connection, _LOAD_TEMPLATES, run)),
        backends=tuple(_backend(*row) for row in _load(connection, _LOAD_BACKENDS, run)),
    )


def _save_templates(
    connection: Connection, run: int, templates: Sequence[TemplateSource], now: str
) -> None:
    connection.executemany(
        "INSERT INTO templates VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        ((t.digest, storable(t.source), mapping_to_json(t.includes), now) for t in templates),
    )
    connection.executemany(
        "INSERT INTO template_labels (name, version, digest, first_seen) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        ((t.name, t.version, t.digest, now) for t in templates),
    )
    connection.executemany(
        f"INSERT INTO run_templates VALUES (?, ?, {_LABEL_ID})",
        ((run, place, t.name, t.version, t.digest) for place, t in enumerate(templates)),
    )


def _save_backends(
    connection: Connection, run: int, backends: Iterable[BackendSpec]
) -> dict[str, int]:
    """Return the ids of the backends by their name in the plan."""
    ids = {backend.name: _backend_id(connection, backend) for backend in backends}
    connection.executemany(
        "INSERT INTO run_backends VALUES (?, ?, ?)", zip([run] * len(ids), count(), ids.values())
    )
    return ids


def _backend_id(connection: Connection, backend: BackendSpec) -> int:
    row = (
        backend.digest,
        backend.name,
        backend.kind,
        backend.model,
        mapping_to_json(backend.options),
        mapping_to_json(backend.identity),
    )
    found = connection.value(_FIND_BACKEND, row)
    if found is not None:
        return int(found)
    return connection.execute(
        "INSERT INTO backends (digest, name, kind, model, options, identity)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        row,
    )


def _save_arms(connection: Connection, run: int, plan: Plan, backends: dict[str, int]) -> None:
    connection.executemany(
        "INSERT INTO run_arms"
        " (run, position, template, backend, label, practices, off, active, sampling)"
        f" VALUES (?, ?, {_LABEL_ID}, ?, ?, ?, ?, ?, ?)",
        (
            (
                run,
                place,
                arm.template,
                arm.version,
                arm.digest,
                backends[arm.backend],
                arm.label,
                to_json(arm.practices),
                to_json(arm.off),
                " ".join(name for name in arm.practices if name not in arm.off),
                sampling_to_json(arm.sampling),
            )
            for place, arm in enumerate(plan.arms)
        ),
    )


def _save_cases(connection: Connection, run: int, cases: Sequence[Case]) -> None:
    connection.executemany(_INSERT_CASE, map(_case_row, cases))
    connection.executemany(
        f"INSERT INTO run_cases VALUES (?, ?, {_CASE_ID})",
        ((run, place, case.digest) for place, case in enumerate(cases)),
    )


def _case_row(case: Case) -> tuple[Value, ...]:
    return (
        case.digest,
        storable(case.id),
        mapping_to_json(case.vars),
        to_json(case.expect),
        to_json(case.tags),
        optional(case.group),
    )


def _load(connection: Connection, sql: str, run: int) -> Iterator[Row]:
    return connection.rows(sql, [run])


def _template(name: str, version: str, source: str, includes: str, digest: str) -> TemplateSource:
    return TemplateSource(name, version, source, from_json(includes), digest)


def _backend(
    name: str, kind: str, model: str | None, options: str, identity: str, digest: str
) -> BackendSpec:
    return BackendSpec(name, kind, model, from_json(options), from_json(identity), digest)


def _arm(template: str, version: str, digest: str, *rest: str) -> Arm:
    practices, off, backend, sampling = rest
    return Arm(
        template,
        version,
        digest,
        tuple(from_json(practices)),
        tuple(from_json(off)),
        backend,
        sampling_from_json(sampling),
    )


def _case(case_id: str, vars_: str, expect: str, tags: str, group: str | None, digest: str) -> Case:
    return Case(case_id, from_json(vars_), from_json(expect), tuple(from_json(tags)), group, digest)


def _scorer_row(scorer: ScorerSpec) -> tuple[Value, ...]:
    params = mapping_to_json(scorer.params)
    return scorer.label, scorer.name, scorer.version, params, scorer.judge, scorer.identity


def _scorer(label: str, name: str, version: str, params: str, *rest: Any) -> ScorerSpec:
    judge, identity = rest
    return ScorerSpec(label, name, version, from_json(params), bool(judge), identity)
