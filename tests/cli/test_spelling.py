"""Numbers keep their spelling from the file of cases to the prompt, the grade and the store."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import Promptlab, query

SUITE = """\
templates: [price]
backends: [echo]
cases: {file}
scorers:
  - exact_match
  - exact_match: {{target: [3.10, 1e3], name: written}}
  - numeric: {{target: "{{{{ expect }}}}"}}
"""
FILES = {
    "c.yaml": "- {id: a, x: 3.10, expect: 3.10}\n- {id: b, x: 1e3, expect: [1e3]}\n",
    "c.jsonl": '{"id": "a", "x": 3.10, "expect": 3.10}\n{"id": "b", "x": 1e3, "expect": [1e3]}\n',
}


@pytest.fixture
def priced(project: Path) -> Path:
    (project / "templates/price").mkdir()
    (project / "templates/price/v1.j2").write_text("{{ x }}", encoding="utf-8")
    return project


@pytest.mark.parametrize("file", FILES)
def test_a_number_reaches_model_and_scorer_as_it_was_written(
    priced: Path, promptlab: Promptlab, file: str
) -> None:
    (priced / "suites" / file).write_text(FILES[file], encoding="utf-8")
    suite = SUITE.format(file=file).replace('  - numeric: {target: "{{ expect }}"}\n', "")
    (priced / "suites/price.yaml").write_text(suite, encoding="utf-8")
    assert promptlab("run", "price").code == 0
    rows = query(priced, "SELECT case_id, scorer, output, score FROM results ORDER BY 1, 2")
    assert rows == [
        ("a", "exact_match", "3.10", 1.0),
        ("a", "written", "3.10", 1.0),
        ("b", "exact_match", "1e3", 1.0),
        ("b", "written", "1e3", 1.0),
    ]
    assert promptlab("db", "verify").code == 0


def test_a_run_that_is_resumed_says_the_same(priced: Path, promptlab: Promptlab) -> None:
    (priced / "suites/c.yaml").write_text("- {id: a, x: 3.10, expect: 3.10}\n", encoding="utf-8")
    (priced / "suites/price.yaml").write_text(SUITE.format(file="c.yaml"), encoding="utf-8")
    assert promptlab("run", "price", "--max-calls", "0").code == 4
    (priced / "suites/c.yaml").unlink()
    assert promptlab("resume", "--max-calls", "9").code == 0
    assert query(priced, "SELECT scorer, output, score FROM results ORDER BY 1") == [
        ("exact_match", "3.10", 1.0),
        ("numeric", "3.10", 1.0),
        ("written", "3.10", 1.0),
    ]
    with closing(sqlite3.connect(priced / "promptlab.db")) as opened:
        assert opened.execute("SELECT vars, expect FROM cases").fetchall() == [
            ('{"x":3.10}', "3.10")
        ]
