"""The passports of judges, and what people say of the answers that they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from promptlab.core.lazy import lazy_module
from promptlab.core.passport import Figures, Finding, Passport
from promptlab.core.types import ScorerSpec
from promptlab.store.connection import Connection
from promptlab.store.encode import from_json, to_json

if TYPE_CHECKING:
    import pydantic
else:
    pydantic = lazy_module("pydantic")

_COLUMNS = "scorer, suite, digest, labels, verdict, findings, figures, created_at, bound_to"

_OF_JUDGE = f"""
SELECT id, {_COLUMNS} FROM passports
WHERE digest = :digest AND suite = :suite ORDER BY id DESC LIMIT 1
"""

_NEWEST = f"""
SELECT {_COLUMNS} FROM passports WHERE id IN (
    SELECT max(id) FROM passports WHERE :suite IS NULL OR suite = :suite
    GROUP BY suite, scorer, json_extract(bound_to, '$.model')
) ORDER BY id
"""

# Backends whose answers a judge had judged by their own models, none of which it names.
_OWN = """
SELECT DISTINCT b.name, b.digest FROM trial_turns u
JOIN trials t ON t.run = u.run AND t.seq = u.seq
JOIN run_arms a ON a.run = t.run AND a.position = t.arm JOIN backends b ON b.id = a.backend
WHERE u.run = :run AND u.aside AND u.backend IS NULL
AND b.name NOT IN (SELECT value FROM json_each(:named))
AND (:named = '[]' OR u.name = :label OR substr(u.name, 1, length(:label) + 2) = :label || ': ')
"""

_ISSUED = "SELECT count(*) FROM passports WHERE suite = :suite AND scorer = :scorer"

# An answer is what was said to a case, whichever run it was stored by.
_LABELS = """
SELECT t.arm, t.case_, l.value FROM trials t
JOIN run_cases p ON p.run = t.run AND p.position = t.case_
JOIN passport_labels l ON l.passport = :passport AND l.case_ = p.case_
LEFT JOIN scores s ON s.run = t.run AND s.seq = t.seq AND s.scorer = :scorer
JOIN trial_turns u ON u.run = t.run AND u.seq = t.seq AND u.turn = coalesce(s.turn, t.graded)
JOIN generations g ON g.id = u.generation
JOIN generations h ON h.id = l.generation AND (h.id = g.id OR h.output = g.output)
WHERE t.run = :run
"""


def newest_passports(connection: Connection, suite: str | None) -> list[Passport]:
    """Return the newest passport of each scorer of each suite, or of one suite."""
    return [_passport(*row) for row in connection.rows(_NEWEST, suite=suite)]


def passport_of(connection: Connection, suite: str, digest: str) -> tuple[int, Passport] | None:
    """Return a judge's newest passport for a suite with its number, None if it has none.

    That of another suite says how the judge errs on another task.
    """
    row = connection.row(_OF_JUDGE, suite=suite, digest=digest)
    return None if row is None else (row[0], _passport(*row[1:]))


def was_issued(connection: Connection, suite: str, scorer: str) -> bool:
    """Return whether a judge of this label was ever held against labels, as it was then."""
    return bool(connection.count(_ISSUED, suite=suite, scorer=scorer))


def own_models(connection: Connection, run: int, judge: ScorerSpec) -> dict[str, str]:
    """Return the backends whose own models judged their answers in a run: name and digest.

    A question that several scorers ask has the name of one of them: what is asked for a judge that
    names no backend may be its own.
    """
    named = [*from_json(judge.identity or "{}").get("backends", {})]
    return dict(connection.rows(_OWN, run=run, label=judge.label, named=to_json(named)))


def labels_of(
    connection: Connection, run: int, scorer: int, passport: int
) -> list[tuple[int, int, float]]:
    """Return arm, case and label of the answers of a run that people have labelled."""
    return connection.all(_LABELS, run=run, scorer=scorer, passport=passport)


def _passport(
    scorer: str, suite: str, digest: str, labels: str, verdict: Any, *rest: str
) -> Passport:
    findings, figures, issued_at, judge = rest
    known: Mapping[str, Any] = from_json(judge)
    return Passport(
        scorer=scorer,
        suite=suite,
        digest=digest,
        labels=labels,
        verdict=verdict,
        findings=tuple(Finding(**finding) for finding in from_json(findings)),
        figures=pydantic.TypeAdapter(Figures).validate_json(figures),
        issued_at=issued_at,
        judge=known,
    )
