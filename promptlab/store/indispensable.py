"""Which runs must not be deleted: those whose settings later conclusions go by.

What a look costs depends on what was looked at before, and how. Part of that is in the ledger, part
is in the runs themselves: without them, the same question could be asked again as if for the first
time.
"""

from __future__ import annotations

from promptlab.core.errors import StoreError
from promptlab.core.results import RunInfo
from promptlab.store.connection import Connection
from promptlab.store.plan_settings import load_settings

_CONCLUDED = """
SELECT EXISTS (
    SELECT 1 FROM look_families f WHERE f.declared = :run_id
    OR EXISTS (SELECT 1 FROM json_each(f.runs) WHERE value = :run_id)
)
"""

# The reverse of what `measured` reads of earlier runs.
_LATER = """
SELECT r.run_id FROM runs r WHERE r.id > :run AND r.suite = :suite AND EXISTS (
    SELECT 1 FROM run_arms a JOIN run_arms b USING (template) WHERE a.run = r.id AND b.run = :run
) ORDER BY r.id LIMIT 1
"""

_LATER_BOTH = """
SELECT r.run_id FROM runs r WHERE r.id > :run
AND json_extract(r.settings, '$.split') = 'all' AND EXISTS (
    SELECT 1 FROM run_cases p JOIN run_cases q USING (case_) WHERE p.run = r.id AND q.run = :run
) ORDER BY r.id LIMIT 1
"""


def require_dispensable(connection: Connection, run: int, info: RunInfo) -> None:
    """Raise `StoreError` where conclusions of today or later go by a run."""
    settings = load_settings(connection, run)
    if settings.sequential is not None:
        raise _refused(info, "it could stop early, and later runs go by its order and its looks")
    if info.settings.chooses_cases:
        if connection.count(_CONCLUDED, run_id=info.run_id):
            raise _refused(info, "it chose part of the cases, and something was concluded of it")
        later = connection.value(_LATER, run=run, suite=info.suite)
        if later is not None:
            why = f"it chose part of the cases, and the later run {later} has versions of it"
            raise _refused(info, why)
    if settings.split == "dev":
        later = connection.value(_LATER_BOTH, run=run)
        if later is not None:
            raise _refused(info, f"run {later} tells which of its cases were developed on by it")


def _refused(info: RunInfo, why: str) -> StoreError:
    return StoreError(
        f"run {info.run_id} must not be deleted: {why}",
        hint="what a further look costs depends on it; nothing was deleted",
    )
