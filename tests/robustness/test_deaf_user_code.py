"""One Ctrl-C ends a run though user-defined code holds the event loop; what is stored is kept."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

LIMIT_S = 30  # on a busy machine; it takes some two to five seconds

SUITE = """\
templates: ["t@*"]
backends: [{backend}]
cases: [{{id: a, q: one}}, {{id: b, q: two}}, {{id: c, q: three}}]
scorers: [{scorers}]
"""

DEAF = {
    "a loop": "while True: pass",
    "sleep": "time.sleep(999)",
    "a pattern without an end": "re.match('(a+)+$', 'a' * 60 + 'b')",
    "a loop that takes no interrupt": """while True:
            try: time.sleep(9)
            except BaseException: pass""",
}
CODE = """\
import re, time
from pathlib import Path
from promptlab.backends import Backend
from promptlab.core.types import Completion, Outcome

async def deaf(sample):
    if sample.case.vars["q"] == "three":
        time.sleep(1.2)  # until the others are stored
        Path("deaf").touch()
        {body}
    return True

class Deaf(Backend):
    async def generate(self, requests):
        Path("deaf").touch()
        {body}
        yield
"""


def made(project: Path, body: str, backend: str, scorers: str) -> Path:
    (project / "templates" / "t").mkdir()
    (project / "templates" / "t" / "v1.j2").write_text("Say {{ q }}")
    (project / "suites" / "s.yaml").write_text(SUITE.format(backend=backend, scorers=scorers))
    (project / "promptlab.toml").write_text('[backends.own]\nkind = "mine:Deaf"\n')
    (project / "mine.py").write_text(CODE.format(body=body))
    return project


def interrupted(project: Path, *words: str) -> tuple[int, str]:
    """Run a verb, interrupt it once its user-defined code is deaf, and return how it ended."""
    command = [sys.executable, "-m", "promptlab", *words]
    with subprocess.Popen(command, cwd=project, stderr=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + LIMIT_S
            while not (project / "deaf").exists():
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=LIMIT_S)
        finally:
            process.kill()
    return process.returncode, told


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name == "sleep" else [pytest.mark.slow]) for name in DEAF],
)
@pytest.mark.slow
def test_a_scorer_that_holds_the_loop_is_interrupted(project: Path, name: str) -> None:
    made(project, DEAF[name], "echo", "mine:deaf")
    code, told = interrupted(project, "run", "s")
    assert code == 130
    assert "interrupted" in told
    assert "resume" in told
    with sqlite3.connect(project / "promptlab.db") as connection:
        assert connection.execute("SELECT count(*) FROM generations").fetchone()[0] >= 2


@pytest.mark.parametrize("name", ["sleep", pytest.param("a loop", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "words",
    [("backend", "check", "own"), pytest.param(("run", "s"), marks=pytest.mark.slow)],
)
def test_a_backend_that_holds_the_loop_is_interrupted(
    project: Path, name: str, words: tuple[str, ...]
) -> None:
    made(project, DEAF[name], "own", "{length: {unit: words, max: 9}}")
    code, told = interrupted(project, *words)
    assert code == 130
    assert "interrupted" in told
