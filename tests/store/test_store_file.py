"""The file: created, opened, refused, migrated. Every refusal says why."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib import resources
from pathlib import Path

import pytest
import sqlite_utils

from promptlab.core.errors import StoreBusy, StoreError
from promptlab.core.types import Plan
from promptlab.store import Store
from promptlab.store.connection import Connection, connect
from promptlab.store.faults import mapped
from promptlab.store.migrations import ACCOUNT, migrations, statements
from promptlab.store.schema import STEPS

from .opening_at_once import open_all

NEWEST = Path(str(resources.files("promptlab.store") / "newest.sql"))
HEADER = """\
-- The tables of a new database, as the steps of `schema` leave them. Not written by hand:
-- `PROMPTLAB_GOLD=write pytest tests/store/test_store_file.py` writes it.
"""
MADE_BY_STEPS = """
SELECT sql FROM sqlite_schema
WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite~_%' ESCAPE '~' AND name NOT LIKE :account
ORDER BY rowid
"""

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


def refused(path: Path, clock: Clock, *, readonly: bool = False) -> StoreError:
    with pytest.raises(StoreError) as caught:
        Store.open(path, clock, readonly=readonly)
    return caught.value


def test_a_new_file_is_made_ready(path: Path, clock: Clock) -> None:
    with Store.open(path, clock) as store:
        assert set(store.stats().rows.values()) == {0}
        assert store.verify() == []
        assert store.runs() == store.unfinished() == []
    with raw(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_an_empty_file_is_made_ready(path: Path, clock: Clock) -> None:
    path.touch()
    Store.open(path, clock).close()
    Store.open(path, clock, readonly=True).close()


def test_odd_names_are_only_names(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "a b?mode=memory#1 %41 é.db"
    Store.open(path, clock).close()
    assert path.exists()


def test_a_user_may_switch_wal_off_and_add_tables(path: Path, clock: Clock) -> None:
    Store.open(path, clock).close()
    with raw(path) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("CREATE TABLE mine (x)")
    Store.open(path, clock).close()
    with raw(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_migration_is_all_or_nothing(path: Path) -> None:
    with raw(path) as connection:
        connection.execute("CREATE TABLE scores (clash)")
        with pytest.raises(sqlite3.OperationalError, match="already exists"):
            migrations().apply(sqlite_utils.Database(connection))
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        assert {name for (name,) in tables} == {"scores", "_sqlite_migrations"}


def test_a_new_database_is_as_sqlite_utils_would_make_it_step_by_step(
    path: Path, tmp_path: Path, clock: Clock
) -> None:
    with raw(tmp_path / "theirs.db") as connection:
        migrations().apply(sqlite_utils.Database(connection))
        if os.environ.get("PROMPTLAB_GOLD") == "write":
            tables = connection.execute(MADE_BY_STEPS, {"account": f"%{ACCOUNT}%"})
            text = "".join(f"\n{sql};\n" for (sql,) in tables)
            NEWEST.write_text(HEADER + text, encoding="utf-8")
    Store.open(path, clock).close()
    databases = []
    for name in (path, tmp_path / "theirs.db"):
        with raw(name) as connection:
            schema = connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name")
            objects = [(kind, of, " ".join((sql or "").split())) for kind, of, sql in schema]
            steps = "SELECT migration_set, name FROM _sqlite_migrations ORDER BY id"
            databases.append((objects, connection.execute(steps).fetchall()))
    assert databases[0] == databases[1]


@pytest.mark.parametrize("readonly", [False, True])
def test_an_older_database_is_brought_up_to_date(path: Path, clock: Clock, readonly: bool) -> None:
    with raw(path) as connection:
        migrations().apply(sqlite_utils.Database(connection), stop_before="0002_paid_by")
    with Store.open(path, clock, readonly=readonly) as store:
        assert store.runs() == []
    with raw(path) as connection:
        columns = connection.execute("SELECT name FROM pragma_table_info('generations')")
        assert {("run",), ("fingerprint",), ("warnings",)} <= set(columns)


def test_a_database_with_no_migration_yet_is_old(path: Path, clock: Clock) -> None:
    with raw(path) as connection:
        migrations().ensure_migrations_table(sqlite_utils.Database(connection))
    with Store.open(path, clock, readonly=True) as store:
        assert store.verify() == []


@pytest.mark.parametrize("readonly", [False, True])
def test_a_newer_database_is_refused(path: Path, clock: Clock, readonly: bool) -> None:
    Store.open(path, clock).close()
    with raw(path) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('promptlab', '9999_new')"
        )
    before = path.read_bytes()
    error = refused(path, clock, readonly=readonly)
    assert "newer promptlab (it has '9999_new')" in error.message
    assert path.read_bytes() == before
    assert error.where == str(path)


def test_another_programs_database_is_left_alone(path: Path, clock: Clock) -> None:
    with raw(path) as connection:
        connection.execute("CREATE TABLE runs (theirs)")
    before = path.read_bytes()
    assert "another program" in refused(path, clock).message
    assert path.read_bytes() == before


@pytest.mark.parametrize("readonly", [False, True])
def test_what_is_not_a_database_is_refused(path: Path, clock: Clock, readonly: bool) -> None:
    path.write_text("run,score\n" * 500)
    assert refused(path, clock, readonly=readonly).message == "this file is not a database"
    assert path.read_text().startswith("run,score")


def test_places_where_no_database_can_be(tmp_path: Path, clock: Clock) -> None:
    assert "is a folder" in refused(tmp_path, clock).message
    assert "folder does not exist" in refused(tmp_path / "no" / "a.db", clock).message
    assert "no database yet" in refused(tmp_path / "a.db", clock, readonly=True).message
    assert not (tmp_path / "a.db").exists()


def test_a_reader_cannot_write(path: Path, clock: Clock, make_plan: MakePlan) -> None:
    Store.open(path, clock).close()
    with Store.open(path, clock, readonly=True) as store:
        with pytest.raises(StoreError, match="read-only"):
            store.begin_run("r1", make_plan())
        assert store.verify() == []


@pytest.fixture
def bare_folder() -> Iterator[Path]:
    """A folder that every user can reach; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@contextmanager
def without_rights() -> Iterator[None]:
    """Be nobody for a while, if we are root: root may write anything."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_readonly_folder_can_be_read_and_not_written(
    bare_folder: Path, clock: Clock, make_plan: MakePlan
) -> None:
    path = bare_folder / "promptlab.db"
    with Store.open(path, clock) as store:
        store.begin_run("r1", make_plan())
    path.chmod(0o444)
    bare_folder.chmod(0o555)
    with without_rights():
        with Store.open(path, clock, readonly=True) as store:
            assert [run.run_id for run in store.runs()] == ["r1"]
            assert list(store.results("r1")) == []
        assert refused(path, clock).hint is not None
        assert "cannot be opened" in refused(bare_folder / "new.db", clock).message
    path.chmod(0o000)
    with without_rights():
        assert "cannot be opened" in refused(path, clock, readonly=True).message


def test_an_older_database_that_may_not_be_written_is_an_error(
    bare_folder: Path, clock: Clock
) -> None:
    path = bare_folder / "promptlab.db"
    with raw(path) as connection:
        migrations().apply(sqlite_utils.Database(connection), stop_before="0004_spent")
    path.chmod(0o444)
    bare_folder.chmod(0o555)
    with without_rights():
        error = refused(path, clock, readonly=True)
    assert error.message == (
        "from an older promptlab, and must be migrated first, but the database cannot be"
        " written: its file or folder is read-only"
    )
    assert (error.where, error.hint) == (
        str(path), "make both writable, or name another file with --db"
    )  # fmt: skip


def test_a_lost_right_to_the_wal_is_an_error(bare_folder: Path, clock: Clock) -> None:
    path = bare_folder / "promptlab.db"
    store = Store.open(path, clock)
    path.with_name("promptlab.db-wal").chmod(0o000)
    path.with_name("promptlab.db-shm").chmod(0o000)
    with without_rights():
        assert "cannot be opened" in refused(path, clock, readonly=True).message
    store.close()


def test_a_locked_database_is_waited_for_and_given_up(path: Path) -> None:
    with raw(path) as holder:
        holder.execute("CREATE TABLE t (x)")
        holder.execute("BEGIN IMMEDIATE")
        waited: list[float] = []

        def waits(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 3:
                raise TimeoutError

        waiting = Connection(path, "mode=rw", waits)
        with pytest.raises(StoreBusy, match="another program has locked") as caught:
            waiting.execute_alone("BEGIN IMMEDIATE")
        assert waited == sorted(waited)
        assert caught.value.hint == "save or close it there, and try again"

        def unlocks(_: float) -> None:
            if holder.in_transaction:
                holder.execute("ROLLBACK")

        waiting.waits = unlocks
        with waiting.transaction():
            waiting.execute("INSERT INTO t VALUES (1)")
        assert waiting.count("SELECT count(*) FROM t") == 1
        waiting.close()


@pytest.mark.slow
def test_a_new_database_may_be_opened_by_many_at_the_same_moment(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    together, failures = context.Barrier(3), context.SimpleQueue()
    openers = [
        context.Process(target=open_all, args=(tmp_path, together, failures)) for _ in range(3)
    ]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join(60)
    assert [opener.exitcode for opener in openers] == [0, 0, 0]
    assert failures.empty(), failures.get()


def insert_twice(connection: Connection) -> None:
    with connection.transaction():
        for _ in range(2):
            connection.execute("INSERT INTO texts (digest, text) VALUES ('d', 't')")


def test_our_own_mistakes_are_not_user_errors(path: Path, clock: Clock) -> None:
    Store.open(path, clock).close()
    connection = connect(path)
    with pytest.raises(sqlite3.IntegrityError):
        insert_twice(connection)
    assert connection.count("SELECT count(*) FROM texts") == 0
    connection.close()
    with pytest.raises(sqlite3.ProgrammingError), mapped(path):
        connection.raw.execute("SELECT 1")


@pytest.mark.slow  # like `test_a_new_database_may_be_opened_by_many_at_the_same_moment`
def test_many_processes_can_make_the_file_at_once(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from datetime import UTC, datetime;"
        "from promptlab.store import Store;"
        "Store.open(Path(sys.argv[1]), lambda: datetime.now(UTC)).close()"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(4)]
    assert [child.wait(timeout=60) for child in children] == [0, 0, 0, 0]


@pytest.mark.slow
def test_importing_the_store_loads_nothing_heavy() -> None:
    code = (
        "import sys; import promptlab.store, promptlab.stats.intervals;"
        "loaded = {n for n in ('click', 'numpy', 'scipy.special', 'sqlite_utils.db')"
        " if n in sys.modules}; sys.exit(str(loaded) if loaded else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_steps_are_the_statements_that_sqlite_sees() -> None:
    for _, step in STEPS:
        pieces = list(statements(step))
        assert "".join(pieces).strip() == step.strip()
        assert all(sqlite3.complete_statement(piece) for piece in pieces)
        assert len(pieces) == step.count(";\n")
