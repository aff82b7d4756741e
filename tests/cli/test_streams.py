"""Streams that take nothing, arguments that are no text, a folder that is gone: codes stay true."""

from __future__ import annotations

import array
import fcntl
import os
import shlex
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import Promptlab, edit, with_scorer

PROMPTLAB = f"{shlex.quote(sys.executable)} -m promptlab"


def slow(*lines: str) -> list[Any]:
    """Leave these to the slow tests: they are like another that is not."""
    return [pytest.param(line, marks=pytest.mark.slow) for line in lines]


def shell(root: Path, line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which `promptlab` is ours; its exit code is that of the first part."""
    script = f'promptlab() {{ {PROMPTLAB} "$@"; }}\n{line}\nexit ${{PIPESTATUS[0]}}'
    return subprocess.run(
        ["bash", "-c", script], cwd=root, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("words", ["run greet", *slow("show", "runs --json", "schema suite")])
def test_a_full_device(ran_project: Path, words: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    done = shell(ran_project, f"promptlab {words} > /dev/full")
    assert done.returncode == 5
    assert done.stderr == (
        "Error: cannot write to stdout: No space left on device"
        " (the output is incomplete; what was stored is safe)\n"
    )


@pytest.mark.parametrize("words", ["run greet --json", *slow("show")])
def test_a_closed_stdout(ran_project: Path, promptlab: Promptlab, words: str) -> None:
    done = shell(ran_project, f"promptlab {words} >&-")
    assert done.returncode == 5
    assert done.stderr.startswith("Error: cannot write to stdout: it is closed (")
    assert done.stderr.count("\n") == 1
    assert promptlab("db", "verify").code == 0


@pytest.mark.slow
def test_a_closed_stderr_changes_nothing(ran_project: Path) -> None:
    done = shell(ran_project, "promptlab show nothing 2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


@pytest.mark.parametrize("reader", ["head -1", *slow("true")])
def test_a_gate_that_fails_is_told_whoever_reads(ran_project: Path, reader: str) -> None:
    done = shell(ran_project, f"promptlab run greet --gate 'length >= 100' | {reader}")
    assert done.returncode == 1
    assert "gate failed: " in done.stderr


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("promptlab run greet --gate 'length >= 100' > /dev/full", 1),
        ("promptlab run greet --json | true", 4),
        pytest.param("promptlab db verify | true", 0, marks=pytest.mark.slow),
        pytest.param("promptlab show nothing | true", 2, marks=pytest.mark.slow),
    ],
)
@pytest.mark.slow
def test_the_verdict_comes_before_the_stream(ran_project: Path, line: str, code: int) -> None:
    if code == 4:
        with_scorer(ran_project, "def tone(sample):\n    raise ValueError\n")
    assert shell(ran_project, line).returncode == code


def test_a_pipe_that_breaks_in_user_code_is_not_ours(project: Path, promptlab: Promptlab) -> None:
    with_scorer(project, "def tone(sample):\n    raise BrokenPipeError\n")
    assert promptlab("run", "greet").code == 4


def test_user_code_that_prints_writes_visibly_to_stderr(
    project: Path, promptlab: Promptlab
) -> None:
    body = "    print('\\x1b[2J')\n    sys.stdout.close()\n    return 1\n"
    with_scorer(project, f"import sys\ndef tone(sample):\n{body}")
    ran = promptlab("run", "greet")
    assert ran.code == 0
    assert "^[[2J\n" in ran.err
    assert "tone" in ran.out


@pytest.mark.parametrize(
    "words", ["runs", "run greet", "init", "scorer list", "--project . show", "--db x.db runs"]
)
def test_a_folder_that_was_removed(tmp_path: Path, words: str, promptlab: Promptlab) -> None:
    gone, before = tmp_path / "gone", Path.cwd()
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    try:
        ran = promptlab(*words.split())
    finally:
        os.chdir(before)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "Error: the working folder no longer exists (change to another one: cd ...)\n"


@pytest.mark.parametrize(
    "words",
    [["show", "\udcff"], ["run", "greet", "-b", "echo:\udcff"], ["show", "--where", "\ud800"]],
)
def test_bytes_that_are_no_text(ran_project: Path, promptlab: Promptlab, words: list[str]) -> None:
    ran = promptlab(*words)
    assert (ran.code, ran.out) == (2, "")
    assert "is not UTF-8 (type it again, or set a UTF-8 locale such as LANG=C.UTF-8)" in ran.err


def test_the_patch_is_exact_in_a_pipe(project: Path, promptlab: Promptlab) -> None:
    edit(project / "templates/greet/v1.j2", "Say hello", "Say \u200f\x1b[2J hello")
    assert "\u200f\x1b[2J" in promptlab("diff", "greet@v1", "v2", "--patch").out
    assert "<U+200F>^[[2J" in promptlab("diff", "greet@v1", "v2").out


@pytest.mark.parametrize("words", ["run greet", *slow("show", "compare")])
@pytest.mark.slow
def test_signs_that_an_encoding_lacks(ran_project: Path, words: str) -> None:
    done = shell(
        ran_project, f"PYTHONUTF8=0 PYTHONIOENCODING=ascii LC_ALL=C TERM=dumb promptlab {words}"
    )
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "?" not in done.stdout


@pytest.mark.parametrize("name", ["-it's my shop", *slow("my shop", "-x", "it's")])
@pytest.mark.slow
def test_what_follows_init_works_as_it_is_printed(
    tmp_path: Path, promptlab: Promptlab, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = promptlab("init", "--", name)
    command = done.out.splitlines()[-1].removeprefix("Next: ")
    ran = shell(tmp_path, command)
    assert ran.returncode == 0, ran.stderr
    monkeypatch.chdir(name)
    assert "thanks" in promptlab("runs").out


@pytest.mark.parametrize("columns", ["0", "1", "5", "x", "-3", "\u00b2", "9" * 10, "9" * 5000])
@pytest.mark.parametrize("words", ["show -n 1 --full", "compare", "runs"])
def test_a_terminal_of_any_width(
    ran_project: Path,
    promptlab: Promptlab,
    monkeypatch: pytest.MonkeyPatch,
    columns: str,
    words: str,
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    ran = promptlab(*words.split())
    assert (ran.code, ran.err) == (0, "")
    assert max(map(len, ran.out.splitlines())) <= 1000


@pytest.mark.slow
def test_a_pipe_that_does_not_block_loses_nothing(ran_project: Path) -> None:
    (ran_project / "templates/greet/v3.j2").write_text("{# x #}\n" + "hello " * 50_000)
    code = f"import os; os.set_blocking(1, False); os.execv({sys.executable!r}, ARGS)"
    args = [sys.executable, "-m", "promptlab", "template", "show", "greet@v3"]
    command = [sys.executable, "-c", code.replace("ARGS", repr(args))]
    with subprocess.Popen(command, cwd=ran_project, stdout=subprocess.PIPE) as done:
        assert done.stdout is not None
        waiting, deadline = array.array("i", [0]), time.monotonic() + 30
        while waiting[0] < 60_000 and time.monotonic() < deadline:  # until the pipe is full
            time.sleep(0.02)
            fcntl.ioctl(done.stdout, termios.FIONREAD, waiting)
        time.sleep(0.1)
        assert done.stdout.read().count(b"hello") == 50_000
        assert done.wait(60) == 0
