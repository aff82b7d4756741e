"""A pair of versions has one verdict: every verb shows the row that `compare` concludes on."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from promptlab import open_project

from .conftest import Promptlab
from .drawn import lay_out, suite, version

# 15 won and 4 lost of v4 against v1 are better alone, and undecided among all pairs.
VERSIONS = {
    "v1": version("0-19"),
    "v2": version("0-31"),
    "v3": version("0-17,20-35"),
    "v4": version("4-34"),
}
SIGNED = {"a", "b", "mean_a", "mean_b", "delta", "won", "lost", "wins", "losses", "verdict"}
UNSIGNED = ("n", "p", "p_adjusted", "method", "reasons", "notes", "cases_needed", "detectable")
OTHER_WAY = {"better": "worse", "worse": "better"}


@pytest.fixture
def measured(project: Path, promptlab: Promptlab) -> Path:
    lay_out(project, VERSIONS, suite() + "holdout: 0.1\n")
    assert promptlab("run", "task", "-t", "task@*", "--split", "all").code == 0
    return project


def rows(promptlab: Promptlab, *words: str) -> list[dict[str, Any]]:
    return list(json.loads(promptlab("compare", "--json", *words).out)["comparisons"])


def test_diff_shows_the_row_of_compare(measured: Path, promptlab: Promptlab) -> None:
    by_pair = {(row["a"], row["b"]): row for row in rows(promptlab)}
    assert len(by_pair) == 6
    for a, b in permutations(VERSIONS, 2):
        document = json.loads(promptlab("diff", f"task@{a}", f"task@{b}", "--json").out)
        [found] = document["measured"]
        pair = (f"task@{a}", f"task@{b}")
        assert (found["a"], found["b"]) == pair
        if pair in by_pair:
            assert found == by_pair[pair]
            continue
        row = by_pair[pair[::-1]]
        assert {key: found[key] for key in UNSIGNED} == {key: row[key] for key in UNSIGNED}
        assert found["delta"] == pytest.approx(-row["delta"])
        assert found["ci"] == pytest.approx([-row["ci"][1], -row["ci"][0]])
        assert found["verdict"] == OTHER_WAY.get(row["verdict"], row["verdict"])
        assert (found["won"], found["lost"]) == (row["lost"], row["won"])


@pytest.mark.slow
def test_the_python_api_shows_the_row_of_compare(measured: Path, promptlab: Promptlab) -> None:
    told = open_project(measured).diff("task@v1", "task@v4").to_dict()["measured"]
    assert told == [
        row for row in rows(promptlab) if (row["a"], row["b"]) == ("task@v1", "task@v4")
    ]


@pytest.mark.slow
def test_diff_prints_the_notes_of_compare(project: Path, promptlab: Promptlab) -> None:
    lay_out(project, {**VERSIONS, "v5": version("0-9")}, suite() + "holdout: 0.4\n")
    assert promptlab("run", "task", "-t", "task@v1", "-t", "task@v5").code == 0
    [row] = rows(promptlab)
    printed = " ".join(promptlab("diff", "task@v1", "task@v5").out.split())
    assert "development-cases" in {note["code"] for note in row["notes"]}
    for note in row["notes"]:
        assert note["text"] in printed
