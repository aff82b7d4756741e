"""The ledger of looks: what was concluded of which cases. Rows are added, none is ever deleted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from promptlab.core.looks import Past, PastFamily, PastLook
from promptlab.store.area import Area
from promptlab.store.columns import listed, placeholders
from promptlab.store.connection import Connection, Value, connect
from promptlab.store.encode import from_json, iso, to_json, told
from promptlab.store.faults import decoded

_PATIENCE_S = 5.0  # for the write lock: whoever reads a conclusion waits for no more than that

_LOOK = (
    *("question", "evidence", "a", "b", "backend", "cases", "trials"),
    *("number", "level", "delta", "p", "verdict"),
)

_FAMILIES = """
SELECT f.id, f.created_at, f.question, f.size, f.scorer, f.suites, f.runs, f.arms, c.digest,
    f.declared, f.holdout_use
FROM look_families f JOIN look_cases c ON c.id = f.cases
WHERE :suite IS NULL OR EXISTS (SELECT 1 FROM json_each(f.suites) WHERE value = :suite)
ORDER BY f.id
"""

_LOOKS = f"SELECT family, {listed(_LOOK)} FROM looks ORDER BY id"

_INSERT_CASES = """
INSERT INTO look_cases (digest, keys) VALUES (:digest, :keys) ON CONFLICT DO NOTHING
"""

_INSERT_FAMILY = """
INSERT INTO look_families (created_at, question, size, scorer, suites, runs, arms, cases, declared,
    holdout_use)
VALUES (:created_at, :question, :size, :scorer, :suites, :runs, :arms,
    (SELECT id FROM look_cases WHERE digest = :cases), :declared, :holdout_use)
"""

_INSERT_LOOK = f"INSERT INTO looks (family, {listed(_LOOK)}) VALUES (?, {placeholders(_LOOK)})"

_NEWEST = "SELECT coalesce(max(id), 0) FROM look_families"


class Ledger(Area):
    """What was concluded from an open database, and what is added to that."""

    @decoded
    def past(self, suite: str | None = None) -> Past:
        """Return what the ledger says, or what it says of one suite."""
        with self._connection.snapshot():
            looks: defaultdict[int, list[PastLook]] = defaultdict(list)
            for family, *values in self._connection.rows(_LOOKS):
                looks[family].append(PastLook(*values))
            families = tuple(
                _family(looks[number], *values)
                for number, *values in self._connection.rows(_FAMILIES, suite=suite)
            )
            newest = self._connection.count(_NEWEST)
        return Past(families, newest=newest)

    @decoded
    def cases(self, digest: str) -> bytes:
        """Return a set of cases by its digest."""
        sql = "SELECT keys FROM look_cases WHERE digest = :digest"
        return bytes(self._connection.value(sql, digest=digest))

    def add(self, families: Sequence[PastFamily], cases: bytes, newest: int) -> bool:
        """Add what was concluded of a set of cases, unless something was added after `newest`.

        Return whether it was added. Raise `StoreError` where the database takes nothing, or is kept
        busy for some seconds. It also works where the store is open for reading alone.
        """
        with (
            closing(connect(self.path, waits=_wait_briefly)) as connection,
            connection.transaction(),
        ):
            unchanged = connection.count(_NEWEST) == newest
            for family in families if unchanged else ():
                _insert(connection, family, cases, iso(self._clock()))
        return unchanged


def _wait_briefly(seconds: float) -> None:
    if seconds > _PATIENCE_S:
        raise TimeoutError


def _family(looks: Sequence[PastLook], *values: Any) -> PastFamily:
    at, question, size, scorer, suites, runs, arms, cases, declared, use = values
    return PastFamily(
        at=at,
        question=question,
        size=size,
        scorer=scorer,
        suites=tuple(from_json(suites)),
        runs=tuple(from_json(runs)),
        arms=tuple(from_json(arms)),
        cases=cases,
        declared=declared,
        use=use,
        looks=tuple(looks),
    )


def _insert(connection: Connection, family: PastFamily, cases: bytes, now: str) -> None:
    connection.execute(_INSERT_CASES, digest=family.cases, keys=cases)
    number = connection.execute(
        _INSERT_FAMILY,
        created_at=now,
        question=told(family.question),
        size=family.size,
        scorer=family.scorer,
        suites=to_json(family.suites),
        runs=to_json(family.runs),
        arms=to_json(family.arms),
        cases=family.cases,
        declared=family.declared,
        holdout_use=family.use,
    )
    connection.executemany(_INSERT_LOOK, [(number, *_row(look)) for look in family.looks])


def _row(look: PastLook) -> tuple[Value, ...]:
    return tuple(getattr(look, name) for name in _LOOK)
