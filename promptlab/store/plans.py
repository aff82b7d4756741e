"""Writes plans to the database and reads them back as equal values.

Content that is already there (templates, cases, backends) is stored once and referred to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from promptlab.core.reducers import MEAN, read_reducer
from promptlab.core.types import (
    Arm,
    BackendSpec,
    Case,
    Plan,
    ScorerSpec,
    TemplateSource,
)
from promptlab.store.columns import listed, placeholders
from promptlab.store.connection import Connection, Value
from promptlab.store.encode import (
    case_from_json,
    exact,
    exact_json,
    from_json,
    mapping_to_json,
    sampling_from_json,
    sampling_to_json,
    to_json,
)
from promptlab.store.plan_settings import load_settings

_INSERT_TEMPLATE = """
INSERT INTO templates (digest, source, includes, created_at)
VALUES (:digest, :source, :includes, :now) ON CONFLICT DO NOTHING
"""

_INSERT_LABEL = """
INSERT INTO template_labels (name, version, digest, first_seen)
VALUES (:name, :version, :digest, :now) ON CONFLICT DO NOTHING
"""

_LABEL_ID = """(
    SELECT id FROM template_labels WHERE name = :name AND version = :version AND digest = :digest
)"""

_INSERT_RUN_TEMPLATE = f"""
INSERT INTO run_templates (run, position, label) VALUES (:run, :position, {_LABEL_ID})
"""

_INSERT_RUN_BACKEND = """
INSERT INTO run_backends (run, position, backend) VALUES (:run, :position, :backend)
"""

_INSERT_ARM = f"""
INSERT INTO run_arms (run, position, template, backend, label, practices, off, active, sampling)
VALUES (:run, :position, {_LABEL_ID}, :backend, :label, :practices, :off, :active, :sampling)
"""

_INSERT_SCORER = """
INSERT INTO run_scorers (run, position, label, name, version, params, judge, identity)
VALUES (:run, :position, :label, :name, :version, :params, :judge, :identity)
"""

_CASE = ("digest", "case_id", "vars", "expect", "tags", "case_group")

_INSERT_CASE = f"""
INSERT INTO cases ({listed(_CASE)}) VALUES ({placeholders(_CASE)}) ON CONFLICT DO NOTHING
"""

_INSERT_RUN_CASE = """
INSERT INTO run_cases (run, position, case_)
VALUES (?, ?, (SELECT id FROM cases WHERE digest = ?))
"""

_FIND_BACKEND = """
SELECT id FROM backends
WHERE digest = :digest AND name = :name AND kind = :kind AND model IS :model
AND options = :options AND identity = :identity
"""

_INSERT_BACKEND = """
INSERT INTO backends (digest, name, kind, model, options, identity)
VALUES (:digest, :name, :kind, :model, :options, :identity)
"""

_LOAD_TEMPLATES = """
SELECT l.name, l.version, t.source, t.includes, t.digest
FROM run_templates p JOIN template_labels l ON l.id = p.label JOIN templates t USING (digest)
WHERE p.run = :run ORDER BY p.position
"""

_LOAD_BACKENDS = """
SELECT b.name, b.kind, b.model, b.options, b.identity, b.digest
FROM run_backends p JOIN backends b ON b.id = p.backend WHERE p.run = :run ORDER BY p.position
"""

_LOAD_ARMS = """
SELECT l.name, l.version, l.digest, a.practices, a.off, b.name, a.sampling
FROM run_arms a JOIN template_labels l ON l.id = a.template JOIN backends b ON b.id = a.backend
WHERE a.run = :run ORDER BY a.position
"""

_LOAD_CASES = """
SELECT c.case_id, c.vars, c.expect, c.tags, c.case_group, c.digest
FROM run_cases p JOIN cases c ON c.id = p.case_ WHERE p.run = :run ORDER BY p.position
"""

_LOAD_SCORERS = """
SELECT s.label, s.name, s.version, s.params, s.judge, s.identity, (
    SELECT value FROM json_each(r.settings, '$.reduce') WHERE key = s.label
), (
    SELECT value FROM json_each(r.settings, '$.largest') WHERE key = s.label
)
FROM run_scorers s JOIN runs r ON r.id = s.run WHERE s.run = :run ORDER BY s.position
"""


def save_plan(connection: Connection, run: int, plan: Plan, now: str) -> None:
    """Store the parts of a plan for the run with the id `run`, inside a transaction."""
    _save_templates(connection, run, plan.templates, now)
    backends = _save_backends(connection, run, plan.backends)
    _save_arms(connection, run, plan, backends)
    _save_cases(connection, run, plan.cases)
    scorers: Iterator[dict[str, Value]] = (
        {
            "label": scorer.label,
            "name": scorer.name,
            "version": scorer.version,
            "params": mapping_to_json(scorer.params),
            "judge": scorer.judge,
            "identity": scorer.identity,
        }
        for scorer in plan.scorers
    )
    connection.executemany(_INSERT_SCORER, _placed(run, scorers))


def _placed(run: int, rows: Iterable[Mapping[str, Value]]) -> list[dict[str, Value]]:
    """Return the rows of a run with their position in it."""
    return [{"run": run, "position": place, **row} for place, row in enumerate(rows)]


def load_arms(connection: Connection, run: int) -> tuple[Arm, ...]:
    """Return the arms of a run, in their order."""
    return tuple(_arm(*row) for row in connection.rows(_LOAD_ARMS, run=run))


def load_scorers(connection: Connection, run: int) -> list[ScorerSpec]:
    """Return the scorers of a run, in their order."""
    return [_scorer(*row) for row in connection.rows(_LOAD_SCORERS, run=run)]


def load_plan(connection: Connection, run: int, *, cases: bool = True) -> Plan:
    """Return the plan of the run with the id `run`, with its cases or without any."""
    settings = load_settings(connection, run)
    rows = connection.rows(_LOAD_CASES, run=run) if cases else ()
    return Plan(
        **{field.name: getattr(settings, field.name) for field in fields(settings)},
        suite=connection.value("SELECT suite FROM runs WHERE id = :run", run=run),
        arms=load_arms(connection, run),
        cases=tuple(_case(*row) for row in rows),
        scorers=tuple(load_scorers(connection, run)),
        templates=tuple(load_templates(connection, run)),
        backends=tuple(_backend(*row) for row in connection.rows(_LOAD_BACKENDS, run=run)),
    )


def load_templates(connection: Connection, run: int) -> Iterator[TemplateSource]:
    """Yield the texts of a run's versions, with all that they include."""
    for row in connection.rows(_LOAD_TEMPLATES, run=run):
        yield _template(*row)


def _save_templates(
    connection: Connection, run: int, templates: Sequence[TemplateSource], now: str
) -> None:
    rows = _placed(
        run,
        (
            {
                "now": now,
                "name": template.name,
                "version": template.version,
                "digest": template.digest,
                "source": exact(template.source, f"version {template.version} of {template.name}"),
                "includes": exact_json(dict(template.includes), f"an include of {template.name}"),
            }
            for template in templates
        ),
    )
    for sql in (_INSERT_TEMPLATE, _INSERT_LABEL, _INSERT_RUN_TEMPLATE):
        connection.executemany(sql, rows)


def _save_backends(
    connection: Connection, run: int, backends: Iterable[BackendSpec]
) -> dict[str, int]:
    """Return the ids of the backends by their name in the plan."""
    ids = {backend.name: _backend_id(connection, backend) for backend in backends}
    rows = _placed(run, ({"backend": number} for number in ids.values()))
    connection.executemany(_INSERT_RUN_BACKEND, rows)
    return ids


def _backend_id(connection: Connection, backend: BackendSpec) -> int:
    values: dict[str, Value] = {
        "digest": backend.digest,
        "name": backend.name,
        "kind": backend.kind,
        "model": backend.model,
        "options": exact_json(dict(backend.options), f"backend {backend.name!r}"),
        "identity": exact_json(dict(backend.identity), f"backend {backend.name!r}"),
    }
    known = connection.value(_FIND_BACKEND, **values)
    return connection.execute(_INSERT_BACKEND, **values) if known is None else int(known)


def _save_arms(connection: Connection, run: int, plan: Plan, backends: dict[str, int]) -> None:
    arms: Iterator[dict[str, Value]] = (
        {
            "name": arm.template,
            "version": arm.version,
            "digest": arm.digest,
            "backend": backends[arm.backend],
            "label": arm.label,
            "practices": to_json(arm.practices),
            "off": to_json(arm.off),
            "active": " ".join(name for name in arm.practices if name not in arm.off),
            "sampling": sampling_to_json(arm.sampling),
        }
        for arm in plan.arms
    )
    connection.executemany(_INSERT_ARM, _placed(run, arms))


def _save_cases(connection: Connection, run: int, cases: Sequence[Case]) -> None:
    connection.executemany(_INSERT_CASE, map(_case_row, cases))
    connection.executemany(
        _INSERT_RUN_CASE,
        ((run, place, case.digest) for place, case in enumerate(cases)),
    )


def _case_row(case: Case) -> tuple[Value, ...]:
    what = f"case {case.id!r}"
    return (
        case.digest,
        exact(case.id, what),
        exact_json(dict(case.vars), what),
        exact_json(case.expect, what),
        exact_json(case.tags, what) if case.tags else "[]",
        case.group and exact(case.group, what),
    )


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
    variables, expected = case_from_json(vars_), case_from_json(expect)
    return Case(case_id, variables, expected, tuple(from_json(tags)), group, digest)


def _scorer(label: str, name: str, version: str, params: str, *rest: Any) -> ScorerSpec:
    judge, identity, reduce, largest = rest
    reducer = MEAN if reduce is None else read_reducer(reduce)
    parsed = from_json(params)
    return ScorerSpec(label, name, version, parsed, bool(judge), identity, reducer, largest)
