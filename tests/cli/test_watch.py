"""`watch`: a process that runs what is saved, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import Promptlab, edit


def test_once_runs_all_versions_and_ends(project: Path, promptlab: Promptlab) -> None:
    ran = promptlab("watch", "greet", "--once")
    assert ran.code == 0
    assert "greet@v1, greet@v2: 6 trials, 6 calls" in ran.out
    assert "greet@v2 against greet@v1:" in ran.out
    assert "greet@v1: nothing to hold it against yet" in ran.out
    assert ", 0 calls" in promptlab("watch", "greet", "--once").out


def test_a_limit_ends_it(project: Path, promptlab: Promptlab) -> None:
    ran = promptlab("watch", "greet", "--once", "--max-calls", "2")
    assert ran.code == 4
    assert "stopped at --max-calls 2, after 2 calls in all" in ran.err


def test_a_mistake_at_the_beginning_is_told(project: Path, promptlab: Promptlab) -> None:
    assert "unknown suite 'gret'" in promptlab("watch", "gret").err
    edit(project / "templates/greet/v1.j2", "{{ name }}", "{{ name")
    ran = promptlab("watch", "greet")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)


@pytest.mark.slow
def test_saves_are_run_until_it_is_interrupted(project: Path) -> None:
    log = project.parent / "said.txt"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "promptlab", "watch", "greet"],
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=project,
            env={**os.environ, "COLUMNS": "80"},
        )
    try:
        wait_for(log, "watching greet: 2 versions, 3 cases")
        edit(project / "templates/greet/v2.j2", "in one word", "at once \x1b[2J")
        wait_for(log, "greet@v2 against greet@v1:")
        edit(project / "templates/greet/v1.j2", "{{ name }}", "{{ name")
        wait_for(log, "watching on")
        edit(project / "templates/greet/v1.j2", "{{ name", "{{ name }} dear")
        wait_for(log, "greet@v1 against its text before:\nmeasured")
        edit(project / "templates/greet/v1.j2", "dear", "dear dear")
        wait_for(log, "greet@v1 against its text before:\nmeasured", times=2)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
    said = log.read_text(encoding="utf-8")
    assert "ended: 12 calls in all" in said
    assert "\x1b" not in said
    assert "Traceback" not in said


def wait_for(log: Path, text: str, times: int = 1) -> None:
    for _ in range(300):
        if log.read_text(encoding="utf-8").count(text) >= times:
            return
        time.sleep(0.1)
    raise AssertionError(f"{text!r} was not said, but: {log.read_text(encoding='utf-8')}")
