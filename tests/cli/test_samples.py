"""`-n` draws a sample, and says so; what was developed on is told in whatever split it comes."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import Promptlab, query
from .drawn import lay_out, suite, version

PAIR = {"v1": version("0-19"), "v2": version("0-17,20-35", "Take your time.")}


@pytest.fixture
def pair(project: Path) -> Path:
    """Lay out a project of two versions and forty cases."""
    return lay_out(project, PAIR, suite())


def noted(promptlab: Promptlab, code: str, *refs: str) -> list[dict[str, object]]:
    """Return the notes with a code that `compare` makes on its one pair."""
    [row] = json.loads(promptlab("compare", "--json", *refs).out)["comparisons"]
    return [note for note in row["notes"] if note["code"] == code]


def cases_run(root: Path) -> set[str]:
    rows = query(root, "SELECT DISTINCT case_id FROM results")
    return {str(case_id) for (case_id,) in rows}


def test_a_sample_is_told_by_whoever_plans_runs_and_compares(
    pair: Path, promptlab: Promptlab
) -> None:
    told = "a sample of 20 of 40 cases (seed 0)"
    for words in (("--dry-run",), ()):
        ran = promptlab("run", "task", "-n", "20", *words)
        assert (ran.code, ran.err) == (0, f"Note: {told}\n")
    [note] = noted(promptlab, "sample-of-cases")
    assert (note["text"], note["about"]) == (told, {"cases": 20, "of": 40, "seed": 0})
    first = {f"c{place:02}" for place in range(20)}
    assert len(cases_run(pair)) == 20 != len(cases_run(pair) & first)


def test_as_many_cases_as_there_are_make_no_sample(pair: Path, promptlab: Promptlab) -> None:
    assert promptlab("run", "task", "-n", "40").err == ""
    assert noted(promptlab, "sample-of-cases") == noted(promptlab, "first-cases") == []


@pytest.mark.slow
def test_a_larger_sample_asks_only_what_is_new(pair: Path, promptlab: Promptlab) -> None:
    for most, calls in ((10, 20), (25, 30), (25, 0)):
        out = promptlab("run", "task", "-n", str(most), "--json").out
        assert json.loads(out)["calls"] == calls


def test_a_limit_from_before_samples_were_drawn_is_told_as_what_it_was(
    pair: Path, promptlab: Promptlab
) -> None:
    promptlab("run", "task", "-n", "20")
    with closing(sqlite3.connect(pair / "promptlab.db")) as database, database:
        database.execute("UPDATE runs SET settings = json_remove(settings, '$.sample_of')")
    [note] = noted(promptlab, "first-cases")
    assert str(note["text"]).startswith("the first 20 cases of the file")
    assert noted(promptlab, "sample-of-cases") == []


@pytest.mark.slow
def test_cases_that_were_developed_on_are_told_in_every_split(
    project: Path, promptlab: Promptlab
) -> None:
    lay_out(project, PAIR, suite(more="holdout: 0.5\n"))
    run = json.loads(promptlab("run", "task", "--json").out)
    developed = run["trials"] // 2
    assert noted(promptlab, "developed-before") == []  # `development-cases` says it
    promptlab("run", "task", "--split", "all")
    [note] = noted(promptlab, "developed-before")
    assert note["about"] == {"developed": developed, "cases": 40}
    promptlab("run", "task", "--split", "holdout")
    assert noted(promptlab, "developed-before") == []


def test_no_split_was_developed_on_before_the_dev_side_was_run(
    project: Path, promptlab: Promptlab
) -> None:
    lay_out(project, PAIR, suite(more="holdout: 0.5\n"))
    promptlab("run", "task", "--split", "all")
    assert noted(promptlab, "developed-before") == []
