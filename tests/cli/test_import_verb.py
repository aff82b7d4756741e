"""`promptlab import`: outcomes that were measured elsewhere are a run like any other."""

from __future__ import annotations

import csv
import json
import re
from itertools import chain
from pathlib import Path

import pytest

from promptlab.report.documents.run import run_json
from promptlab.report.views.run import run_view
from promptlab.store import Store
from promptlab.workbench.runs import read_run
from promptlab.workbench.session import Session

from .conftest import Promptlab, query

BBH = Path(__file__).parents[3] / "shared/data/bbh/codex_direct_vs_cot.csv"
FEW = """\
template,case,score,output,output_tokens,practices
direct,a,1,yes,1,
cot,a,1,"so, yes",3,reasoning
direct,b,0,no,1,
cot,b,pass,,,reasoning
cot,c,,maybe,,reasoning
"""
PER_TASK = """
SELECT version, case_group, count(*), avg(score) FROM results
WHERE scorer = 'exact_match' GROUP BY version, case_group
"""


@pytest.fixture
def few(project: Path) -> Path:
    """Return a file of five outcomes, with a hole and an unknown score, in the project."""
    path = project / "few.csv"
    path.write_text(FEW, encoding="utf-8")
    return path


def test_it_shows_what_a_run_shows(few: Path, promptlab: Promptlab) -> None:
    ran = promptlab("import", "few.csv", "--suite", "bbh")
    assert (ran.code, ran.err) == (0, "")
    [(run_id, status, overrides)] = query(few.parent, "SELECT run_id, status, overrides FROM runs")
    assert (status, json.loads(overrides)) == ("finished", {"imported": "few.csv"})
    assert re.search(r"^bbh@direct +2 +50\.0 %", ran.out, re.MULTILINE)
    assert re.search(r"^bbh@cot \(reasoning\) +2 +100\.0 %", ran.out, re.MULTILINE)
    last = [f"Run {run_id}: 5 trials imported from few.csv.", "Next: promptlab compare"]
    assert ran.out.splitlines()[-2:] == last
    assert promptlab("show", "--full", "--case", "b").code == 0
    [run] = json.loads(promptlab("runs", "--json").out)
    assert (run["trials"], run["stored"], run["status"]) == (5, 5, "finished")


def test_it_shows_as_json_what_was_imported(few: Path, promptlab: Promptlab) -> None:
    ran = promptlab("import", str(few), "--suite", "bbh", "--json")
    document = json.loads(ran.out)
    assert document.pop("run") == query(few.parent, "SELECT run_id FROM runs")[0][0]
    arms = ["bbh@direct on imported", "bbh@cot on imported"]
    assert document == {"suite": "bbh", "trials": 5, "cases": 3, "arms": arms}


def test_what_is_unknown_is_null(few: Path, promptlab: Promptlab) -> None:
    promptlab("import", "few.csv", "--suite", "bbh")
    sql = "SELECT version, case_id, score, passed, output, output_tokens, cost_usd FROM results"
    assert query(few.parent, f"{sql} ORDER BY case_id, version") == [
        ("cot", "a", 1, 1, "so, yes", 3, None),
        ("direct", "a", 1, 1, "yes", 1, None),
        ("cot", "b", 1, 1, None, None, None),
        ("direct", "b", 0, 0, "no", 1, None),
        ("cot", "c", None, None, "maybe", None, None),
    ]


def test_columns_of_other_tools_are_given_a_role(project: Path, promptlab: Promptlab) -> None:
    rows = [{"prompt": "v1", "test": 1, "score": True}, {"prompt": "v1", "test": 2, "score": None}]
    rows = [{**row, "latencyMs": 12} for row in rows]
    (project / "o.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    words = ["import", "o.jsonl", "--suite", "x", "--column", "template=prompt"]
    ran = promptlab(*words, "--column", "case=test")
    assert ran.code == 2
    assert ran.err.startswith("Error: o.jsonl:1: unknown column 'latencyMs' (known: ")
    ran = promptlab(*words, "--column", "case=test", "--ignore-unknown")
    assert ran.code == 0
    assert ran.out.endswith(": 2 trials imported from o.jsonl.\n")  # one arm: nothing to compare
    assert query(project, "SELECT case_id, score FROM results") == [("1", 1), ("2", None)]


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        (
            FEW,
            ["--suite", "a@b"],
            "--suite: 'a@b' is not a valid suite name (use letters, digits, _ ",
        ),
        (FEW, ["--suite", " "], "--suite: ' ' is not a valid suite name"),
        (FEW, [], "missing option '--suite' (see promptlab import --help)"),
        (FEW, ["--suite", "x", "--column", "case"], "--column case does not name a role and a"),
        (FEW, ["--suite", "x", "--column", "=case"], "--column =case does not name a role and"),
        (
            FEW,
            ["--suite", "x", "--column", "case=output", "--column", "case=score"],
            "--column case is given twice (keep one of them)",
        ),
        ("", ["--suite", "x"], "few.csv: there are no outcomes (add at least one row)"),
        ("template,case,score\n", ["--suite", "x"], "few.csv: there are no outcomes (add"),
        ("template,case\nv1,a\n", ["--suite", "x"], "few.csv:1: the column 'score' is missing"),
        (
            "template,case,score\nv1,a,1\nv1,b,nan\n",
            ["--suite", "x"],
            "few.csv:3: score: expected a number, found 'nan' (leave the cell empty where it is",
        ),
        (
            "template,case,score\nv1,a,1\nv2,a,1\nv1,a,0\n",
            ["--suite", "x"],
            "few.csv:4: the same trial is already at few.csv:2 (give each of them a `repeat`)",
        ),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_stored(
    few: Path, promptlab: Promptlab, text: str, words: list[str], expected: str
) -> None:
    few.write_text(text, encoding="utf-8")
    ran = promptlab("import", "few.csv", *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"Error: {expected}")
    assert ran.err.count("\n") == 1
    assert not (few.parent / "promptlab.db").exists()


def test_a_missing_file_is_reported(project: Path, promptlab: Promptlab) -> None:
    ran = promptlab("import", "none.csv", "--suite", "x")
    assert (ran.code, ran.err) == (2, "Error: none.csv: no such file (check the path)\n")
    assert not (project / "promptlab.db").exists()


def test_an_imported_run_cannot_be_resumed(few: Path, promptlab: Promptlab) -> None:
    promptlab("import", "few.csv", "--suite", "bbh")
    ran = promptlab("resume", "latest")
    assert (ran.code, ran.out) == (2, "")
    assert " was imported from few.csv (there is nothing to resume" in ran.err
    assert query(few.parent, "SELECT status FROM runs") == [("finished",)]


def test_resume_passes_over_an_import_that_broke_off(few: Path, promptlab: Promptlab) -> None:
    promptlab("import", "few.csv", "--suite", "bbh")
    _interrupt(few.parent)
    ran = promptlab("resume")
    assert (ran.code, "no run was interrupted" in ran.err) == (2, True)


def _interrupt(root: Path) -> None:
    with Store.open(root / "promptlab.db", Session.now) as store:
        store.end_run(store.find_run(), "interrupted")


def test_the_database_stays_sound(few: Path, promptlab: Promptlab) -> None:
    promptlab("import", "few.csv", "--suite", "bbh")
    promptlab("import", "few.csv", "--suite", "bbh")
    assert promptlab("db", "verify").out == "The database is sound.\n"


@pytest.mark.slow
@pytest.mark.skipif(not BBH.exists(), reason="needs the outcomes of BIG-Bench Hard")
def test_published_outcomes_keep_their_accuracies(project: Path, promptlab: Promptlab) -> None:
    expected: dict[tuple[str, str], list[float]] = {}
    with BBH.open(encoding="utf-8") as read, (project / "long.csv").open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["template", "case", "group", "score", "scorer", "backend"])
        for row in csv.DictReader(read):
            for arm in ("direct", "cot"):
                case = f"{row['task']}/{row['case']}"
                writer.writerow([arm, case, row["task"], row[arm], "exact_match", "codex"])
                expected.setdefault((arm, row["task"]), []).append(float(row[arm]))
    assert promptlab("import", "long.csv", "--suite", "bbh").code == 0
    stored = {(arm, task): (n, mean) for arm, task, n, mean in query(project, PER_TASK)}
    means = {key: (len(scores), sum(scores) / len(scores)) for key, scores in expected.items()}
    assert stored == means
    with Store.open(project / "promptlab.db", Session.now, readonly=True) as store:
        document = run_json(run_view(read_run(store, store.find_run())), calls=0)
    arms = document["arms"]
    assert isinstance(arms, list)
    assert [arm["arm"] for arm in arms] == ["bbh@direct on codex", "bbh@cot on codex"]
    for arm in arms:
        of_arm = [scores for (name, _), scores in expected.items() if name == arm["version"]]
        every = list(chain(*of_arm))
        [score] = arm["scores"]
        assert (score["n"], score["n_groups"]) == (len(every), len(of_arm))
        assert score["mean"] == pytest.approx(sum(every) / len(every))
