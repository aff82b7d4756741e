"""A look at a part is not the last word: conclusions say which run has more, or use it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Promptlab
from .drawn import lay_out, suite, version

PAIR = {"v1": version("0-19"), "v2": version("0-17,20-35", "Take your time.")}


@pytest.fixture
def whole(project: Path, promptlab: Promptlab) -> str:
    """Lay out a project, run the whole suite, and return the id of that run."""
    lay_out(project, PAIR, suite())
    return run_id(promptlab)


def run_id(promptlab: Promptlab, *words: str) -> str:
    ran = promptlab("run", "task", "--json", *words)
    assert ran.code == 0, ran.err
    return str(json.loads(ran.out)["run"])


@pytest.mark.parametrize("part", [("-n", "6"), ("--case", "c03", "--case", "c30")])
def test_compare_names_the_run_with_more_cases(
    promptlab: Promptlab, whole: str, part: tuple[str, ...]
) -> None:
    newer = run_id(promptlab, *part)
    document = json.loads(promptlab("compare", "--json").out)
    [note] = document["notes"]
    assert (note["code"], note["about"]["run"], note["about"]["newer"]) == (
        "more-cases-stored",
        whole,
        newer,
    )
    assert note["about"]["newer_cases"] < note["about"]["cases"]
    assert f"name {whole}" in promptlab("compare").out.replace("\n", " ")
    assert json.loads(promptlab("compare", newer, "--json").out)["notes"] == []


def test_a_run_of_one_version_does_not_hide_the_pair(promptlab: Promptlab, whole: str) -> None:
    run_id(promptlab, "-t", "task@v2")
    for verb in ("compare", "practices"):
        ran = promptlab(verb)
        assert ran.code == 2
        assert f"name {whole}" in ran.err


@pytest.mark.slow
def test_diff_names_the_run_with_more_cases(promptlab: Promptlab, whole: str) -> None:
    before = json.loads(promptlab("diff", "task@v1", "v2", "--json").out)
    newer = run_id(promptlab, "-n", "6")
    after = json.loads(promptlab("diff", "task@v1", "v2", "--json").out)
    assert before["notes"] == []
    [note] = after["notes"]
    assert (note["about"]["run"], note["about"]["newer"]) == (whole, newer)
    assert f"promptlab compare {whole}" in promptlab("diff", "task@v1", "v2").out.replace("\n", " ")


def test_a_whole_run_after_a_look_needs_no_word(promptlab: Promptlab, whole: str) -> None:
    run_id(promptlab, "-n", "6")
    run_id(promptlab)
    assert json.loads(promptlab("compare", "--json").out)["notes"] == []


def test_the_other_side_of_a_holdout_is_no_more_evidence(
    project: Path, promptlab: Promptlab
) -> None:
    lay_out(project, PAIR, suite() + "holdout: 0.25\n")
    run_id(promptlab)
    run_id(promptlab, "--split", "holdout")
    assert json.loads(promptlab("compare", "--json").out)["notes"] == []
