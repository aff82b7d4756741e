"""A poisoned project goes through every verb, in a pipe and at a terminal, and moves nothing.

The verbs are those that the command line has: a new one is tried without a word here.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from promptlab.cli import run_cli
from promptlab.core.visible import is_visible

from .poisoned import calls, leaves, plain_call, poison

# What our own display sends: styles, the line of progress drawn anew, and the cursor hidden
# meanwhile. Of this the poison has a style, concealment, which is none of ours.
OURS = re.compile(r"\x1b\[(?!8m)[0-9;]*m|\x1b\[\?25[lh]|\x1b\[2K|\x1b\[1A|\r")
SHOWN = "^[]0;title^G^[[2J"
VERBS = dict(leaves())


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the poisoned project with a run of it, and one that was imported."""
    root = tmp_path_factory.mktemp("poisoned") / "project"
    poison(root)
    assert run_cli(["--project", str(root), "run", "s", "--json"]) == 4
    return root


@pytest.fixture
def here(ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of that project, and go there."""
    root = tmp_path / "project"
    subprocess.run(["cp", "-r", str(ran), str(root)], check=True)
    monkeypatch.chdir(root)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    return root


def heard(capsys: pytest.CaptureFixture[str], words: list[str]) -> tuple[int, str, str]:
    capsys.readouterr()
    code = run_cli(words)
    return code, *capsys.readouterr()


def moved(text: str) -> list[str]:
    """Return the lines that hold something a terminal would obey."""
    return [line for line in text.split("\n") if not is_visible(line)]


@pytest.mark.parametrize("path", VERBS, ids=" ".join)
def test_in_a_pipe(here: Path, capsys: pytest.CaptureFixture[str], path: tuple[str, ...]) -> None:
    code, out, err = heard(capsys, plain_call(path, VERBS[path]))
    assert (moved(out), moved(err)) == ([], [])
    assert code in (0, 1, 2, 4), err


@pytest.mark.parametrize(
    "words",
    [
        "run s",
        "show --full",
        "show --json",
        "template show t@v1",
        "template render t@v1 --suite s",
        "diff t@v1 t@v2",
        "compare",
        "backend list",
        "import outcomes.csv --suite i --ignore-unknown",
    ],
)
def test_what_is_poisoned_is_shown(
    here: Path, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    _, out, err = heard(capsys, words.split())
    if words.startswith("import"):
        assert "[/]=1+1owned" in re.sub(r"\s", "", out)
    elif words.endswith("--json"):
        assert "\x1b[2J" in json.loads(out)["results"][0]["output"]
    else:
        assert SHOWN in re.sub(r"\s", "", out + err)


def test_the_messages_of_a_wrong_project(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["run", "s"], ["template", "show", "t@v1"]):
        code, out, err = heard(capsys, ["--project", "wrong", *words])
        assert (code, out, moved(err)) == (2, "", [])
        assert SHOWN in err


@pytest.mark.slow
@pytest.mark.parametrize("path", VERBS, ids=" ".join)
def test_every_option(
    here: Path, capsys: pytest.CaptureFixture[str], path: tuple[str, ...]
) -> None:
    for words in calls(path, VERBS[path]):
        code, out, err = heard(capsys, words)
        if "--patch" in words:
            out = ""  # what `git apply` reads is exact
        assert (moved(out), moved(err)) == ([], []), words
        assert code in (0, 1, 2, 4), (words, err)


def on_terminal(root: Path, code: str, columns: int = 80) -> str:
    """Return what a program writes to a pseudo-terminal, in one stream."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 60, columns, 0, 0))
    left_out = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=root,
        stdin=side,
        stdout=side,
        stderr=side,
        env={**environment, "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(side)
    parts: list[bytes] = []
    try:
        while part := os.read(main, 65536):
            parts.append(part)
    except OSError:  # the other side is closed
        pass
    os.close(main)
    assert child.wait(60) == 0
    return b"".join(parts).decode()


SESSION = """
import sys
from promptlab.cli import run_cli
for words in {calls!r}:
    sys.stdout.write(ascii(words) + "\\n")
    sys.stdout.flush()
    code = run_cli(words)
    assert code in (0, 1, 2, 4), (words, code)
"""


def session(root: Path, of: Callable[[tuple[str, ...], click.Command], list[list[str]]]) -> str:
    words = [call for path, command in VERBS.items() for call in of(path, command)]
    text = on_terminal(root, SESSION.format(calls=words))
    return OURS.sub("", text)


@pytest.mark.slow
def test_at_a_terminal(here: Path) -> None:
    text = session(here, lambda path, command: [plain_call(path, command)])
    assert moved(text) == []
    assert text.count(SHOWN) > 20
    assert "traceback" not in text


@pytest.mark.slow
def test_every_option_at_a_terminal(here: Path) -> None:
    text = session(here, lambda path, command: [*calls(path, command)])
    assert moved(text) == []
    assert "traceback" not in text


@pytest.mark.slow
@pytest.mark.parametrize("columns", [60, 120])
def test_at_terminals_of_other_widths(here: Path, columns: int) -> None:
    words = [["run", "s", "--fresh"], ["show", "--full"], ["compare"], ["runs"]]
    text = OURS.sub("", on_terminal(here, SESSION.format(calls=words), columns))
    assert moved(text) == []
