"""A project with one run, and the viewer of its database without a server."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from promptlab.cli import run_cli
from promptlab.viewer.app import make_app
from promptlab.viewer.desk import Desk
from promptlab.workbench.session import Session

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
MOVING = "\u202eturned\u202c \x1b[31mred\x1b[0m </script>"
CHECKS = '''\
from promptlab import Score


def right(sample):
    """Right where the version's range holds the rank of the case."""
    version = sample.turns[0].completion.text.rsplit("#", 1)[1][:1]
    low, high = {"1": (0, 6), "2": (3, 12), "3": (6, 13)}[version]
    passed = low <= sample.case.vars["rank"] < high
    return Score(float(passed), passed, reason=f"rank {sample.case.vars['rank']} <b>!</b>")
'''
FILES = {
    "templates/thanks/v1.j2": "Dear {{ name }}, thank you for the {{ gift }}. #1",
    "templates/thanks/v2.j2": (
        "---\nparent: v1\npractices: [clear]\n---\n"
        "Hello {{ name }}! Thank you for the {{ gift }}.\nIt is great. #2"
    ),
    "templates/thanks/v3.j2": (
        "---\nparent: v2\n---\n"
        "Hi {{ name }}! Thanks a lot for the {{ gift }}.\nIt is great.\nBye! #3"
    ),
    "suites/thanks.yaml": (
        'templates: ["thanks@*"]\nbackends: [echo]\ncases: cases.jsonl\nprimary: right\n'
        "scorers:\n  - checks_of_viewer:right\n  - length: {unit: words, max: 12}\n"
    ),
    "checks_of_viewer.py": CHECKS,
}


def cases() -> str:
    """Return twelve tame cases, and one whose every part is hostile."""
    rows: list[dict[str, Any]] = [
        {
            "id": f"c{rank:02}",
            "vars": {"name": f"Ada {rank}", "gift": f"lamp{rank}", "rank": rank},
            "expect": "Thanks her.",
            "tags": ["even" if rank % 2 == 0 else "odd"],
        }
        for rank in range(12)
    ]
    hostile = {"name": HOSTILE, "gift": MOVING, "rank": 12}
    rows.append({"id": "<b>a/b</b>~", "vars": hostile, "expect": HOSTILE, "tags": ["<i>t</i>"]})
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def typed(root: Path, *words: str) -> int:
    """Run a verb in a project, with an import path of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", sys.path.copy())
        return run_cli(["--project", str(root), *words])


def told(root: Path, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """Return the JSON document of a verb."""
    capsys.readouterr()
    assert typed(root, *words, "--json") == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with a run of three versions on thirteen cases; no test changes it."""
    root = tmp_path_factory.mktemp("viewed")
    for name, text in {**FILES, "suites/cases.jsonl": cases()}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert typed(root, "run", "thanks", "--json") == 0
    return root


@pytest.fixture
def database(root: Path, tmp_path: Path) -> Path:
    """Return a copy of the database, for tests that change it."""
    path = tmp_path / "promptlab.db"
    path.write_bytes((root / "promptlab.db").read_bytes())
    return path


@dataclass(frozen=True)
class Viewed:
    """A viewer and a browser that asks it."""

    desk: Desk
    client: TestClient

    def get(self, address: str, **options: Any) -> str:
        """Return the text of a page that must be there."""
        response = self.client.get(address, **options)
        assert response.status_code == 200, response.text[-2000:]
        return response.text


def _fails(error: Exception) -> str:
    raise error


Viewing = Callable[..., Viewed]


@pytest.fixture(scope="session")
def viewing(root: Path) -> Viewing:
    """Return a function that starts a viewer of the project, or of another database of it."""

    def start(database: Path | None = None) -> Viewed:
        desk = Desk(Session(folder=root, database=database))
        app = make_app(desk, _fails)
        client = TestClient(app, base_url="http://127.0.0.1:8642", follow_redirects=False)
        return Viewed(desk, client)

    return start


@pytest.fixture(scope="session")
def viewed(viewing: Viewing) -> Viewed:
    """Return the viewer of the project, which no test changes."""
    return viewing()
