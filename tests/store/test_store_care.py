"""Maintenance: `verify` detects every kind of damage, `vacuum` returns space."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from promptlab.core.errors import StoreError
from promptlab.core.types import Plan, TrialResult, Turn
from promptlab.store import Store

Clock = Callable[[], datetime]
MakePlan = Callable[..., Plan]


@contextmanager
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file behind the store's back, as a user could."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


@pytest.fixture
def full(
    path: Path,
    clock: Clock,
    make_plan: MakePlan,
    make_turn: Callable[..., Turn],
    make_result: Callable[..., TrialResult],
) -> Path:
    """A finished run whose last trial failed."""
    plan = make_plan()
    with Store.open(path, clock) as store:
        store.begin_run("r1", plan)
        with store.writer("r1") as writer:
            for seq in range(plan.size - 1):
                writer.put_result(make_result(plan, seq))
            writer.put_result(make_result(plan, plan.size - 1, make_turn("k", error="late")))
        store.end_run("r1", "finished")
        assert store.verify() == []
    return path


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        ("UPDATE templates SET source = source || ' '", "template sentiment@v1 was changed"),
        ("UPDATE cases SET expect = '1' WHERE case_id = 'c1'", "case c1 was changed"),
        ("UPDATE backends SET identity = '{}'", "backend small was changed"),
        ("UPDATE texts SET text = '[]' WHERE id = 1", "text 1 was changed"),
        ("DELETE FROM trials WHERE seq = 1", "run r1 is finished, but holds 5 of its 6 trials"),
        ("UPDATE trials SET case_ = 2 WHERE seq = 1", "run r1: trial 1 is not at the place"),
        ("UPDATE trials SET error = NULL WHERE seq = 5", "trial 5 is an error without a reason"),
        (
            "UPDATE trials SET outcome = 'error' WHERE seq = 0",
            "trial 0 is an error and has a score",
        ),
        ("UPDATE trials SET outcome = 'ok' WHERE seq = 5", "trial 5 has an outcome, but not"),
        (
            "UPDATE trials SET outcome = 'fine' WHERE seq = 0",
            "trial 0 has the unknown outcome 'fine'",
        ),
        ("UPDATE trial_turns SET generation = NULL", "turn 0 of trial 0 has neither"),
        ("DELETE FROM scores WHERE seq = 3", "trial 3 lacks a score"),
        ("UPDATE scores SET score = NULL WHERE seq = 3", "trial 3 has a score that is unknown"),
        ("DELETE FROM generations WHERE id = 2", "1 rows of trial_turns refer to rows of gen"),
        ("UPDATE generations SET outcome = 'fine'", "generation 1 has the unknown outcome 'fine'"),
        ("DELETE FROM runs", "refer to rows of runs"),
    ],
)
def test_verify_finds_damage(full: Path, clock: Clock, damage: str, text: str) -> None:
    with raw(full) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(damage)
    with Store.open(full, clock, readonly=True) as store:
        problems = store.verify()
    assert any(text in problem for problem in problems), problems


def test_verify_does_not_drown_the_reader(full: Path, clock: Clock) -> None:
    with raw(full) as connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 30)"
            " INSERT INTO texts (digest, text) SELECT 'b2:' || i, 'x' FROM n"
        )
    with Store.open(full, clock, readonly=True) as store:
        problems = store.verify()
    assert len(problems) == 21
    assert problems[-1] == "... and 10 more like the last"


def test_verify_finds_a_broken_index(full: Path, clock: Clock) -> None:
    with raw(full) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, 'key, fresh_run', 'output, fresh_run')"
            " WHERE name = 'generations_by_key'"
        )
    with Store.open(full, clock, readonly=True) as store:
        assert "SQLite: row 1 missing from index generations_by_key" in store.verify()


def test_broken_pages_are_found_or_refused(full: Path, clock: Clock) -> None:
    with raw(full) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'generations'"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    data = bytearray(full.read_bytes())
    data[(root - 1) * size : root * size] = b"\xff" * size
    full.write_bytes(data)
    with Store.open(full, clock, readonly=True) as store:
        assert store.verify()[0].startswith("SQLite: ")
        with pytest.raises(StoreError, match="the database is corrupted"):
            list(store.results("r1"))


def test_vacuum_gives_space_back(full: Path, clock: Clock) -> None:
    with raw(full) as connection:
        connection.execute("INSERT INTO texts (digest, text) VALUES ('x', zeroblob(500000))")
        connection.execute("DELETE FROM texts WHERE digest = 'x'")
    with Store.open(full, clock) as store:
        before = store.stats()
        freed = store.vacuum()
        after = store.stats()
        assert freed > 400_000
        assert before.size + before.wal_size - freed == after.size + after.wal_size
        assert after.rows == before.rows
        assert store.verify() == []
