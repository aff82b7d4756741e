"""A project with two versions that `echo` has answered, to be reviewed."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from promptlab.cli import run_cli
from promptlab.core.ratings import Kind
from promptlab.workbench.bench import Workbench
from promptlab.workbench.rating_of_run import RunReview, Selection, open_review
from promptlab.workbench.session import Session

Open = Callable[..., AbstractContextManager[RunReview]]
SHORT = tuple(f"c{n:02}" for n in range(12))
LONG = " ".join(f"word{n}" for n in range(300))

FILES = {
    "templates/thanks/v1.j2": "Dear {{ name }}, thank you very much for the {{ gift }}.",
    "templates/thanks/v2.j2": "Hello {{ name }}! Thank you for the {{ gift }}.",
    "suites/thanks.yaml": 'templates: ["thanks@*"]\nbackends: [echo]\ncases: cases.jsonl\n'
    "scorers: [{length: {unit: words, max: 7}}]\n",
}


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("reviewed")
    rows = [
        {"id": case, "name": f"Ada {n}", "gift": f"[b]lamp[/b] {n}", "expect": "Thanks her."}
        for n, case in enumerate(SHORT)
    ]
    rows.append({"id": "long", "name": "Ada", "gift": LONG, "expect": "Thanks her."})
    files = {**FILES, "suites/cases.jsonl": "".join(json.dumps(row) + "\n" for row in rows)}
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert run_cli(["--project", str(root), "run", "thanks", "--json"]) == 0
    return root


@pytest.fixture
def database(_made: Path, tmp_path: Path) -> Path:
    """Return a copy of the database of its one run."""
    path = tmp_path / "promptlab.db"
    path.write_bytes((_made / "promptlab.db").read_bytes())
    return path


@pytest.fixture
def root(_made: Path) -> Path:
    """Return the project's folder, whose own database no test changes."""
    return _made


@pytest.fixture
def opened(_made: Path, database: Path) -> Open:
    """Return a function that opens the run for `ann`, by default on the 12 short cases."""

    def open_(kind: Kind, cases: tuple[str, ...] = SHORT) -> AbstractContextManager[RunReview]:
        bench = Workbench(Session(folder=_made, database=database))
        return open_review(bench, "latest", Selection(kind=kind, cases=cases), "ann")

    return open_
