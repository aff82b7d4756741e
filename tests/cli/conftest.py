"""A small project with one finished run, and the command line as a function."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

from promptlab.cli import VERBS, run_cli

FILES = {
    "templates/greet/v1.j2": "Say hello to {{ name }}.\n",
    "templates/greet/v2.j2": """\
---
description: Sets the tone.
parent: v1
practices: [clear]
---
{% system %}You greet people.{% endsystem %}
{% user %}
Say hello to {{ name }}{% practice "clear" %} in one word{% endpractice %}.
{% enduser %}
""",
    "suites/greet.yaml": """\
description: Do they greet?
templates: ["greet@*"]
backends: [echo]
cases: people.jsonl
scorers:
  - contains: {any: ["{{ name }}"]}
  - length: {unit: words, max: 5}
""",
    "suites/people.jsonl": """\
{"id": "ada", "name": "Ada", "tags": ["short"]}
{"id": "ben", "name": "Benjamin", "tags": ["long"]}
{"id": "eve", "name": "Eve", "tags": ["short"]}
""",
}


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


Promptlab = Callable[..., Ran]
Gold = Callable[[str, str, str], None]
_TAKEN = re.compile(r" in \d+ s;")
_RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
GOLD = Path(__file__).parent.parent / "gold"


@pytest.fixture
def promptlab(capsys: pytest.CaptureFixture[str]) -> Promptlab:
    """Return the command line: words in, exit code and output back."""

    def run(*words: str) -> Ran:
        capsys.readouterr()
        code = run_cli(list(words))
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every test the same terminal, and an import path of its own."""
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "path", sys.path.copy())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with two versions, three cases and no run yet, and go there."""
    root = tmp_path / "project"
    _write(root)
    monkeypatch.chdir(root)
    return root


def _write(root: Path) -> None:
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def _one_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the database of one finished run of `greet`."""
    root = tmp_path_factory.mktemp("one_run")
    _write(root)
    assert run_cli(["--project", str(root), "run", "greet", "--json"]) == 0
    return root / "promptlab.db"


@pytest.fixture
def ran_project(project: Path, _one_run: Path) -> Path:
    """Return the project with one finished run."""
    shutil.copy(_one_run, project / "promptlab.db")
    return project


def edit(path: Path, old: str, new: str) -> None:
    """Replace a piece of a file, which must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def spawn(
    *words: str, code: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command line, or other code around it, in a process of its own."""
    command = ["-m", "promptlab"] if code is None else ["-c", code]
    return subprocess.run(
        [sys.executable, *command, *words],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def alone(root: Path, *words: str, limit_s: float = 60) -> Ran:
    """Run the command line in a process of its own, in the folder of a project."""
    done = subprocess.run(
        [sys.executable, "-m", "promptlab", *words],
        capture_output=True,
        text=True,
        cwd=root,
        timeout=limit_s,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def with_scorer(root: Path, code: str) -> None:
    """Let the suite grade with `tone` of a module `mine` that holds this code."""
    (root / "mine.py").write_text(code, encoding="utf-8")
    edit(root / "suites/greet.yaml", "  - length", "  - mine:tone\n  - length")


def with_backend(root: Path, code: str, kind: str = "mine:Mine") -> None:
    """Let the suite ask a backend of a module `mine` that holds this code."""
    (root / "mine.py").write_text(code, encoding="utf-8")
    (root / "promptlab.toml").write_text(f'[backends.mine]\nkind = "{kind}"\n', encoding="utf-8")
    edit(root / "suites/greet.yaml", "[echo]", "[mine]")


def query(root: Path, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Ask the project's database, as a user would with sqlite3."""
    with closing(sqlite3.connect(root / "promptlab.db")) as database:
        return list(database.execute(sql, parameters))


def sections(file: str) -> dict[str, str]:
    """Read a file of `tests/gold`: texts by their heading, a line that begins with `## `."""
    path = GOLD / file
    parts = path.read_text(encoding="utf-8").split("## ")[1:] if path.exists() else []
    return {heading: text for heading, _, text in (part.partition("\n") for part in parts)}


@pytest.fixture
def gold() -> Gold:
    """Return a function that compares a text with the one kept under a heading of a gold file.

    With PROMPTLAB_GOLD=write in the environment it keeps the text instead.
    """

    def compare(file: str, heading: str, text: str) -> None:
        kept = sections(file)
        text = _TAKEN.sub(" in 0 s;", _RUN_ID.sub("YYYYMMDD-HHMMSS-xxxx", text))
        text = "\n".join(line.rstrip() for line in text.splitlines()) + "\n\n"
        if os.environ.get("PROMPTLAB_GOLD") == "write":
            kept[heading] = text
            written = "".join(f"## {name}\n{kept[name]}" for name in kept)
            (GOLD / file).write_text(written, encoding="utf-8")
        assert kept[heading] == text

    return compare


@pytest.fixture
def broken_verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Return a function that adds a built-in verb `broken`, which does the given work."""

    def add(work: Callable[[], None]) -> None:
        module = ModuleType("promptlab.cli.broken")
        module.__dict__["broken"] = click.Command("broken", callback=work)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(VERBS, "broken", ("broken:broken", "A verb with a bug."))

    return add
