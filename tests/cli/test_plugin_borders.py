"""User-defined code may do anything: each case is reported in one line, as that plugin's error.

What hangs, leaves threads behind or writes past Python runs in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from .conftest import Promptlab, Ran, alone, edit, query, with_backend, with_scorer

_TONE = "def tone(sample):\n    {}\n"
_LIMIT_S = 60


def the_line(ran: Ran) -> str:
    """Return the one line of a mistake, which is on stderr only."""
    assert ran.out == ""
    assert "Traceback" not in ran.err
    assert "bug in promptlab" not in ran.err
    [line] = [line for line in ran.err.splitlines() if line.startswith("Error: ")]
    return line


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import sys\nsys.exit()", "cannot import 'mine:tone': SystemExit (fix mine)"),
        ("import sys\nsys.exit(0)", "cannot import 'mine:tone': SystemExit: 0 (fix mine)"),
        (
            "class Boom(BaseException): pass\nraise Boom('so')",
            "Boom: so (fix mine)",
        ),
        ("raise BrokenPipeError()", "cannot import 'mine:tone': BrokenPipeError (fix mine)"),
        ("raise MemoryError", "cannot import 'mine:tone': MemoryError (fix mine)"),
        (
            "def tone(sample, *, level: 'oops()' = 1): return True\ndef oops(): raise SystemExit",
            "scorer 'tone' cannot be read: SystemExit",
        ),
        (
            "import sys\nfrom promptlab import scorer\n"
            "@scorer(check=sys.exit)\ndef tone(sample): return True",
            "scorer 'tone': the check of mine:tone fails: SystemExit",
        ),
        (
            "import asyncio\nfrom promptlab import scorer\n"
            "def check():\n    raise asyncio.CancelledError\n"
            "@scorer(check=check)\ndef tone(sample): return True",
            "scorer 'tone': the check of mine:tone fails: asyncio.exceptions.CancelledError",
        ),
    ],
)
@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_scorer_that_cannot_be_used_is_reported_before_a_run(
    project: Path, promptlab: Promptlab, code: str, expected: str, more: tuple[str, ...]
) -> None:
    with_scorer(project, code)
    ran = promptlab("run", "greet", *more)
    assert ran.code == 2
    assert expected in the_line(ran)
    assert not (project / "promptlab.db").exists()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (_TONE.format("raise SystemExit(0)"), "SystemExit: 0"),
        (_TONE.format("raise type('Boom', (BaseException,), {})('so')"), "Boom: so"),
        (_TONE.format("raise KeyboardInterrupt"), "KeyboardInterrupt"),
        (
            _TONE.format("return {1, 2}"),
            "the scorer returned set, not a bool, a number or a Score",
        ),
        (
            "from promptlab.core.types import Score\n"
            + _TONE.format("return Score(1.0, reason=7)"),
            "the scorer gave a Score whose reason or error is not a text",
        ),
        (
            "class Mute(Exception):\n    def __str__(self): raise SystemExit\n"
            + _TONE.format("raise Mute"),
            "Mute: its text cannot be read",
        ),
        ("async " + _TONE.format("raise SystemExit(0)"), "SystemExit: 0"),
        ("import asyncio\nasync " + _TONE.format("raise asyncio.CancelledError"), "CancelledError"),
    ],
)
def test_a_scorer_that_fails_within_a_run_is_a_failed_score(
    project: Path, promptlab: Promptlab, code: str, expected: str
) -> None:
    with_scorer(project, code)
    ran = promptlab("run", "greet", "--json")
    assert (ran.code, json.loads(ran.out)["outcomes"]["ok"]) == (4, 6)
    assert "bug in promptlab" not in ran.err
    failed = query(project, "SELECT DISTINCT score, error FROM results WHERE scorer = 'tone'")
    assert failed == [(None, expected)]


@dataclass(frozen=True, slots=True)
class Harmless:
    """A scorer that does what it should not, and grades all the same."""

    code: str
    stderr: str = ""
    apart: bool = False
    """Whether it takes a process of its own."""


HARMLESS = {
    "prints": Harmless("print('at import')\n" + _TONE.format("print('loud'); return True"), "loud"),
    "prints as it is asked": Harmless(
        "import sys\n" + _TONE.format("sys.stdout.write('loud\\n'); return True"), "loud"
    ),
    "prints, async": Harmless("async " + _TONE.format("print('loud'); return True"), "loud"),
    "prints from a process of its own": Harmless(
        "import subprocess\n"
        + _TONE.format("subprocess.run(['echo', 'loud'], check=True); return True"),
        "loud",
        apart=True,
    ),
    "goes elsewhere": Harmless("import os\nos.chdir('/')\n" + _TONE.format("return True")),
    "goes elsewhere each time": Harmless(
        "import os, tempfile\n" + _TONE.format("os.chdir(tempfile.gettempdir()); return True")
    ),
    "starts a thread": Harmless(
        "import threading, time\n"
        + _TONE.format("threading.Thread(target=time.sleep, args=[999]).start(); return True"),
        apart=True,
    ),
    "leaves a thread that prints": Harmless(
        "import threading\n"
        "def loud():\n    while True: print('loud')\n"
        "threading.Thread(target=loud, daemon=True).start()\n" + _TONE.format("return True"),
        "loud",
        apart=True,
    ),
}


@pytest.mark.parametrize("name", HARMLESS)
@pytest.mark.slow
def test_what_a_scorer_does_beside_its_work_harms_no_run(
    project: Path, promptlab: Promptlab, name: str
) -> None:
    with_scorer(project, HARMLESS[name].code)
    words = ("--db", "own.db", "run", "greet", "--json")
    ran = alone(project, *words) if HARMLESS[name].apart else promptlab(*words)
    assert ran.code == 0
    assert len(json.loads(ran.out)["arms"]) == 2
    assert HARMLESS[name].stderr in ran.err
    assert (project / "own.db").exists()


def by_code(root: Path, code: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run code around the command line in a process of its own, in the folder of a project."""
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        cwd=root,
        timeout=_LIMIT_S,
        check=False,
    )


@pytest.mark.slow
def test_a_scorer_that_never_returns_is_a_failed_score(project: Path) -> None:
    with_scorer(project, "import time\n" + _TONE.format("time.sleep(999)"))
    code = (
        "import promptlab.scorers.binding as binding\n"
        "binding.bind.__defaults__ = (None, 0.2)\n"
        "from promptlab.cli import main\nmain()\n"
    )
    done = by_code(project, code, "run", "greet", "--json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["status"] == "finished"
    [(error,)] = query(project, "SELECT DISTINCT error FROM results WHERE scorer = 'tone'")
    assert error == "TimeoutError: the scorer took longer than 0.2 s"


_BASE = """\
import asyncio, sys, time
from promptlab.backends import Backend
from promptlab.core.types import Completion, Outcome

class Mine(Backend):
    async def generate(self, requests):
        for request in requests:
            yield request, Completion(Outcome.OK, "Hello Ada")
"""


def backend(*lines: str, base: str = _BASE) -> str:
    return base + "".join(f"    {line}\n" for line in lines)


def answering(*lines: str) -> str:
    """Return a backend whose generate does this."""
    head = _BASE.partition("        for request")[0]
    return head + "".join(f"        {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            backend("def __init__(self, *given): sys.exit(0)"),
            "promptlab.toml: backends.mine: backend 'mine': its __init__ fails: SystemExit: 0",
        ),
        (
            backend("def __init__(self): pass"),
            "backend 'mine': its __init__ fails: TypeError: ",
        ),
        (backend("def identity(self): return 1/0"), "its identity fails: ZeroDivisionError"),
        (backend("def identity(self): return 7"), "backend 'mine': its identity is int, not a map"),
        (backend("def identity(self): return {'a': {1}}"), "its identity is not JSON: "),
        (backend("price = 3"), "backend 'mine': its price is int, not Price or None"),
        (
            backend("def shortfalls(self, sampling, schema): return [sampling]"),
            "its shortfalls is Sampling, not str",
        ),
        ("class Mine: pass", "backend 'mine' lacks options_model, identity(), count_tokens(req"),
        (
            "from promptlab.backends import Backend as Mine",
            "backend 'mine' lacks generate(requests",
        ),
        (backend("close = None"), "backend 'mine' lacks close() (derive it from promptlab"),
        ("Mine = 7", "'mine:Mine' is not a backend"),
    ],
)
def test_a_backend_that_cannot_be_used_is_reported_before_a_run(
    project: Path, promptlab: Promptlab, code: str, expected: str
) -> None:
    with_backend(project, code)
    ran = promptlab("run", "greet")
    assert ran.code == 2
    assert expected in the_line(ran)
    assert not (project / "promptlab.db").exists() or not query(project, "SELECT 1 FROM runs")


def test_a_task_of_a_plugins_that_exits_is_reported(project: Path, promptlab: Promptlab) -> None:
    with_scorer(
        project,
        "import asyncio, sys\nasync def leave():\n    sys.exit(0)\n"
        "async def tone(sample):\n    await asyncio.create_task(leave())\n    return True\n",
    )
    ran = promptlab("run", "greet", "--json")
    assert ran.code == 2
    assert the_line(ran) == "Error: a plugin ended the program (remove its call to sys.exit)"


def test_a_parameter_that_their_code_checks_is_reported(
    project: Path, promptlab: Promptlab
) -> None:
    with_scorer(
        project,
        "from typing import Annotated\nfrom pydantic import AfterValidator\n"
        "def tone(sample, *, level: Annotated[int, AfterValidator(lambda value: 1 / 0)]):\n"
        "    return True\n",
    )
    edit(project / "suites/greet.yaml", "mine:tone", "mine:tone: {level: 3}")
    expected = "scorer 'tone', parameter 'level': it cannot be checked: ZeroDivisionError"
    assert expected in the_line(promptlab("run", "greet"))


def test_a_scorer_that_cannot_be_shown_is_reported(project: Path, promptlab: Promptlab) -> None:
    (project / "mine.py").write_text("def tone(sample, *, level: '1/0' = 1): return True\n")
    ran = promptlab("scorer", "show", "mine:tone")
    assert ran.code == 2
    assert "scorer 'mine:tone' cannot be read: ZeroDivisionError" in the_line(ran)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (backend("async def open(self): sys.exit(0)"), "its open fails: SystemExit: 0"),
        (backend("def open(self): return 1/0"), "backend 'mine': its open fails: ZeroDivision"),
        (backend("async def open(self): return 7"), "backend 'mine': its open is int, not a map"),
        (
            answering("for request in requests * 2: yield request, Completion(Outcome.OK, 'x')"),
            "backend 'mine' answers what it was not asked, or answers twice",
        ),
        (
            answering(
                "from dataclasses import replace",
                "for request in requests:",
                "    yield replace(request, key='other'), Completion(Outcome.OK, 'x')",
            ),
            "backend 'mine' answers what it was not asked, or answers twice",
        ),
        (
            answering("return [(request, 'x') for request in requests]"),
            "its generate gives coroutine, not answers as they finish",
        ),
    ],
)
def test_a_backend_that_breaks_its_promise_ends_the_run(
    project: Path, promptlab: Promptlab, code: str, expected: str
) -> None:
    with_backend(project, code)
    ran = promptlab("run", "greet", "--json")
    assert ran.code == 2
    assert expected in the_line(ran)
    assert query(project, "SELECT status FROM runs") == [("interrupted",)]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (answering("sys.exit(0)", "yield"), "backend 'mine': its generate fails: SystemExit: 0"),
        (
            answering("raise asyncio.CancelledError", "yield"),
            "backend 'mine': its generate fails: asyncio.exceptions.CancelledError",
        ),
        (answering("if not requests: yield"), "the backend gave no answer to this request"),
        (
            answering("yield 'hello'"),
            "backend 'mine' yields str, not a request with its completion",
        ),
        (
            answering("for request in requests: yield request, 'hello'"),
            "backend 'mine' gives str, not a Completion",
        ),
        (
            answering("for each in requests: yield each, Completion(Outcome.OK, None)"),
            "backend 'mine' gives a Completion whose text is NoneType",
        ),
    ],
)
@pytest.mark.parametrize("batch", [1, 100])
def test_a_call_that_fails_is_a_failed_trial(
    project: Path, promptlab: Promptlab, code: str, expected: str, batch: int
) -> None:
    facts = ["from promptlab.backends import Capacity", f"capacity = Capacity(2, {batch})"]
    with_backend(project, backend(*facts, base=code))
    ran = promptlab("run", "greet", "--json")
    assert (ran.code, json.loads(ran.out)["outcomes"]["error"]) == (4, 6)
    assert "bug in promptlab" not in ran.err
    [(error,)] = query(project, "SELECT DISTINCT error FROM trials")
    assert expected in error


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            backend("async def close(self): sys.exit(0)"),
            "backend 'mine': its close fails: SystemExit: 0",
        ),
        (backend("def close(self): print('closed')"), "closed"),
        (backend("def open(self): print('opened')"), "opened"),
    ],
)
def test_how_a_backend_closes_takes_nothing_from_its_run(
    project: Path, promptlab: Promptlab, code: str, expected: str
) -> None:
    with_backend(project, code)
    ran = promptlab("run", "greet", "--json")
    assert (ran.code, json.loads(ran.out)["status"]) == (0, "finished")
    assert expected in ran.err


@pytest.mark.slow
def test_a_backend_that_does_not_close_takes_nothing_from_its_run(project: Path) -> None:
    with_backend(project, backend("def close(self): time.sleep(999)"))
    code = (
        "import promptlab.backends.foreign.guarded as guarded\n"
        "guarded._CLOSE_LIMIT_S = 0.5\n"
        "from promptlab.cli import main\nmain()\n"
    )
    done = by_code(project, code, "run", "greet", "--json")
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "finished")
    assert "backend 'mine' did not close within 0.5 s" in done.stderr


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("class Own:\n    pass\n", "executor 'mine:Own' lacks execute(work, backends, watch)"),
        (
            "class Own:\n    def __init__(self, jobs): raise SystemExit(0)\n"
            "    async def execute(self, work, backends, watch): pass\n",
            "executor 'mine:Own': its __init__ fails: SystemExit: 0",
        ),
        (
            "class Own:\n    def __init__(self, jobs): pass\n"
            "    async def execute(self, work, backends, watch): raise SystemExit(0)\n",
            "executor 'mine:Own': its execute fails: SystemExit: 0",
        ),
        (
            "class Own:\n    def __init__(self, jobs): pass\n"
            "    def execute(self, work, backends, watch): pass\n",
            "executor 'mine:Own': its execute fails: TypeError: ",
        ),
        ("Own = 7\n", "executor 'mine:Own' is not a class"),
    ],
)
def test_an_executor_is_reported_as_the_users_too(
    project: Path, promptlab: Promptlab, code: str, expected: str
) -> None:
    (project / "mine.py").write_text(code, encoding="utf-8")
    ran = promptlab("run", "greet", "--executor", "mine:Own")
    assert ran.code == 2
    assert expected in the_line(ran)
