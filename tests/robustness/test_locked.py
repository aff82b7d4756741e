"""Another program holds the database's write lock: the run waits, sends nothing, loses nothing."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.robustness.conftest import Lab

LOCKS = [3.0, pytest.param(45.0, marks=pytest.mark.slow)]
NOTICED_S = 1.5  # half a second until something is written, and one failed attempt to do so


@contextmanager
def locked(lab: Lab) -> Iterator[sqlite3.Connection]:
    """Hold the write lock, as a database browser with an edit that was not saved does."""
    holder = sqlite3.connect(lab.root / "promptlab.db", isolation_level=None, timeout=30)
    try:
        holder.execute("BEGIN IMMEDIATE")
        yield holder
    finally:
        holder.close()


@pytest.mark.parametrize("seconds", LOCKS)
@pytest.mark.slow
def test_a_lock_is_waited_for_and_costs_nothing(lab: Lab, seconds: float) -> None:
    process, log = lab.begin("run", "one", pace=0.05)
    lab.wait_until(lambda: log.stat().st_size > 5_000)
    with locked(lab):
        time.sleep(NOTICED_S)
        sent = log.read_text()
        time.sleep(seconds - NOTICED_S)
        assert log.read_text() == sent, "calls were made that could not be stored"
        assert process.poll() is None
        stored = lab.stored()
    _, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert "waiting for the database, which another program has locked for" in told
    assert "nothing is sent meanwhile" in told
    assert len(stored) < len(lab.asked(log)) == lab.calls
    assert lab.stored() == lab.asked(log)
    assert lab.rows("SELECT spent_calls FROM runs") == [(lab.calls,)]
    lab.assert_complete()


@pytest.mark.slow
def test_a_run_begins_when_the_lock_is_gone(lab: Lab) -> None:
    lab.carry("run", "two")
    with locked(lab):
        process, log = lab.begin("run", "one")
        assert process.stderr is not None
        assert "waiting for the database, which another" in process.stderr.readline()
        assert log.read_text() == ""
    _, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    lab.assert_complete(runs=2)


@pytest.mark.slow
def test_verbs_without_a_display_tell_that_they_wait(lab: Lab) -> None:
    lab.carry("run", "one")
    (lab.root / "o.csv").write_text("template,case,score\na,c1,1\nb,c1,0\n")
    for words in ("score latest", "db vacuum", "import o.csv --suite o"):
        with locked(lab):
            process, _ = lab.begin(*words.replace("o.csv", str(lab.root / "o.csv")).split())
            assert process.stderr is not None
            line = process.stderr.readline()
            assert line.startswith("Note: another program has locked the database"), words
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0, told


@pytest.mark.slow
def test_ctrl_c_keeps_what_waits_and_ctrl_c_again_drops_it(lab: Lab) -> None:
    process, log = lab.begin("run", "one", pace=0.05)
    lab.wait_until(lambda: log.stat().st_size > 5_000)
    with locked(lab):
        time.sleep(NOTICED_S)
        process.send_signal(signal.SIGINT)
        time.sleep(1.0)
        assert process.poll() is None, "what was paid for was dropped"
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "interrupted: " in told
    stored = lab.stored()
    assert stored < lab.asked(log)
    assert lab.carry("resume")["calls"] == lab.calls - len(stored)
    lab.assert_complete()


@pytest.mark.slow
def test_ctrl_c_once_ends_when_the_lock_is_gone_with_all_stored(lab: Lab) -> None:
    process, log = lab.begin("run", "one", pace=0.05)
    lab.wait_until(lambda: log.stat().st_size > 5_000)
    with locked(lab):
        time.sleep(NOTICED_S)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    process.communicate(timeout=10)
    assert process.returncode == 130
    assert lab.stored() == lab.asked(log)
