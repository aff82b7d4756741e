"""A plain function as a backend: what it gets, what it may return, how it is known."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import Promptlab, edit, query, with_backend

PLAIN = """\
def answer(messages, **sampling):
    return f"{messages[-1]['role']}: {sorted(sampling)} {sampling['max_tokens']}"
"""


def outputs(root: Path) -> list[str]:
    rows = query(root, "SELECT DISTINCT output FROM results WHERE version = 'v1' ORDER BY 1")
    return [text for (text,) in rows]


def with_function(root: Path, code: str, **options: object) -> None:
    with_backend(root, code, kind="mine:answer")
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in options.items())
    with (root / "promptlab.toml").open("a", encoding="utf-8") as file:
        file.write(lines)


def test_it_gets_the_conversation_and_the_sampling(project: Path, promptlab: Promptlab) -> None:
    with_function(project, PLAIN)
    assert promptlab("run", "greet").code == 0
    names = ["max_tokens", "seed", "stop", "temperature", "top_p"]
    assert outputs(project) == [f"user: {names} 256"]


@pytest.mark.parametrize(
    ("code", "options", "output"),
    [
        ("def answer(messages):\n    return 'alone'", {}, "alone"),
        ("async def answer(messages):\n    return 'later'", {}, "later"),
        ("def answer(messages, *, tone):\n    return tone", {"tone": "loud"}, "loud"),
        ("def answer(messages, model):\n    return model", {"model": "m"}, "m"),
        (
            "class Answer:\n    async def __call__(self, messages):\n        return 'object'\n"
            "answer = Answer()",
            {},
            "object",
        ),
        (
            "from promptlab.core.types import Completion, Outcome\n"
            "def answer(messages):\n    return Completion(Outcome.TRUNCATED, 'cut')",
            {},
            "cut",
        ),
    ],
)
def test_it_takes_what_it_has_parameters_for(
    project: Path, promptlab: Promptlab, code: str, options: dict[str, object], output: str
) -> None:
    with_function(project, code, **options)
    assert promptlab("run", "greet").code == 0
    assert outputs(project) == [output]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def answer(messages):\n    return 7", "mine:answer returns int, not a text or a Compl"),
        ("def answer(messages):\n    exit(0)", "mine:answer fails: SystemExit: 0"),
        (
            "async def answer(messages):\n    raise KeyError('x')",
            "mine:answer fails: KeyError: 'x'",
        ),
    ],
)
def test_a_call_of_it_that_fails_is_a_failed_trial(
    project: Path, promptlab: Promptlab, code: str, expected: str
) -> None:
    with_function(project, code)
    assert promptlab("run", "greet").code == 4
    [(error,)] = query(project, "SELECT DISTINCT error FROM trials")
    assert expected in error


@pytest.mark.parametrize(
    ("code", "options", "expected"),
    [
        ("def answer(messages):\n    return ''", {"tone": 1}, "unknown option 'tone' of mine:ans"),
        ("def answer(messages):\n    return ''", {"model": "m"}, "unknown option 'model' of mine"),
        ("def answer():\n    return ''", {}, "backends.mine: mine:answer takes no messages"),
    ],
)
def test_what_it_cannot_take_is_reported_before_a_run(
    project: Path, promptlab: Promptlab, code: str, options: dict[str, object], expected: str
) -> None:
    with_function(project, code, **options)
    ran = promptlab("run", "greet")
    assert ran.code == 2
    assert expected in ran.err


def test_sampling_that_it_does_not_take_is_reported(project: Path, promptlab: Promptlab) -> None:
    with_function(project, "def answer(messages):\n    return 'x'")
    edit(project / "suites/greet.yaml", "scorers:", "sampling: {temperature: 0.5}\nscorers:")
    assert "mine:answer takes no temperature" in promptlab("run", "greet").err


@pytest.mark.slow
def test_an_edit_of_it_asks_again(project: Path, promptlab: Promptlab) -> None:
    with_function(project, "def answer(messages):\n    return 'one'")
    assert json.loads(promptlab("run", "greet", "--json").out)["calls"] == 6
    assert json.loads(promptlab("run", "greet", "--json").out)["calls"] == 0
    edit(project / "mine.py", "one", "two")
    assert json.loads(promptlab("run", "greet", "--json").out)["calls"] == 6
    assert outputs(project) == ["one", "two"]


@pytest.mark.slow
def test_one_that_never_returns_keeps_nobody(project: Path) -> None:
    code = (
        "import pathlib, threading\n"
        "def answer(messages):\n"
        "    pathlib.Path('asked').touch()\n"
        "    threading.Event().wait()\n"
    )
    with_function(project, code)
    with subprocess.Popen(
        [sys.executable, "-m", "promptlab", "run", "greet"],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until = time.monotonic() + 30
        while not (project / "asked").exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        for _ in range(2):  # the second one does not wait for answers in flight
            os.kill(process.pid, signal.SIGINT)
            time.sleep(0.3)
        _, text = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "interrupted: 0 of 6 trials are stored" in text
