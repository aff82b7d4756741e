"""The rims of the command line: pipes, terminals, disks, environments, our own bugs."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from promptlab.core.errors import StoreError
from promptlab.store.connection import connect

from .conftest import Promptlab, edit, query, spawn

COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3|4|9|10)\d(?:;\d+)*m")
# A file of this process cannot grow beyond that: what a full disk does, for one process alone.
SMALL_DISK = """
import resource, sys
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from promptlab.cli import main
main()
"""


# Pipes

LIKE_IT = ("show --json", "template show greet", "--help")


@pytest.mark.parametrize(
    "words",
    [
        "show",
        *(pytest.param(line, marks=pytest.mark.slow) for line in LIKE_IT),
    ],
)
def test_a_reader_that_goes_away_is_no_mistake(ran_project: Path, words: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "promptlab", *words.split()],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


# Terminals


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize(
    "words",
    ["run greet", "run greet --dry-run", "show", "show --full", "runs", "template list",
     "template log greet", "scorer list", "scorer show length", "db stats", "backend list"],
)  # fmt: skip
def test_output_fits_the_terminal(
    ran_project: Path, promptlab: Promptlab, monkeypatch: pytest.MonkeyPatch, words: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    ran = promptlab(*words.split())
    assert ran.code == 0
    tables = [line for line in ran.out.splitlines() if not _is_prose(line)]
    assert max(map(len, tables), default=0) <= width
    assert "…" not in ran.out


def _is_prose(line: str) -> bool:
    """Tell a sentence that a terminal may wrap from a line of a table."""
    return line.startswith(("Run ", "Kinds: ", "Your own function", "No backend"))


def test_no_color_is_heard(
    ran_project: Path, promptlab: Promptlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b" not in promptlab("show").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert COLOUR.search(promptlab("show").out)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not COLOUR.search(promptlab("show").out)


def test_markup_in_names_and_answers_is_text(project: Path, promptlab: Promptlab) -> None:
    edit(project / "suites/people.jsonl", '"Ada"', '"[red]Ada[/red] :smile: [/]"')
    assert promptlab("run", "greet").code == 0
    assert "Say hello to [red]Ada[/red] :smile: [/]." in promptlab("show").out


@pytest.mark.slow
def test_a_terminal_that_knows_no_sign_gets_another(ran_project: Path) -> None:
    edit(ran_project / "suites/people.jsonl", "Ada", "Zoë")
    ran = spawn("run", "greet", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert ran.returncode == 0
    assert "greet@v1" in ran.stdout
    shown = spawn("show", "--json", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert "Say hello to Zo\\u00eb." in shown.stdout


# Disks


def test_a_full_disk_loses_nothing(ran_project: Path, promptlab: Promptlab) -> None:
    cases = "".join(f'{{"id": {n}, "name": "N{n} {"x" * 900}"}}\n' for n in range(150))
    (ran_project / "suites/people.jsonl").write_text(cases, encoding="utf-8")
    size = (ran_project / "promptlab.db").stat().st_size
    ran = spawn(str(size + 500_000), "run", "greet", code=SMALL_DISK)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert re.fullmatch(
        r"(stopped: \d+ of 300 trials are stored; finish with: promptlab resume \S+\n)?"
        r"Error: .*promptlab\.db: the disk .*; what was stored before is safe \(.*resume\)\n",
        ran.stderr,
    )
    assert query(ran_project, "SELECT count(*) FROM trials WHERE run = 1") == [(6,)]
    assert promptlab("db", "verify").out == "The database is sound.\n"
    assert promptlab("resume").code == 0
    assert query(ran_project, "SELECT count(*) FROM trials") == [(306,)]
    assert promptlab("db", "verify").out == "The database is sound.\n"


@pytest.mark.parametrize(
    "words", ["run greet --dry-run", "runs", "show", "compare", "db verify", "template log greet"]
)
def test_the_database_of_an_older_promptlab_is_read(
    ran_project: Path, promptlab: Promptlab, words: str
) -> None:
    query(ran_project, "PRAGMA journal_mode = DELETE")
    for column in ("spent_calls", "spent_cost_usd", "unpriced_answers"):
        query(ran_project, f"ALTER TABLE runs DROP COLUMN {column}")
    with closing(sqlite3.connect(ran_project / "promptlab.db")) as database, database:
        database.execute("DELETE FROM _sqlite_migrations WHERE name = '0004_spent'")
    ran = promptlab(*words.split())
    assert (ran.code, ran.err) == (0, "")
    assert query(ran_project, "SELECT spent_calls FROM runs") == [(None,)]


def test_a_read_only_database_says_so(ran_project: Path) -> None:
    connection = connect(ran_project / "promptlab.db", readonly=True)
    with pytest.raises(StoreError, match="its file or folder is read-only") as caught:
        connection.execute("DELETE FROM trials")
    connection.close()
    assert "make both writable" in (caught.value.hint or "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_can_be_read_but_not_run(
    ran_project: Path, promptlab: Promptlab
) -> None:
    for path in (ran_project / "promptlab.db", ran_project):
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        assert promptlab("show").code == 0
        ran = promptlab("run", "greet")
    finally:
        ran_project.chmod(0o755)
    assert ran.code == 2
    assert ran.err.startswith(f"Error: {ran_project}/promptlab.db: the database cannot be")


# Environments


@pytest.mark.slow
def test_weights_that_are_nowhere(ran_project: Path) -> None:
    home = str(ran_project / "home")
    ran = spawn("run", "greet", "-b", "hf:nobody/none", HF_HUB_OFFLINE="1", HF_HOME=home, HOME=home)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert re.fullmatch(
        r"Error: -b hf:nobody/none: weights of nobody/none are not on this machine.*\(.*\)\n",
        ran.stderr,
    )


# Our own bugs


def test_a_bug_is_reported_in_one_line_with_the_file_of_its_traceback(
    promptlab: Promptlab,
    broken_verb: Callable[[Callable[[], None]], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    broken_verb(lambda: [][1])
    ran = promptlab("broken")
    assert (ran.code, ran.out) == (3, "")
    match = re.fullmatch(r"Error: a bug in promptlab; its traceback is in (\S+)\n", ran.err)
    assert match
    kept = Path(match[1]).read_text(encoding="utf-8")
    assert kept.startswith("promptlab 0.1.0, Python 3")
    assert "IndexError: list index out of range" in kept
