"""A scorer that was edited: no comparison concludes from it before both sides are graded again."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from promptlab.scorers.registry import get_scorer

from .conftest import Promptlab, alone, edit, query

Document = Callable[..., Any]

LIMITS = "LIMIT = 6\n"
HELPER = "from limits import LIMIT\n\ndef long(text):\n    return len(text.split()) > LIMIT\n"
SCORER = "from helper import long\n\ndef tone(sample):\n    return not long(sample.output)\n"
SUITE = """\
templates: ["greet@v1"]
backends: [echo]
cases: [{cases}]
scorers: ["mine:tone", {{length: {{max: 5}}}}]
"""
CASES = ", ".join(
    f'{{id: c{place}, name: "{"very " * (place % 3)}Ada{place}"}}' for place in range(40)
)


@pytest.fixture
def graded(project: Path, promptlab: Promptlab) -> Path:
    """Return a project with a scorer of its own in three files, and a run of each version."""
    for name, text in {"limits": LIMITS, "helper": HELPER, "mine": SCORER}.items():
        (project / f"{name}.py").write_text(text, encoding="utf-8")
    (project / "suites/greet.yaml").write_text(SUITE.format(cases=CASES), encoding="utf-8")
    assert promptlab("run", "greet").code == 0
    return project


@pytest.fixture
def document(promptlab: Promptlab) -> Document:
    """Return the command line as a function that gives the JSON document it prints."""

    def run(*words: str, code: int = 0) -> Any:
        ran = promptlab(*words, "--json")
        assert ran.code == code, ran.err
        return json.loads(ran.out)

    return run


def compared(document: Document) -> Any:
    [one] = document("compare", "latest", "-2", "--scorer", "tone")["comparisons"]
    return one


EDITS = [
    ("limits.py", "6", "5"),
    ("helper.py", "text.split()", "text.split(' ')"),
    ("mine.py", "sample.output", "sample.output.strip()"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("file", "old", "new"), EDITS)
def test_an_edit_in_any_of_its_files_makes_another_scorer(
    graded: Path, document: Document, file: str, old: str, new: str
) -> None:
    edit(graded / file, old, new)
    assert document("run", "greet", "-t", "greet@v2")["calls"] == 40
    refused = compared(document)
    newest, first = (run["run"] for run in document("runs"))
    assert refused["verdict"] == "refused"
    expected = f"grade both again (promptlab score {newest}; promptlab score {first})"
    assert expected in str(refused["reason"])
    done = document("score", first)
    assert [(each["scorer"], each["scores"]) for each in done["scorers"]] == [
        ("tone", 40),
        ("length", 40),
    ]
    assert query(graded, "SELECT count(*) FROM generations") == [(80,)]  # no call was made
    assert compared(document)["verdict"] == "better"


def test_what_no_scorer_imports_makes_no_other_scorer(graded: Path, document: Document) -> None:
    (graded / "unrelated.py").write_text("LIMIT = 2\n", encoding="utf-8")
    document("run", "greet", "-t", "greet@v2")
    assert compared(document)["verdict"] == "better"


@pytest.mark.slow
def test_scores_before_are_kept_and_the_newest_count(graded: Path, promptlab: Promptlab) -> None:
    before = query(graded, "SELECT case_id, score FROM results WHERE scorer = 'tone'")
    edit(graded / "limits.py", "6", "5")
    ran = promptlab("score", "latest", "--scorer", "tone")
    assert ran.code == 0
    assert ran.out.splitlines()[1:] == ["  tone: 40 scores, 13 changed"]
    after = query(graded, "SELECT case_id, score FROM results WHERE scorer = 'tone'")
    assert len(after) == len(before) == 40
    assert sum(score or 0 for _, score in after) == sum(score or 0 for _, score in before) - 13
    assert (
        query(
            graded,
            "SELECT c.case_id, s.score FROM former_scores s JOIN trials t ON t.seq = s.seq"
            " JOIN run_cases p ON p.run = t.run AND p.position = t.case_"
            " JOIN cases c ON c.id = p.case_ ORDER BY s.seq",
        )
        == before
    )
    assert promptlab("db", "verify").code == 0


@pytest.mark.slow
def test_a_suite_that_is_run_again_makes_no_call_and_grades_again(
    graded: Path, document: Document
) -> None:
    edit(graded / "limits.py", "6", "5")
    again = document("run", "greet")
    assert again["calls"] == 0
    means = query(graded, "SELECT avg(score) FROM results WHERE scorer = 'tone' GROUP BY run_id")
    assert len(set(means)) == 2


def test_a_scorer_that_fails_now_is_reported_by_the_exit_code(
    graded: Path, document: Document
) -> None:
    (graded / "mine.py").write_text("def tone(sample):\n    raise SystemExit\n", encoding="utf-8")
    grading = document("score", code=4)["scorers"][0]
    assert (grading["failed"], grading["changed"]) == (40, 40)


def test_what_cannot_be_graded_again(graded: Path, promptlab: Promptlab, tmp_path: Path) -> None:
    shown = promptlab("score", "--scorer", "tune")
    assert (shown.code, "unknown scorer 'tune'" in shown.err) == (2, True)
    rows = tmp_path / "outcomes.csv"
    rows.write_text("template,case,score\na@v1,x,1\na@v2,x,0\n", encoding="utf-8")
    assert promptlab("import", str(rows), "--suite", "elsewhere").code == 0
    shown = promptlab("score")
    assert shown.code == 2
    assert "was imported from outcomes.csv, with its scores" in shown.err


@pytest.mark.slow
def test_a_grading_that_is_broken_off_leaves_each_scorer_whole(
    graded: Path, document: Document
) -> None:
    before = query(graded, "SELECT * FROM scores")
    shutil.copy(graded / "mine.py", graded / "kept.py")
    dies = "import os\nfrom helper import long\n\ndef tone(sample):\n    os._exit(9)\n"
    (graded / "mine.py").write_text(dies, encoding="utf-8")
    assert alone(graded, "score").code == 9
    assert query(graded, "SELECT * FROM scores") == before
    assert query(graded, "SELECT count(*) FROM former_gradings") == [(0,)]
    shutil.copy(graded / "kept.py", graded / "mine.py")
    assert document("score")["scorers"][0]["changed"] == 0


@pytest.mark.slow
def test_every_conclusion_is_refused(graded: Path, promptlab: Promptlab) -> None:
    edit(graded / "limits.py", "6", "5")
    gate = "tone: greet@v1 > greet@v2"
    ran = promptlab("run", "greet", "-t", "greet@v2", "--gate", gate)
    assert ran.code == 1
    assert "has no verdict: the scorer 'tone' changed between the runs" in ran.err
    for words in ("diff greet@v1 greet@v2", "practices latest -2"):
        ran = promptlab(*words.split())
        assert "the scorer 'tone' changed between the" in " ".join(ran.out.split()), words


@pytest.mark.slow
def test_a_run_goes_on_with_an_edited_scorer_when_it_is_graded_again(
    graded: Path, promptlab: Promptlab
) -> None:
    assert promptlab("run", "greet", "-t", "greet@v2", "--max-calls", "5").code == 4
    edit(graded / "limits.py", "6", "5")
    refused = promptlab("resume")
    assert refused.code == 2
    assert "scorer 'tone' has changed since the run began" in refused.err
    assert promptlab("score").code == 0
    assert promptlab("resume", "--max-calls", "99").code == 0


@pytest.mark.slow
def test_a_run_goes_on_with_a_scorer_of_ours_that_grades_by_newer_rules(
    graded: Path, promptlab: Promptlab
) -> None:
    assert promptlab("run", "greet", "-t", "greet@v2", "--max-calls", "5").code == 4
    newest = "(SELECT max(run) FROM trials)"
    length = f"run = {newest} AND label = 'length'"
    with closing(sqlite3.connect(graded / "promptlab.db")) as database, database:
        database.execute(f"UPDATE run_scorers SET version = '0' WHERE {length}")
        database.execute(f"UPDATE scores SET score = -1 WHERE run = {newest} AND scorer = 1")
    resumed = promptlab("resume", "--max-calls", "99")
    assert resumed.code == 0
    assert "scorer 'length' grades differently since this run began" in resumed.err
    assert "5 of 5 scores changed" in " ".join(resumed.err.split())
    [(version,)] = query(graded, f"SELECT version FROM run_scorers WHERE {length}")
    assert version == get_scorer("length").version
    assert query(graded, f"SELECT count(*) FROM scores WHERE run = {newest} AND scorer = 1") == [
        (40,)
    ]
