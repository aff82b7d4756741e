"""What a comparison needs from a run: one scorer's scores as rows of numbers, and their context."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from promptlab.core.measured import AT, MeasuredArm, MeasuredCase, MeasuredRun
from promptlab.core.part import Part
from promptlab.core.passport import passport_digest
from promptlab.core.plugins import unknown
from promptlab.core.results import RunInfo
from promptlab.core.runs import RunSettings
from promptlab.core.types import PlanSettings, ScorerSpec
from promptlab.store.connection import Connection
from promptlab.store.encode import from_json
from promptlab.store.kept_rows import rows_of
from promptlab.store.passports import labels_of, own_models, passport_of, was_issued
from promptlab.store.plan_settings import load_settings
from promptlab.store.plans import load_arms, load_scorers, load_templates
from promptlab.store.runs import run_info
from promptlab.templates.wordings import wording

_READINGS = """
SELECT id, text FROM readings WHERE id IN (
    SELECT found FROM scores WHERE run = :run AND scorer = :scorer
    UNION SELECT expected FROM scores WHERE run = :run AND scorer = :scorer
)
"""

_OTHER = """
SELECT t.arm, t.case_, s.score FROM scores s JOIN trials t ON t.run = s.run AND t.seq = s.seq
WHERE s.run = :run AND s.scorer = :scorer
"""

# Answers that this run has from earlier ones; trials that share one of its own are none of these.
_REUSED = """
SELECT count(*) FROM trials t
JOIN trial_turns u ON u.run = t.run AND u.seq = t.seq AND u.turn = t.graded
JOIN generations g ON g.id = u.generation
WHERE t.run = :run AND t.cached AND g.run IS NOT :run
"""

# Of the cases of a run of both sides, those that runs of the dev side had before.
_DEVELOPED = """
SELECT count(*) FROM run_cases WHERE run = :run AND case_ IN (
    SELECT p.case_ FROM run_cases p JOIN runs r ON r.id = p.run
    WHERE r.id < :run AND json_extract(r.settings, '$.split') = 'dev'
)
"""

# The settings of earlier runs of the same suite that share a version with this one.
_EARLIER = """
SELECT DISTINCT r.overrides FROM runs r WHERE r.id < :run AND r.suite = :suite AND EXISTS (
    SELECT 1 FROM run_arms a JOIN run_arms b USING (template) WHERE a.run = r.id AND b.run = :run
)
"""

# Arms that an earlier run shares with this one, both of which could stop early on the same cases,
# but in another order.
_REORDERED = """
WITH declared AS (
    SELECT id, run_id, coalesce(
        json_extract(settings, '$.sequential.order'), json_extract(settings, '$.seed')
    ) AS drawn
    FROM runs WHERE json_extract(settings, '$.sequential') IS NOT NULL
), arms AS (
    SELECT a.run, a.position, json_array(l.digest, a.off, b.digest, a.sampling) AS arm
    FROM run_arms a JOIN template_labels l ON l.id = a.template JOIN backends b ON b.id = a.backend
)
SELECT e.run_id, ours.position
FROM declared own JOIN declared e ON e.id < own.id AND e.drawn <> own.drawn
JOIN arms theirs ON theirs.run = e.id JOIN arms ours ON ours.run = own.id AND ours.arm = theirs.arm
WHERE own.id = :run AND EXISTS (
    SELECT 1 FROM run_cases p JOIN run_cases q USING (case_) WHERE p.run = e.id AND q.run = own.id
)
ORDER BY e.id
"""

_CASES = """
SELECT c.case_id, c.case_group, c.digest, c.tags
FROM run_cases p JOIN cases c ON c.id = p.case_ WHERE p.run = :run ORDER BY p.position
"""

_BACKENDS = """
SELECT b.name, b.digest FROM run_backends p JOIN backends b ON b.id = p.backend WHERE p.run = :run
"""

# The largest move of the runs whose judge gave these scores: this one, or those before it whose
# answers it shares.
_MOVED = """
SELECT moved FROM judge_moves WHERE passport = :passport AND (run = :run OR run IN (
    SELECT g.run FROM trial_turns u JOIN generations g ON g.id = u.generation
    WHERE u.run = :run AND u.aside
)) ORDER BY abs(moved) DESC LIMIT 1
"""

# Whether all generations of a run record the same about their server: then no arm needs a search.
_KINDS = """
SELECT DISTINCT g.model, g.fingerprint, g.warnings
FROM trial_turns u JOIN generations g ON g.id = u.generation WHERE u.run = :run LIMIT 2
"""

_ANSWERING = """
SELECT a.position FROM run_arms a WHERE a.run = :run AND EXISTS (
    SELECT 1 FROM trials t
    JOIN trial_turns u ON u.run = t.run AND u.seq = t.seq AND u.turn = t.graded
    WHERE t.run = a.run AND t.arm = a.position AND u.generation IS NOT NULL
)
"""

# What answered: everything that the generations of an arm record about their server.
_SERVERS = """
SELECT DISTINCT t.arm, g.model, g.fingerprint, g.warnings
FROM trials t
JOIN trial_turns u ON u.run = t.run AND u.seq = t.seq AND u.turn = t.graded
JOIN generations g ON g.id = u.generation
WHERE t.run = :run
"""


def measured(connection: Connection, run: int, scorer: str | None) -> MeasuredRun:
    """Return a run as measured by the scorer of that label; None means the primary one."""
    info = run_info(connection, run)
    settings = load_settings(connection, run)
    place, spec = _scorer(connection, run, scorer or settings.primary, info.run_id)
    digests: dict[str, str] = dict(connection.rows(_BACKENDS, run=run))
    served = _served(connection, run)
    texts = {
        template.digest: wording(template.source, template.includes)
        for template in load_templates(connection, run)
    }
    arms = tuple(
        MeasuredArm(arm, digests[arm.backend], text=texts[arm.digest], **served[place])
        for place, arm in enumerate(load_arms(connection, run))
    )
    cases = tuple(_cases(connection, run))
    reused = connection.count(_REUSED, run=run)
    rows = rows_of(connection, run, place)
    tells = rows.shape[1] > AT["gradable"]
    return MeasuredRun(
        info=info,
        split=settings.split,
        seed=settings.seed,
        repeats=settings.repeats,
        sequential=settings.sequential,
        looks=_looks(connection, run, info),
        reused=reused,
        reordered=_reordered(connection, run) if settings.sequential and reused else (),
        scorer=spec,
        arms=arms,
        cases=cases,
        rows=rows,
        readings=dict(connection.rows(_READINGS, run=run, scorer=place)) if tells else {},
        others={
            other.label: connection.all(_OTHER, run=run, scorer=number)
            for number, other in enumerate(load_scorers(connection, run))
            if number != place
        },
        part=_part(connection, run, settings, limited=info.settings.limit == len(cases)),
        **(_checked(connection, run, place, spec, info.suite) if spec.judge else {}),
    )


def _cases(connection: Connection, run: int) -> Iterator[MeasuredCase]:
    known: dict[str, tuple[str, ...]] = {"[]": ()}
    for case, group, digest, tags in connection.all(_CASES, run=run):
        if tags not in known:
            known[tags] = tuple(from_json(tags))
        yield MeasuredCase(case, group, digest, known[tags])


def _checked(
    connection: Connection, run: int, place: int, judge: ScorerSpec, suite: str
) -> dict[str, Any]:
    """Return how far a judge was held against people, and what they say of this run's answers."""
    own = own_models(connection, run, judge)
    found = {
        model: passport_of(connection, suite, passport_digest(judge, model))
        for model in own.values() or [None]
    }
    known = [each for each in found.values() if each is not None]
    moves = [connection.value(_MOVED, run=run, passport=number) for number, _ in known]
    lacking = len(known) < len(found)
    return {
        "passport": None if own else next((passport for _, passport in known), None),
        "own": {model: each and each[1] for model, each in found.items() if model is not None},
        "stale": lacking and was_issued(connection, suite, judge.label),
        "labels": [row for number, _ in known for row in labels_of(connection, run, place, number)],
        "moved": max((move for move in moves if move is not None), key=abs, default=None),
    }


def _part(connection: Connection, run: int, settings: PlanSettings, *, limited: bool) -> Part:
    both = settings.split == "all"
    developed = connection.count(_DEVELOPED, run=run) if both else 0
    return Part(settings.sample_of, limited and settings.sample_of is None, developed)


def _looks(connection: Connection, run: int, info: RunInfo) -> tuple[int, ...]:
    """Return the smaller limits on cases of earlier runs, if this run has a limit.

    They are steps at which somebody looked before continuing.
    """
    if info.settings.limit is None:
        return ()
    earlier = connection.rows(_EARLIER, run=run, suite=info.suite)
    limits = {RunSettings.from_json(from_json(overrides)).limit for (overrides,) in earlier}
    return tuple(sorted(at for at in limits if at is not None and at < info.settings.limit))


def _reordered(connection: Connection, run: int) -> tuple[tuple[str, frozenset[int]], ...]:
    places: defaultdict[str, set[int]] = defaultdict(set)
    for run_id, place in connection.rows(_REORDERED, run=run):
        places[run_id].add(place)
    return tuple((run_id, frozenset(shared)) for run_id, shared in places.items())


def _scorer(connection: Connection, run: int, label: str, run_id: str) -> tuple[int, ScorerSpec]:
    scorers = load_scorers(connection, run)
    for place, spec in enumerate(scorers):
        if spec.label == label:
            return place, spec
    raise unknown("scorer", label, [spec.label for spec in scorers], of=f"run {run_id}")


def _served(connection: Connection, run: int) -> dict[int, dict[str, frozenset[str]]]:
    servers: defaultdict[int, dict[str, set[str]]] = defaultdict(
        lambda: {"models": set(), "fingerprints": set(), "warnings": set()}
    )
    kinds = connection.all(_KINDS, run=run)
    if len(kinds) > 1:
        found = connection.all(_SERVERS, run=run)
    else:
        found = [(*arm, *kind) for kind in kinds for arm in connection.rows(_ANSWERING, run=run)]
    for arm, model, fingerprint, warnings in found:
        _add(servers[arm], model, fingerprint, warnings)
    frozen: defaultdict[int, dict[str, frozenset[str]]] = defaultdict(dict)
    for arm, sets in servers.items():
        frozen[arm] = {name: frozenset(values) for name, values in sets.items()}
    return frozen


def _add(sets: dict[str, set[str]], model: Any, fingerprint: Any, warnings: Any) -> None:
    if model is not None:
        sets["models"].add(model)
    if fingerprint is not None:
        sets["fingerprints"].add(fingerprint)
    if warnings is not None:
        sets["warnings"].update(from_json(warnings))
