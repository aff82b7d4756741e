"""`show --matrix`: cases and arms as a table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import Promptlab, edit

SUITE = """\
templates: ["t@*"]
backends: [echo]
cases: cases.jsonl
scorers:
  - exact_match
  - length
"""


@pytest.fixture
def flipped(project: Path, promptlab: Promptlab) -> Path:
    """Run a suite in which v2 wins c1, loses c4 and is as good as v1 on the others."""
    (project / "templates/t").mkdir()
    (project / "templates/t/v1.j2").write_text("{{ a }}", encoding="utf-8")
    (project / "templates/t/v2.j2").write_text("{{ b }}", encoding="utf-8")
    right = {0: ("y", "y"), 1: ("n", "y"), 2: ("y", "y"), 3: ("n", "n"), 4: ("y", "n")}
    rows = [
        {"id": f"c{n}", "a": a, "b": b, "expect": "y", "tags": ["odd"] * (n % 2), "group": f"g{n}"}
        for n, (a, b) in right.items()
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (project / "suites/cases.jsonl").write_text(text, encoding="utf-8")
    (project / "suites/s.yaml").write_text(SUITE, encoding="utf-8")
    assert promptlab("run", "s").code == 0
    return project


def table(promptlab: Promptlab, *words: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(promptlab("show", "--matrix", *words, "--json").out)
    return document


def test_cases_that_flip_come_first_and_then_the_order_of_the_suite(
    flipped: Path, promptlab: Promptlab
) -> None:
    shown = table(promptlab)
    assert [(row["case_id"], row["flips"]) for row in shown["cases"]] == [
        ("c1", True), ("c4", True), ("c0", False), ("c2", False), ("c3", False),
    ]  # fmt: skip
    assert [[cell["passed"] for cell in row["cells"]] for row in shown["cases"]] == [
        [False, True], [True, False], [True, True], [True, True], [False, False],
    ]  # fmt: skip
    assert (shown["n_cases"], shown["n_flips"], shown["more"]) == (5, 2, False)
    first = shown["cases"][0]
    assert (first["vars"], first["expect"], first["tags"], first["group"]) == (
        {"a": "n", "b": "y"}, "y", ["odd"], "g1",
    )  # fmt: skip
    assert [trial["seq"] for cell in first["cells"] for trial in cell["trials"]] == [2, 3]
    assert {trial["run"] for cell in first["cells"] for trial in cell["trials"]} == {*shown["run"]}


def test_the_table_counts_what_compare_counts(flipped: Path, promptlab: Promptlab) -> None:
    shown = table(promptlab)
    [pair] = json.loads(promptlab("compare", "--json").out)["comparisons"]
    columns = list(
        zip(*([c["score"] for c in row["cells"]] for row in shown["cases"]), strict=True)
    )
    assert [sum(column) / 5 for column in columns] == [pair["mean_a"], pair["mean_b"]]
    assert shown["n_flips"] == pair["wins"] + pair["losses"]


def test_a_table_is_a_line_per_case(flipped: Path, promptlab: Promptlab) -> None:
    ran = promptlab("show", "--matrix")
    assert (ran.code, ran.err) == (0, "")
    lines = [line.rstrip() for line in ran.out.splitlines()]
    assert lines[0] == "exact_match: 5 cases, of which 2 flip"
    assert lines[1].split() == ["case", "asked", "t@v1", "t@v2"]
    assert lines[3].split() == ["c1", "a:", "n;", "b:", "y", "✗", "✓"]
    assert lines[-1] == "✓ passed, ✗ failed"


@pytest.mark.slow
def test_rows_arms_and_cases_are_chosen(flipped: Path, promptlab: Promptlab) -> None:
    shown = table(promptlab, "-n", "1")
    assert [row["case_id"] for row in shown["cases"]] == ["c1"]
    assert (shown["more"], shown["n_cases"]) == (True, 5)
    assert "4 more cases: -n N" in promptlab("show", "--matrix", "-n", "1").out
    one = table(promptlab, "-t", "v2", "--case", "c4", "--case", "c0")
    assert [arm["label"] for arm in one["arms"]] == ["t@v2"]
    assert [row["case_id"] for row in one["cases"]] == ["c0", "c4"]  # nothing to flip against
    digest = one["arms"][0]["text"]
    assert table(promptlab, "-t", digest[:11])["arms"] == one["arms"]
    assert table(promptlab, "--scorer", "length")["scorer"] == "length"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--failed",), "--matrix cannot be combined with --failed"),
        (("--where", "1"), "--matrix cannot be combined with --where"),
        (("--by", "tag"), "--matrix cannot be combined with --by"),
        (("-t", "v9"), "v9"),
        (("--case", "c9"), "unknown case 'c9'"),
        (("--scorer", "judge"), "unknown scorer 'judge'"),
    ],
)
def test_what_a_table_does_not_go_by_is_refused(
    flipped: Path, promptlab: Promptlab, words: tuple[str, ...], said: str
) -> None:
    ran = promptlab("show", "--matrix", *words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


@pytest.mark.slow
def test_a_failed_trial_is_no_score(flipped: Path, promptlab: Promptlab) -> None:
    with (flipped / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('[tool.promptlab.backends.frail]\nkind = "echo"\nfail = "n"\n')
    assert promptlab("run", "s", "-b", "frail").code == 4
    cells = {row["case_id"]: row["cells"][0] for row in table(promptlab)["cases"]}
    assert (cells["c1"]["score"], cells["c1"]["passed"], cells["c1"]["outcome"]) == (
        None, None, "error",
    )  # fmt: skip
    assert "error" in promptlab("show", "--matrix").out


@pytest.mark.slow
def test_runs_are_joined_by_text_and_a_shared_answer_stands_once(
    flipped: Path, promptlab: Promptlab
) -> None:
    first = table(promptlab)
    (flipped / "templates/t/v3.j2").write_text("y", encoding="utf-8")
    assert promptlab("run", "s").code == 0
    second = table(promptlab)
    assert [arm["digest"] for arm in second["arms"]][:2] == [a["digest"] for a in first["arms"]]
    assert all(len(cell["trials"]) == 1 for row in second["cases"] for cell in row["cells"])


@pytest.mark.slow
def test_repeats_are_one_cell(flipped: Path, promptlab: Promptlab) -> None:
    edit(flipped / "suites/s.yaml", "backends: [echo]", "backends: [echo]\nrepeats: 3")
    assert promptlab("run", "s", "--case", "c1").code == 0
    [row] = table(promptlab)["cases"]
    assert [[t["repeat"] for t in cell["trials"]] for cell in row["cells"]] == [[0, 1, 2]] * 2


@pytest.mark.parametrize("width", [60, 80, 120])
def test_hostile_texts_take_one_line_and_fit(
    project: Path, promptlab: Promptlab, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    (project / "templates/t").mkdir()
    for n in range(1, 25):
        (project / f"templates/t/v{n}.j2").write_text(f"{n} {{{{ a }}}}", encoding="utf-8")
    evil = "\x1b[2J\u202e[red]x[/] \n" + "語" * 60
    row = {"id": f"c\x1b]0;t\x07{'i' * 40}", "a": evil, "expect": evil}
    (project / "suites/cases.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    (project / "suites/s.yaml").write_text(SUITE.replace("  - length\n", ""), encoding="utf-8")
    assert promptlab("run", "s").code == 0
    for words in (("--matrix",), ("--matrix", "-t", "t@v1..v3"), ()):
        out = promptlab("show", *words).out
        assert "\x1b" not in out
        assert "\u202e" not in out
        if words:
            assert max(map(len, out.splitlines())) <= width
            assert out.count("✗") >= 3


@pytest.mark.slow
def test_signs_are_plain_where_the_encoding_has_no_other(flipped: Path) -> None:
    environment = {**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    ran = subprocess.run(
        [sys.executable, "-m", "promptlab", "show", "--matrix"],
        capture_output=True,
        env=environment,
        check=True,
        cwd=flipped,
    )
    assert b"+ passed, x failed" in ran.stdout
    assert b"?" not in ran.stdout
