"""`compare` of versions instead of runs, of some versions alone, and the cases behind it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from .conftest import Promptlab

SUITE = """\
templates: ["t@*"]
backends: [echo]
cases: cases.jsonl
scorers: [exact_match]
"""


@pytest.fixture
def measured(project: Path, promptlab: Promptlab) -> Path:
    """Run three versions on 20 cases; v2 wins the first 12 against v1, v3 loses to it c19."""
    shutil.rmtree(project / "templates/greet")  # or v1 might be one of its versions
    (project / "templates/t").mkdir()
    for version, text in {"v1": "{{ a }}", "v2": "{{ b }}", "v3": "{{ c }}"}.items():
        (project / f"templates/t/{version}.j2").write_text(text, encoding="utf-8")
    rows = [
        {
            "id": f"c{n}",
            "a": "no" if n < 12 else f"yes {n}",
            "b": f"yes {n}",
            "c": "\u001b[2J bad" if n == 19 else ("no" if n < 12 else f"yes {n}"),
            "expect": f"yes {n}",
        }
        for n in range(20)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (project / "suites/cases.jsonl").write_text(text, encoding="utf-8")
    (project / "suites/s.yaml").write_text(SUITE, encoding="utf-8")
    assert promptlab("run", "s", "-t", "v1", "-t", "v2", "-t", "v3").code == 0
    (project / "templates/t/v4.j2").write_text("never run", encoding="utf-8")
    return project


def pairs(promptlab: Promptlab, *words: str) -> list[dict[str, Any]]:
    ran = promptlab("compare", *words, "--json")
    assert ran.code == 0, ran.err
    rows: list[dict[str, Any]] = json.loads(ran.out)["comparisons"]
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("words", [("t@v1", "t@v2"), ("v1", "v2"), ("t@v1", "v2")])
def test_two_versions_are_compared_where_both_were_measured(
    measured: Path, promptlab: Promptlab, words: tuple[str, ...]
) -> None:
    [pair] = pairs(promptlab, *words)
    assert (pair["a"], pair["b"], pair["n"], pair["delta"]) == ("t@v1", "t@v2", 20, 0.6)
    assert pair["family"]["size"] == 1
    [back] = pairs(promptlab, *reversed(words))
    assert (back["a"], back["delta"]) == ("t@v2", -0.6)


@pytest.mark.slow
def test_versions_of_several_runs_are_joined(measured: Path, promptlab: Promptlab) -> None:
    (measured / "templates/t/v5.j2").write_text("{{ b }} ", encoding="utf-8")
    promptlab("run", "s", "-t", "v5")
    [pair] = pairs(promptlab, "v1", "v5")
    assert (pair["a"], pair["b"], pair["n"]) == ("t@v1", "t@v5", 20)


@pytest.mark.slow
def test_only_the_chosen_versions_are_compared(measured: Path, promptlab: Promptlab) -> None:
    assert len(pairs(promptlab)) == 3
    [pair] = pairs(promptlab, "-t", "v1", "-t", "t@v3")
    assert (pair["a"], pair["b"], pair["losses"]) == ("t@v1", "t@v3", 1)
    assert {row["b"] for row in pairs(promptlab, "latest", "-t", "t@v1..v2")} == {"t@v2"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("t@v1",), "'t@v1' is a version: with which one is it compared?"),
        (("latest", "t@v1"), "'latest' is a run, and others are versions"),
        (("t@v1", "t@v9"), "unknown version 'v9' of t"),
        (("t@v1", "t@v4"), "the text of t@v4 was never run"),
        (("nonsense",), "unknown run 'nonsense'"),
        (("t@v1", "v1"), "t@v1 and t@v1: the same text twice"),
        (("-t", "v9"), "v9"),
        (("t@v1", "t@v2", "-t", "v3"), "versions are named twice"),
    ],
)
def test_what_cannot_be_compared_is_told(
    measured: Path, promptlab: Promptlab, words: tuple[str, ...], said: str
) -> None:
    ran = promptlab("compare", *words)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert said in ran.err


@pytest.mark.slow
def test_full_lists_what_was_lost_and_won(measured: Path, promptlab: Promptlab) -> None:
    out = promptlab("compare", "v1", "v3", "--full").out
    assert "\x1b" not in out
    lost = out[out.index("Lost by v3 against v1: 1 case") :].splitlines()
    assert [line.rstrip() for line in lost[1:6]] == [
        "c19  1 -> 0",
        "  asked: a: yes 19; b: yes 19; c: ^[[2J bad",
        "  expected: yes 19",
        "-yes 19",
        "+^[[2J bad",
    ]
    [pair] = pairs(promptlab, "v1", "v2", "--full")
    assert [case["case_id"] for case in pair["cases"]] == [f"c{n}" for n in range(12)]
    assert {case["won"] for case in pair["cases"]} == {True}
    assert [answer["output"] for answer in pair["cases"][0]["answers"]] == ["no", "yes 0"]
    assert "cases" not in pairs(promptlab, "v1", "v2")[0]
