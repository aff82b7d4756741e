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


def compared(promptlab: Promptlab, *words: str) -> tuple[list[str], list[object], list[object]]:
    """Return the runs that `compare` rests on, its comparisons, and the codes of its notes."""
    document = json.loads(promptlab("compare", *words, "--json").out)
    codes = [note["code"] for note in document["notes"]]
    return document["run"], document["comparisons"], codes


@pytest.mark.parametrize("part", [("-n", "6"), ("--case", "c03", "--case", "c30")])
def test_a_look_at_a_part_changes_no_conclusion(
    promptlab: Promptlab, whole: str, part: tuple[str, ...]
) -> None:
    runs, before, _ = compared(promptlab)
    newer = run_id(promptlab, *part)
    assert compared(promptlab) == (runs, before, ["all-stored"])
    assert looks(promptlab) == 1  # the same look at the same answers
    cases = 6 if "-n" in part else 2
    told = f"(from run {whole} (40 cases); the newest, {newer}, has {cases} cases of that)"
    assert told in " ".join(promptlab("compare").out.split())
    alone, comparisons, codes = compared(promptlab, newer)  # by its name it stands alone
    assert (alone, codes) == ([newer], [])
    assert comparisons[0]["n"] < before[0]["n"]  # type: ignore[index]


def looks(promptlab: Promptlab) -> int:
    listed = json.loads(promptlab("ledger", "task", "--json").out)
    return sum(len(family["looks"]) for family in listed["families"])


def test_answers_measured_anew_on_a_part_change_nothing(promptlab: Promptlab, whole: str) -> None:
    run_id(promptlab, "-n", "6", "--fresh")
    runs, [comparison], codes = compared(promptlab)
    assert (runs, codes) == ([whole], ["all-stored"])
    assert comparison["n"] == 40  # type: ignore[index]


def test_a_whole_run_measured_anew_stands_alone(promptlab: Promptlab, whole: str) -> None:
    run_id(promptlab, "-n", "6", "--fresh")
    newer = run_id(promptlab, "--fresh")
    runs, [comparison], codes = compared(promptlab)
    assert (runs, codes) == ([newer], [])
    assert comparison["verdict"] == "better"  # type: ignore[index]
    assert whole != newer


def test_named_versions_rest_on_the_same(promptlab: Promptlab, whole: str) -> None:
    _, [before], _ = compared(promptlab)
    run_id(promptlab, "-n", "6")
    document = json.loads(promptlab("compare", "task@v1", "task@v2", "--json").out)
    assert document["run"] == [whole]
    assert document["comparisons"] == [before]


def test_a_run_of_one_version_does_not_hide_the_pair(promptlab: Promptlab, whole: str) -> None:
    before = compared(promptlab)[:2]
    run_id(promptlab, "-t", "task@v2")
    assert compared(promptlab)[:2] == before
    assert promptlab("practices").code == 2  # there is nothing to tell practices by


def test_on_a_holdout_only_cases_that_it_still_has_count(
    project: Path, promptlab: Promptlab
) -> None:
    lay_out(project, PAIR, suite(more="holdout: 0.5\n"))
    run_id(promptlab, "--split", "holdout")
    lay_out(project, PAIR, suite(more="holdout: 0.3\n"))
    run_id(promptlab, "--split", "dev")
    newest = run_id(promptlab, "--split", "holdout")
    assert compared(promptlab)[0] == [newest]


def test_a_run_that_was_broken_off_does_not_count(
    project: Path, promptlab: Promptlab, whole: str
) -> None:
    broken = promptlab("run", "task", "--fresh", "--max-calls", "30")
    assert broken.code != 0
    run_id(promptlab, "-n", "6")
    assert compared(promptlab)[0] == [whole]


def test_parts_are_not_put_together(project: Path, promptlab: Promptlab) -> None:
    lay_out(project, PAIR, suite())
    run_id(promptlab, *(f"--case=c{case:02}" for case in range(20)))
    second = run_id(promptlab, *(f"--case=c{case:02}" for case in range(18, 40)))
    runs, [comparison], _ = compared(promptlab)
    assert (runs, comparison["n"]) == ([second], 22)  # type: ignore[index]
    whole = run_id(promptlab)
    assert compared(promptlab)[0] == [whole]


def test_a_pair_that_was_chosen_stays_a_pair(project: Path, promptlab: Promptlab) -> None:
    lay_out(project, {**PAIR, "v3": version("0-30")}, suite())
    run_id(promptlab)
    assert len(compared(promptlab)[1]) == 3
    run_id(promptlab, "-t", "task@v1", "-t", "task@v3")
    _, [comparison], _ = compared(promptlab)
    assert {comparison["a"], comparison["b"]} == {"task@v1", "task@v3"}  # type: ignore[index]


def test_a_text_that_was_edited_since_does_not_count(
    project: Path, promptlab: Promptlab, whole: str
) -> None:
    edited = version("0-5", "Take your time.")
    (project / "templates" / "task" / "v2.j2").write_text(edited, encoding="utf-8")
    newer = run_id(promptlab, "-n", "6", "-t", "task@v2")
    ran = promptlab("compare", "--json")
    document = json.loads(ran.out)
    assert document["run"] == [whole, newer]
    names = {comparison[side] for comparison in document["comparisons"] for side in "ab"}
    assert len(names) == 2  # v1 as it was measured, and v2 as it is today


def test_cases_that_the_suite_has_no_more_do_not_count(
    project: Path, promptlab: Promptlab, whole: str
) -> None:
    cases = project / "suites" / "task.yaml"
    kept = [line for line in cases.read_text().splitlines() if "c39" not in line]
    assert len(kept) < len(cases.read_text().splitlines())
    cases.write_text("\n".join(kept) + "\n", encoding="utf-8")
    run_id(promptlab, "-n", "6")
    runs, [comparison], _ = compared(promptlab)
    assert (runs, comparison["n"]) == ([whole], 39)  # type: ignore[index]


def test_without_the_suite_the_newest_run_stands_alone(
    project: Path, promptlab: Promptlab, whole: str
) -> None:
    newer = run_id(promptlab, "-n", "6")
    (project / "suites" / "task.yaml").rename(project / "suites" / "other.yaml")
    document = json.loads(promptlab("compare", "--json").out)
    [note] = document["notes"]
    assert (document["run"], note["code"], note["about"]["run"]) == (
        [newer],
        "more-cases-stored",
        whole,
    )
    assert f"name {whole}" in promptlab("compare").out.replace("\n", " ")


def test_diff_rests_on_the_same_runs(promptlab: Promptlab, whole: str) -> None:
    [before] = json.loads(promptlab("diff", "task@v1", "v2", "--json").out)["measured"]
    newer = run_id(promptlab, "-n", "6", "--fresh")
    document = json.loads(promptlab("diff", "task@v1", "v2", "--json").out)
    [after] = document["measured"]
    [note] = document["notes"]
    assert (note["code"], note["about"]["newest"]) == ("all-stored", newer)
    _, [row], _ = compared(promptlab)
    assert after == row
    assert after["n"] == before["n"] == 40
    told = " ".join(promptlab("diff", "task@v1", "v2").out.split())
    assert f"from run {whole} (40 cases); the newest, {newer}, has 6 cases of that" in told


@pytest.mark.slow
def test_without_the_suite_diff_names_the_run_with_more_cases(
    project: Path, promptlab: Promptlab, whole: str
) -> None:
    newer = run_id(promptlab, "-n", "6")
    (project / "suites" / "task.yaml").rename(project / "suites" / "other.yaml")
    [note] = json.loads(promptlab("diff", "task@v1", "v2", "--json").out)["notes"]
    assert (note["about"]["run"], note["about"]["newer"]) == (whole, newer)


@pytest.mark.slow
def test_a_whole_run_after_a_look_needs_no_word(promptlab: Promptlab, whole: str) -> None:
    run_id(promptlab, "-n", "6")
    run_id(promptlab)
    assert json.loads(promptlab("compare", "--json").out)["notes"] == []


@pytest.mark.slow
def test_the_other_side_of_a_holdout_is_no_more_evidence(
    project: Path, promptlab: Promptlab
) -> None:
    lay_out(project, PAIR, suite() + "holdout: 0.25\n")
    run_id(promptlab)
    run_id(promptlab, "--split", "holdout")
    assert json.loads(promptlab("compare", "--json").out)["notes"] == []
