"""A real project run by real processes, whose backend logs every call that it answers."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from promptlab.cli import run_cli

CASES = 200
CALLS_A_CASE = 4  # v1 asks once, v2 three times

# A backend of the project: echoes at the pace of the environment and logs each call that it makes.
_BACKEND = """
import asyncio, os, pathlib, time
from promptlab.backends import Capacity
from promptlab.backends.echo import Echo

class LoggedEcho(Echo):
    capacity = Capacity(64, 1)

    async def generate(self, requests):
        pace = float(os.environ["PACE"])
        with open(os.environ["CALLS"], "a") as log:
            async for request, completion in super().generate(requests):
                if pace < 0:
                    time.sleep(-pace)  # the whole program hangs
                pathlib.Path(os.environ["CALLS"]).with_suffix(".begun").touch()
                await asyncio.sleep(pace)
                log.write(request.key + "\\n")
                log.flush()
                yield request, completion
"""

_CONFIG = '[backends.logged]\nkind = "logged_echo:LoggedEcho"\n'

_ONE_CALL = "Write about {{ topic }}.\n"

_THREE_CALLS = """\
{% user %}Draft a line about {{ topic }}.{% enduser %}
{% generate draft %}
{% user %}Criticise this: {{ draft }}{% enduser %}
{% generate critique %}
{% user %}Revise {{ draft }} by {{ critique }}{% enduser %}
"""

_SUITE = """\
templates: ["{name}@*"]
backends: [logged]
cases: cases.jsonl
scorers:
  - contains: {{any: ["{{{{ topic }}}}"]}}
"""


@dataclass(slots=True)
class Lab:
    """A project with the suites `one` and `two`, of so many cases and two versions each."""

    root: Path
    cases: int
    _logs: int = 0
    _started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def calls(self) -> int:
        """How many calls a run of a suite makes."""
        return self.cases * CALLS_A_CASE

    @property
    def trials(self) -> int:
        """How many trials a run of a suite has."""
        return self.cases * 2

    def begin(
        self, *arguments: str, pace: float = 0.0, set_up: Callable[[], None] | None = None
    ) -> tuple[subprocess.Popen[str], Path]:
        """Start `promptlab`; return the process and the log of its calls."""
        self._logs += 1
        log = self.root / f"calls-{self._logs}.log"
        log.touch()
        process = subprocess.Popen(
            [sys.executable, "-m", "promptlab", "--project", str(self.root), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "CALLS": str(log), "PACE": str(pace)},
            preexec_fn=set_up,
        )
        self._started.append(process)
        return process, log

    def carry(self, *arguments: str) -> dict[str, Any]:
        """Let `promptlab ... --json` come to its good end; return its document."""
        process, log = self.begin(*arguments, "--json")
        out, err = process.communicate(timeout=40)
        assert process.returncode == 0, err
        document: dict[str, Any] = json.loads(out)
        if "calls" in document:
            assert document["calls"] == len(self.asked(log))
        return document

    def stored(self) -> set[str]:
        """Return the keys of all stored generations; each is there once."""
        keys = [key for (key,) in self.rows("SELECT key FROM generations")]
        assert max(Counter(keys).values(), default=1) == 1
        return set(keys)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query over the database; none while it is not there."""
        database = self.root / "promptlab.db"
        if not database.exists():
            return []
        with closing(sqlite3.connect(f"file:{database}?mode=rw", uri=True, timeout=30)) as opened:
            return opened.execute(sql).fetchall()

    def sound(self) -> bool:
        """Return whether `promptlab db verify` finds nothing; it needs no process of its own."""
        with redirect_stdout(io.StringIO()) as out:
            code = run_cli(["--project", str(self.root), "db", "verify", "--json"])
        return code == 0 and json.loads(out.getvalue()) == {"problems": []}

    def assert_complete(self, runs: int = 1) -> None:
        """Check that every trial of every run is there exactly once and all of it is sound."""
        trials = "SELECT count(*), count(DISTINCT arm || ' ' || case_) FROM trials GROUP BY run"
        assert self.rows(trials) == [(self.trials, self.trials)] * runs
        turns = "SELECT count(generation) FROM trial_turns GROUP BY run"
        assert self.rows(turns) == [(self.calls,)] * runs
        assert self.rows("SELECT DISTINCT status FROM runs") == [("finished",)]
        assert self.sound()

    @staticmethod
    def asked(log: Path) -> set[str]:
        """Return the keys of the calls in a log; no process may ask the same twice."""
        keys = log.read_text().split()
        assert len(set(keys)) == len(keys)
        return set(keys)

    @staticmethod
    def wait_until(ready: Callable[[], object]) -> None:
        """Wait until something is true of a process at work."""
        deadline = time.monotonic() + 30
        while not ready():
            assert time.monotonic() < deadline, "the process does not come so far"
            time.sleep(0.005)

    def end(self) -> None:
        """End what still runs."""
        for process in self._started:
            process.kill()
            process.communicate()


@pytest.fixture
def lab(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Return such a project; a test may name how many cases it has, as the fixture's parameter."""
    count = getattr(request, "param", CASES)
    suites = tmp_path / "suites"
    suites.mkdir()
    (tmp_path / "promptlab.toml").write_text(_CONFIG)
    (tmp_path / "logged_echo.py").write_text(_BACKEND)
    cases = [{"id": f"case{number}", "topic": f"number {number}"} for number in range(count)]
    (suites / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    for name in ("one", "two"):
        folder = tmp_path / "templates" / name
        folder.mkdir(parents=True)
        (folder / "v1.j2").write_text(f"{name}: {_ONE_CALL}")
        (folder / "v2.j2").write_text(_THREE_CALLS.replace("line", name))
        (suites / f"{name}.yaml").write_text(_SUITE.format(name=name))
    made = Lab(tmp_path, count)
    yield made
    made.end()
