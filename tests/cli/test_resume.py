"""Runs that end early, and `promptlab resume`."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from .conftest import Promptlab, edit, query, spawn

STOPS = """\
import asyncio, os, signal

async def impatient(sample):
    if sample.case.id == "ben":
        os.kill(os.getpid(), signal.SIGINT)  # as Ctrl-C does
        await asyncio.sleep(10)
    return True
"""
MOODY = '[backends.moody]\nkind = "echo"\nfail = "Ben"\n'


def test_failed_trials_end_with_4_and_are_tried_again(project: Path, promptlab: Promptlab) -> None:
    (project / "promptlab.toml").write_text(MOODY, encoding="utf-8")
    ran = promptlab("run", "greet", "-b", "moody")
    assert ran.code == 4
    assert "2 trials failed: promptlab show --errors; promptlab resume latest" in ran.out
    assert query(project, "SELECT count(*) FROM generations") == [(4,)]
    again = promptlab("resume", "latest", "--json")
    assert again.code == 4
    document = json.loads(again.out)
    assert (document["calls"], document["outcomes"]["error"]) == (2, 2)
    assert promptlab("db", "verify").out == "The database is sound.\n"


def test_an_interrupted_run_is_finished(ran_project: Path, promptlab: Promptlab) -> None:
    _interrupt(ran_project)
    ran = promptlab("resume")
    assert ran.code == 0
    assert "3 model calls" in ran.out
    assert query(ran_project, "SELECT status FROM runs") == [("finished",)]
    assert query(ran_project, "SELECT count(*) FROM trials") == [(6,)]
    assert promptlab("db", "verify").out == "The database is sound.\n"
    assert promptlab("resume").code == 2


def test_a_resumed_run_keeps_its_own_text(ran_project: Path, promptlab: Promptlab) -> None:
    _interrupt(ran_project)
    edit(ran_project / "templates/greet/v1.j2", "Say", "Whisper")
    assert promptlab("resume").code == 0
    assert query(ran_project, "SELECT count(*) FROM results WHERE output LIKE 'Whisper%'") == [(0,)]


def test_an_interrupt_ends_with_130_and_names_what_finishes_the_run(
    project: Path, promptlab: Promptlab
) -> None:
    (project / "checks_that_stop.py").write_text(STOPS, encoding="utf-8")
    scorers = "scorers:\n  - checks_that_stop:impatient\n"
    edit(project / "suites/greet.yaml", "scorers:\n", scorers)
    ran = spawn("run", "greet")
    [(run_id,)] = query(project, "SELECT run_id FROM runs")
    assert (ran.returncode, ran.stdout) == (130, "")
    expected = rf"interrupted: \d of 6 trials are stored; finish with: promptlab resume {run_id}\n"
    assert re.fullmatch(expected, ran.stderr)
    assert promptlab("db", "verify").out == "The database is sound.\n"
    [run] = json.loads(promptlab("runs", "--json").out)
    assert run["status"] == "interrupted"


def _interrupt(root: Path) -> None:
    """Undo the second half of the one run, as if it had been killed there."""
    with closing(sqlite3.connect(root / "promptlab.db")) as database, database:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("UPDATE runs SET status = 'interrupted'")
        database.execute("DELETE FROM trials WHERE seq >= 3")
        database.execute(
            "DELETE FROM generations WHERE id NOT IN (SELECT generation FROM trial_turns)"
        )
