"""The ledger of looks: added to, never changed, read whole, by several processes at once."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from promptlab.core.digest import digest_bytes
from promptlab.core.errors import StoreError
from promptlab.core.looks import PastFamily, PastLook
from promptlab.store import Store

LOOK = PastLook("q1", "e1", "t@v1", "t@v2", "echo", 40, 80, 1, 0.05, 0.1, 0.21, "undecided")
FAMILY = PastFamily(
    at="",
    question="version",
    size=3,
    scorer="exact_match",
    suites=("s",),
    runs=("r1",),
    arms=("a", "b", "c"),
    cases=digest_bytes(bytes(range(16))),
    declared=None,
    use=None,
    looks=(LOOK, replace(LOOK, question="q2", p=None, delta=None, backend=None)),
)
KEYS = bytes(range(16))
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "p.db"
    opened(place).close()
    return place


def opened(path: Path, *, readonly: bool = False) -> Store:
    return Store.open(path, lambda: NOW, readonly=readonly)


def test_what_was_added_is_read_again(path: Path) -> None:
    with opened(path, readonly=True) as store:  # whoever only reads runs adds to the ledger too
        assert store.ledger.past().families == ()
        assert store.ledger.add([FAMILY], KEYS, 0)
        [family] = store.ledger.past().families
        assert store.ledger.cases(FAMILY.cases) == KEYS
    assert family == replace(FAMILY, at=family.at)
    assert family.at.startswith("2026-01-02T03:04:05")


def test_a_suite_has_its_own_account(path: Path) -> None:
    with opened(path) as store:
        store.ledger.add([FAMILY, replace(FAMILY, suites=("s", "t"))], KEYS, 0)
        counts = [len(store.ledger.past(suite).families) for suite in ("s", "t", "u", None)]
    assert counts == [2, 1, 0, 2]


def test_nothing_is_added_to_a_ledger_that_was_added_to_meanwhile(path: Path) -> None:
    with opened(path) as one, opened(path) as other:
        newest = one.ledger.past().newest
        assert other.ledger.add([FAMILY], KEYS, newest)
        assert not one.ledger.add([FAMILY], KEYS, newest)
        assert one.ledger.add([FAMILY], KEYS, one.ledger.past().newest)
        assert len(one.ledger.past().families) == 2


def test_of_many_at_once_each_knows_all_before_it(path: Path) -> None:
    def add() -> None:
        with opened(path) as store:
            while True:
                past = store.ledger.past()
                number = len(past.families) + 1
                look = replace(LOOK, number=number)
                if store.ledger.add([replace(FAMILY, looks=(look,))], KEYS, past.newest):
                    return

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with opened(path) as store:
        numbers = [look.number for family in store.ledger.past().families for look in family.looks]
    assert numbers == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_lock_is_not_waited_for_long(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("promptlab.store.ledger._PATIENCE_S", 0.0)
    with (
        opened(path, readonly=True) as store,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            store.ledger.add([FAMILY], KEYS, 0)
        other.execute("ROLLBACK")
        assert store.ledger.past().families == ()


def test_a_ledger_is_part_of_a_sound_database(path: Path) -> None:
    with opened(path) as store:
        store.ledger.add([FAMILY], KEYS, 0)
        assert store.verify() == []


def test_a_database_from_before_the_ledger_knows_of_no_look(tmp_path: Path) -> None:
    place = tmp_path / "old.db"
    opened(place).close()
    with closing(sqlite3.connect(place)) as database, database:
        database.executescript(
            "DROP TABLE looks; DROP TABLE look_families; DROP TABLE look_cases;"
            "DELETE FROM _sqlite_migrations WHERE name = '0011_ledger';"
        )
    with opened(place, readonly=True) as store:  # brought up to date first
        assert store.ledger.past().families == ()
        assert store.ledger.add([FAMILY], KEYS, 0)
