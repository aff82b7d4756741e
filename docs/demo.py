"""What the demo says: recorded once on the real model, concluded anew whenever the docs are built.

    python -m docs.demo     # run both suites of the demo again, and keep what the model answered

`demo.sqlite.gz` is the database of `make demo` and of the suite `habits`. `said` returns what this
version prints from it at 80 columns. A test compares the recorded answers with the model's.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import shlex
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from unittest.mock import patch

from promptlab.cli import run_cli

ROOT = Path(__file__).parents[1]
RECORDED = Path(__file__).with_name("demo.sqlite.gz")
DATABASE = "promptlab.db"
SUITES = ("habits", "sentiment")  # the newest run is that of `make demo`

_PARTS = ("templates", "suites", "pyproject.toml")
_SCREEN = {"COLUMNS": "80", "NO_COLOR": "1"}
_WITHOUT_MACHINE = """
    UPDATE runs SET pid = 0, host = '', process_started = NULL, heartbeat = NULL, place = NULL
"""


@cache
def said(*commands: str) -> str:
    """Return what the last of these commands prints on stdout after the demo, as a block."""
    with in_project():
        Path(DATABASE).write_bytes(gzip.decompress(RECORDED.read_bytes()))
        for command in commands:
            code, out = typed(command)
            assert code == 0, (command, out)
    language = "diff" if command.startswith("diff") else "text"
    lines = "\n".join(line.rstrip() for line in out.strip("\n").splitlines())
    return f"```{language}\n{lines}\n```"


def record() -> None:
    """Run the suites of the demo on the real model, with nothing stored, and keep the database."""
    with in_project():
        for suite in SUITES:
            code, out = typed(f"run {suite}")
            assert code == 0, out
        with closing(sqlite3.connect(DATABASE)) as database:
            database.execute(_WITHOUT_MACHINE)
            database.commit()
            database.execute("VACUUM")
        RECORDED.write_bytes(gzip.compress(Path(DATABASE).read_bytes(), 9, mtime=0))


@contextlib.contextmanager
def in_project() -> Iterator[None]:
    """Work in a copy of the demo's project, without a database."""
    with tempfile.TemporaryDirectory() as name:
        for part in _PARTS:
            source, target = ROOT / part, Path(name) / part
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
        with contextlib.chdir(name):
            yield


def typed(command: str) -> tuple[int, str]:
    """Run a command in this process; return how it ended and what it wrote on stdout."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n") for _ in range(2))
    with (
        patch.dict(os.environ, _SCREEN),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = run_cli(shlex.split(command))
    out.flush()
    out.seek(0)
    return code, out.read()


if __name__ == "__main__":
    record()
