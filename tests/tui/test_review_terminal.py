"""`promptlab review` in a real terminal: keys are sent to it, and its screen is read."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import SHORT

TMUX = shutil.which("tmux")
PATIENCE_S = 60.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(TMUX is None, reason="there is no tmux to be the terminal"),
]


class Terminal:
    """A terminal of tmux with a server of its own, in which one command runs at a time."""

    def __init__(self, folder: Path, size: tuple[int, int]) -> None:
        self._folder = folder
        self._size = size
        self._started = 0

    def start(self, command: str) -> None:
        self._started += 1  # a server that is being closed would refuse
        width, height = map(str, self._size)
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", width, "-y", height, command)

    def keys(self, *keys: str) -> None:
        for key in keys:
            self._tmux("send-keys", key)

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def until(self, is_seen: Callable[[str], bool]) -> str:
        """Return the screen once it shows what is waited for."""
        ends = time.monotonic() + PATIENCE_S
        while not is_seen(screen := self.screen()):
            assert time.monotonic() < ends, screen
            time.sleep(0.05)
        return screen

    def at(self, number: int, *texts: str) -> str:
        """Wait for a pair, and for these texts: a screen may be read while it is painted."""
        head = f" pair {number} of 12 "
        return self.until(
            lambda screen: screen.startswith(head) and all(text in screen for text in texts)
        )

    def ended(self, *texts: str) -> str:
        """Wait for the command to end, and for these texts."""
        return self.until(lambda screen: all(text in screen for text in ("ended with", *texts)))

    def pid(self) -> int:
        return int(self._tmux("display-message", "-p", "#{pane_pid}"))

    def close(self) -> None:
        subprocess.run([*self._server, "kill-server"], capture_output=True, check=False)

    @property
    def _server(self) -> list[str]:
        return [str(TMUX), "-S", str(self._folder / f"tmux{self._started}")]

    def _tmux(self, *words: str) -> str:
        command = [*self._server, *words]
        environment = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        return done.stdout


@pytest.fixture(params=[(80, 24), (120, 40)], ids=["80x24", "120x40"])
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path, request.param)
    yield opened
    opened.close()


@pytest.fixture
def command(root: Path, database: Path) -> str:
    """Return the command that reviews the 12 short cases; a line below tells how it ended."""
    words = [sys.executable, "-m", "promptlab", "--project", str(root), "--db", str(database)]
    words += ["review", "--pairs", "--rater", "ann"]
    for case in SHORT:
        words += ["--case", case]
    return f"{shlex.join(words)}; echo ended with $?; sleep 1000"


def verdicts(database: Path) -> list[tuple[object, ...]]:
    sql = "SELECT verdict, note, tags FROM ratings ORDER BY created_at"
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.execute(sql))


def test_ten_pairs_a_note_an_undo_and_the_next_day_it_goes_on_at_eleven(
    terminal: Terminal, command: str, database: Path
) -> None:
    terminal.start(command)
    terminal.at(1, "0 rated, ann", "No verdict yet.")
    for number, key in enumerate(["Left", "Right", "t", "Left", "l", "r", "=", "Right", "Left"]):
        terminal.keys(key)
        terminal.at(number + 2)
    terminal.keys("n")
    terminal.until(lambda screen: "Note on this pair" in screen)
    terminal.keys("much too long", "Enter")
    terminal.until(lambda screen: "much too long" in screen and "Note on" not in screen)
    terminal.keys("Left")
    terminal.at(11)
    terminal.keys("u")
    terminal.at(10, "9 rated, ann", "much too long")  # the note was written before
    terminal.keys("Right")
    terminal.at(11)
    terminal.keys("q")
    terminal.ended("ann has rated 10 of 12 pairs of run", "ended with 0")
    kept = verdicts(database)
    left, right = ("left", "", "[]"), ("right", "", "[]")
    tie = ("tie", "", "[]")
    assert kept[:-1] == [left, right, tie, left, left, right, tie, right, left]
    assert kept[-1] == ("right", "much too long", "[]")
    terminal.close()
    terminal.start(command)
    terminal.at(11, "10 rated, ann", "No verdict yet.")


def test_a_killed_review_loses_nothing(terminal: Terminal, command: str, database: Path) -> None:
    terminal.start(f"exec {command.partition(';')[0]}")
    terminal.at(1)
    terminal.keys("Left")
    terminal.at(2)
    terminal.keys("t")
    terminal.at(3)
    os.kill(terminal.pid(), signal.SIGKILL)
    terminal.close()
    assert [verdict for verdict, *_ in verdicts(database)] == ["left", "tie"]
    terminal.start(command)
    terminal.at(3, "2 rated, ann")


def test_the_terminal_is_given_back_as_it_was(terminal: Terminal, command: str) -> None:
    shell = command.replace("sleep 1000", "stty -a; sleep 1000")
    terminal.start(shell)
    terminal.at(1)
    terminal.keys("C-c")
    terminal.ended("ended with 0", " icanon", " echo ")
