"""Which runs measured a text, and which of them did so on the most cases."""

from __future__ import annotations

from collections.abc import Sequence

from promptlab.core.results import WiderRun
from promptlab.core.types import Case
from promptlab.store.connection import Connection
from promptlab.store.encode import to_json

_NEWEST_OF = """
SELECT r.run_id FROM runs r
JOIN run_arms a ON a.run = r.id JOIN template_labels l ON l.id = a.template
WHERE l.digest IN (SELECT value FROM json_each(:digests)) AND a.off = '[]' AND EXISTS (
    SELECT 1 FROM trials t WHERE t.run = a.run AND t.arm = a.position
)
GROUP BY r.id HAVING count(DISTINCT l.digest) = :number ORDER BY r.id DESC LIMIT 1
"""

# An arm is the same in two runs if its text, its practices, its backend and its sampling are.
_WIDEST = """
WITH arms AS (
    SELECT a.run, l.digest, json_array(l.digest, a.off, b.digest, a.sampling) AS arm
    FROM run_arms a JOIN template_labels l ON l.id = a.template JOIN backends b ON b.id = a.backend
), wanted AS (
    SELECT arm FROM arms JOIN runs r ON r.id = arms.run WHERE r.run_id = :run_id
    AND (:digests IS NULL OR digest IN (SELECT value FROM json_each(:digests)))
)
SELECT r.run_id, (SELECT count(*) FROM run_cases c WHERE c.run = r.id) AS cases, own.run_id,
    (SELECT count(DISTINCT t.case_) FROM trials t WHERE t.run = own.id) AS own_cases,
    (SELECT count(*) FROM arms WHERE arms.run = r.id) AS arms,
    (SELECT count(*) FROM arms WHERE arms.run = own.id) AS own_arms
FROM runs r JOIN runs own ON own.run_id = :run_id AND own.suite = r.suite
WHERE r.status = 'finished' AND r.id < own.id AND cases >= own_cases
AND (cases > own_cases OR (:digests IS NULL AND arms > own_arms))
AND json_extract(r.settings, '$.split') IS json_extract(own.settings, '$.split')
AND NOT EXISTS (
    SELECT 1 FROM wanted WHERE arm NOT IN (SELECT arm FROM arms WHERE arms.run = r.id)
)
ORDER BY cases DESC, r.id DESC LIMIT 1
"""

# A run that could stop early, and the seed that drew the order of its cases.
_FIRST_ORDER = """
SELECT r.run_id, coalesce(
    json_extract(r.settings, '$.sequential.order'), json_extract(r.settings, '$.seed')
)
FROM runs r WHERE json_extract(r.settings, '$.sequential') IS NOT NULL AND EXISTS (
    SELECT 1 FROM run_cases p JOIN cases c ON c.id = p.case_
    WHERE p.run = r.id AND (
        c.digest IN (SELECT value FROM json_each(:cases))
        OR r.suite = :suite AND c.case_id IN (SELECT value FROM json_each(:names))
    )
)
ORDER BY r.id LIMIT 1
"""


def newest_run_of(connection: Connection, digests: Sequence[str]) -> str | None:
    """Return the id of the newest run with results of all these texts, None if there is none.

    Texts count only with all of their practices on.
    """
    run_id = connection.value(_NEWEST_OF, digests=to_json(digests), number=len(set(digests)))
    return None if run_id is None else str(run_id)


def wider_run(
    connection: Connection, run_id: str, digests: Sequence[str] | None
) -> WiderRun | None:
    """Return the earlier, finished run with the arms of a run that has the most cases.

    It is None where none has more cases than the run has results of, or as many with further arms.
    With `digests`, only the arms of these texts matter. Of several runs it is the newest.
    """
    wanted = None if digests is None else to_json(digests)
    rows = connection.rows(_WIDEST, run_id=run_id, digests=wanted)
    return next((WiderRun(*row) for row in rows), None)


def first_order(
    connection: Connection, suite: str, cases: Sequence[Case]
) -> tuple[str, int] | None:
    """Return the first run that could stop early on one of these cases, and the seed of its order.

    In the same suite, a case of the same name is the same, even with other tags.
    """
    rows = connection.rows(
        _FIRST_ORDER,
        suite=suite,
        cases=to_json([case.digest for case in cases]),
        names=to_json([case.id for case in cases]),
    )
    return next(((str(run_id), int(seed)) for run_id, seed in rows), None)


# Runs whose results could stand beside those of a run: of its suite and its side of the holdout, by
# a scorer of the same label, on one of its backends.
_BESIDE = """
SELECT r.run_id FROM runs r JOIN runs own ON own.run_id = :run_id AND own.suite = r.suite
WHERE r.id <> own.id AND r.status = 'finished'
AND json_extract(r.overrides, '$.imported') IS NULL
AND json_extract(r.settings, '$.sequential') IS NULL
AND json_extract(r.settings, '$.split') IS json_extract(own.settings, '$.split')
AND EXISTS (SELECT 1 FROM run_scorers k WHERE k.run = r.id AND k.label = :scorer)
AND EXISTS (
    SELECT 1 FROM run_arms a JOIN run_arms b ON b.run = own.id AND b.backend = a.backend
    WHERE a.run = r.id
)
ORDER BY r.id DESC
"""


def runs_beside(connection: Connection, run_id: str, scorer: str) -> list[str]:
    """Return the other runs that may have measured the same as a run, newest first."""
    return [str(found) for (found,) in connection.rows(_BESIDE, run_id=run_id, scorer=scorer)]
