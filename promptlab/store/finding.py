"""Which run a word means: an id, the beginning of one, `latest`, a count from there, a suite."""

from __future__ import annotations

from promptlab.core.errors import StoreError
from promptlab.store.connection import Connection

_SHOWN = 5  # candidates named in an error message
_DIGITS = 18  # of a number of runs: SQLite takes no more, and there are fewer

_BEGAN = "EXISTS (SELECT 1 FROM trials t WHERE t.run = r.id)"

_BY_AGE = f"SELECT r.run_id FROM runs r WHERE {_BEGAN} ORDER BY r.id DESC LIMIT 1 OFFSET :newer"

_WITH_PREFIX = """
SELECT run_id FROM runs WHERE substr(run_id, 1, length(:ref)) = :ref ORDER BY id DESC
"""

# Finished runs of all that the suite says come first, then finished ones of a part of it.
_OF_SUITE = f"""
SELECT r.run_id FROM runs r WHERE r.suite = :suite AND {_BEGAN}
ORDER BY r.status = 'finished' DESC, (
    SELECT count(*) FROM json_each(r.overrides)
    WHERE key IN ('limit', 'case_ids', 'tags', 'templates', 'backends')
) = 0 DESC, r.id DESC LIMIT 1
"""


def find_run(connection: Connection, ref: str) -> str:
    """Return the id of the run that `ref` means.

    That is an id, a unique prefix, `latest`, `-2` or, where no id begins so, a suite: its newest
    complete run. A run without any result is none of those that are counted.
    """
    if ref == "latest" or (ref.startswith("-") and ref[1:].isdecimal()):
        return _by_age(connection, 1 if ref == "latest" else int(ref[1:_DIGITS]))
    if connection.value("SELECT 1 FROM runs WHERE run_id = :ref", ref=ref):
        return ref
    matches = [str(run_id) for (run_id,) in connection.rows(_WITH_PREFIX, ref=ref)]
    if len(matches) == 1:
        return matches[0]
    if not matches:
        of_suite = connection.value(_OF_SUITE, suite=ref)
        if of_suite is None:
            raise StoreError(f"unknown run {ref!r}", hint="promptlab runs lists them")
        return str(of_suite)
    shown = ", ".join(matches[:_SHOWN]) + (", ..." if len(matches) > _SHOWN else "")
    raise StoreError(
        f"{len(matches)} runs begin with {ref!r}", hint=f"give more characters: {shown}"
    )


def _by_age(connection: Connection, age: int) -> str:
    run_id = connection.value(_BY_AGE, newer=max(age - 1, 0))
    if run_id is not None:
        return str(run_id)
    number = connection.count(f"SELECT count(*) FROM runs r WHERE {_BEGAN}")
    if number:
        raise StoreError(f"there is no run -{age}", hint=f"the oldest is -{number}")
    if connection.count("SELECT count(*) FROM runs"):
        raise StoreError("no run has a result yet", hint="promptlab runs lists them")
    raise StoreError("there is no run yet", hint="promptlab run SUITE creates one")
