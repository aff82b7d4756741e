"""`promptlab report`: what it writes, where, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from .conftest import Promptlab, spawn

WITHOUT_CHARTS = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "altair":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from promptlab.cli import run_cli
sys.exit(run_cli(["report", "-o", "report.html"]))
"""


@pytest.mark.usefixtures("ran_project")
def test_without_a_file_it_says_how_to_name_one(promptlab: Promptlab) -> None:
    ran = promptlab("report")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "Error: name the file to write (promptlab report -o report.html)\n"


@pytest.mark.usefixtures("ran_project")
def test_its_document_has_what_the_other_verbs_write(promptlab: Promptlab) -> None:
    ran = promptlab("report", "--baseline", "v1", "--json")
    assert (ran.code, ran.err) == (0, "")
    document = json.loads(ran.out)
    assert document["compare"] == json.loads(promptlab("compare", "--baseline", "v1", "--json").out)
    assert document["ledger"] == [json.loads(promptlab("ledger", "greet", "--json").out)]
    matrix = json.loads(promptlab("show", "--matrix", "--json").out)
    for case, shown in zip(matrix["cases"], document["matrix"]["cases"], strict=True):
        for cell, full in zip(case["cells"], shown["cells"], strict=True):
            assert full["score"] == cell["score"]
            trials = [
                {**trial, **known}
                for trial, known in zip(full["trials"], cell["trials"], strict=True)
            ]
            assert trials == full["trials"]
    made = document["made"]
    assert made["report"].startswith("promptlab report ")
    assert "--baseline v1" in made["report"]
    assert made["runs"][0]["command"] == "promptlab run greet"


@pytest.mark.usefixtures("ran_project")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nope", "--json"), "unknown run 'nope'"),
        (("--scorer", "nope", "--json"), "unknown scorer 'nope'"),
        (("--baseline", "v9", "--json"), "v9"),
        (("--min-effect", "5", "--json"), "lie between 0 and 1"),
    ],
)
def test_mistakes_are_told_in_one_line(
    promptlab: Promptlab, words: tuple[str, ...], told: str
) -> None:
    ran = promptlab("report", *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    assert told in ran.err


def test_without_a_database_it_says_so(project: Path, promptlab: Promptlab) -> None:
    ran = promptlab("report", "--json")
    assert ran.code == 2
    assert "there is no database yet" in ran.err


def test_the_demo_ends_with_a_report() -> None:
    makefile = (Path(__file__).parents[2] / "Makefile").read_text(encoding="utf-8")
    demo = makefile.split("\ndemo:")[1].split("\n\n")[0]
    *_, last = re.findall(r"^\t\$\(BIN\)/promptlab (.*)$", demo, re.MULTILINE)
    assert last == "report --baseline sentiment@v1 -o report.html"


@pytest.mark.slow
def test_it_writes_the_page_and_the_charts_and_says_where(
    ran_project: Path, promptlab: Promptlab
) -> None:
    ran = promptlab("report", "-o", "made.html", "--charts", "pictures")
    assert (ran.code, ran.err) == (0, "")
    assert f"Report: {ran_project / 'made.html'}" in ran.out
    assert f"Charts: {ran_project / 'pictures'}" in ran.out
    page = (ran_project / "made.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    names = {path.name for path in (ran_project / "pictures").iterdir()}
    assert {"arms.svg", "arms.png", "differences.svg"} <= names
    assert page.count("<svg") == len(names) // 2


@pytest.mark.slow
def test_it_says_where_it_cannot_write(ran_project: Path, promptlab: Promptlab) -> None:
    ran = promptlab("report", "-o", "no/such/folder/report.html")
    assert ran.code == 2
    assert "no/such/folder/report.html" in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.usefixtures("ran_project")
@pytest.mark.slow
def test_it_says_how_its_extra_is_installed() -> None:
    ran = spawn(code=WITHOUT_CHARTS)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith(
        "Error: charts need the package altair, which is not installed (pip install "
    )
    assert ran.stderr.count("\n") == 1
