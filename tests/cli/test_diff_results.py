"""`promptlab diff` where versions were measured: the difference, and the cases that flipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Gold, Promptlab
from .drawn import lay_out, suite, version, write

VERSIONS = {
    "v1": version("0-19"),
    "v2": version("0-17,20-35", "Answer with the label alone."),
    "v3": version("0-21"),
}
RANK = {f"c{place:02}": place * 7 % 40 for place in range(40)}


@pytest.fixture
def versions(project: Path) -> Path:
    """Return a project with three versions, none of which was run."""
    return lay_out(project, VERSIONS)


def run(promptlab: Promptlab, *words: str) -> None:
    assert promptlab("run", "task", *words).code == 0


def document(promptlab: Promptlab, *words: str) -> dict[str, Any]:
    ran = promptlab("diff", *words, "--json")
    assert (ran.code, ran.err) == (0, "")
    parsed: dict[str, Any] = json.loads(ran.out, parse_constant=pytest.fail)
    return parsed


@pytest.mark.slow
def test_what_was_measured_stands_below_the_text(
    versions: Path, promptlab: Promptlab, gold: Gold
) -> None:
    run(promptlab)
    ran = promptlab("diff", "task@v1", "v2")
    assert (ran.code, ran.err) == (0, "")
    assert max(map(len, ran.out.splitlines())) <= 80
    gold("diff_results.txt", "diff of versions that were run", ran.out)


@pytest.mark.slow
def test_one_case_with_what_was_answered(versions: Path, promptlab: Promptlab, gold: Gold) -> None:
    run(promptlab)
    ran = promptlab("diff", "task@v1", "v2", "--case", "c14")
    assert (ran.code, ran.err) == (0, "")
    gold("diff_results.txt", "diff --case of versions that were run", ran.out)
    [flip] = document(promptlab, "task@v1", "v2", "--case", "c00")["flips"]
    assert (flip["case"], flip["score_a"], flip["score_b"]) == ("c00", 1.0, 1.0)  # no flip


@pytest.mark.slow
def test_the_document_shows_the_difference_and_the_flips(
    versions: Path, promptlab: Promptlab
) -> None:
    run(promptlab)
    described = document(promptlab, "task@v1", "v2")
    [one] = described["measured"]
    assert (one["a"], one["b"], one["backend"]) == ("task@v1", "task@v2", "echo")
    assert (one["delta"], one["wins"], one["losses"]) == (pytest.approx(0.35), 16, 2)
    assert one["verdict"] == "better"
    flips = described["flips"]
    assert [flip["score_b"] - flip["score_a"] for flip in flips] == [-1.0] * 2 + [1.0] * 16
    assert {RANK[flip["case"]] for flip in flips[:2]} == {18, 19}
    for flip in flips:
        assert flip["output_a"] == f"Right on 0-19. Item {RANK[flip['case']]}."
        assert flip["output_b"].startswith("Right on 0-17,20-35. Item ")


@pytest.mark.slow
def test_the_other_way_round_what_was_won_is_lost(versions: Path, promptlab: Promptlab) -> None:
    run(promptlab)
    [one] = document(promptlab, "task@v2", "v1")["measured"]
    assert (one["a"], one["b"], one["verdict"]) == ("task@v2", "task@v1", "worse")
    assert (one["wins"], one["losses"]) == (2, 16)


@pytest.mark.slow
def test_versions_of_different_runs(versions: Path, promptlab: Promptlab) -> None:
    for label in ("v1", "v2"):
        run(promptlab, "-t", f"task@{label}")
    described = document(promptlab, "task@v1", "v2")
    [one] = described["measured"]
    assert (one["verdict"], one["n"], len(described["flips"])) == ("better", 40, 18)


@pytest.mark.slow
def test_a_version_that_was_not_run_is_not_measured(versions: Path, promptlab: Promptlab) -> None:
    run(promptlab, "-t", "task@v1", "-t", "task@v2")
    assert "measured" not in document(promptlab, "task@v1", "v3")
    assert "measured" not in promptlab("diff", "task@v1", "v3").out
    write(versions, "templates/task/v1.j2", version("0-2"))
    assert "measured" not in document(promptlab, "task@v1", "v2")  # results are the old text's


@pytest.mark.slow
def test_no_backend_and_no_scorer_in_common_is_nothing_measured(
    versions: Path, promptlab: Promptlab
) -> None:
    run(promptlab, "-t", "task@v1", "-b", "echo:a")
    run(promptlab, "-t", "task@v2", "-b", "echo:b")
    assert "measured" not in document(promptlab, "task@v1", "v2")
    write(versions, "suites/task.yaml", suite(scorer="drawn_checks:half"))
    run(promptlab, "-t", "task@v3", "-b", "echo:a")
    assert "measured" not in document(promptlab, "task@v1", "v3")


@pytest.mark.slow
def test_several_backends(versions: Path, promptlab: Promptlab) -> None:
    run(promptlab, "-b", "echo:a", "-b", "echo:b", "-t", "task@v1", "-t", "task@v2")
    described = document(promptlab, "task@v1", "v2")
    assert [one["backend"] for one in described["measured"]] == ["echo:a", "echo:b", None]
    assert {flip["backend"] for flip in described["flips"]} == {"echo:a", "echo:b"}
    assert len(described["flips"]) == 2 * 18


@pytest.mark.slow
def test_a_text_that_was_run_under_another_name(versions: Path, promptlab: Promptlab) -> None:
    run(promptlab)
    write(versions, "templates/task/v7.j2", VERSIONS["v1"])
    described = document(promptlab, "task@v7", "v2")
    assert described["measured"][0]["verdict"] == "better"
    assert len(described["flips"]) == 18


@pytest.mark.slow
def test_an_ablation_does_not_mix_with_the_whole_text(project: Path, promptlab: Promptlab) -> None:
    more = '{% practice "clear" %}And 25-35.{% endpractice %}'
    versions = {"v1": version("0-9", more), "v2": version("0-9", f"{more} Do.")}
    lay_out(project, versions, suite(more="design: ablation\n"))
    run(promptlab)
    [one] = document(promptlab, "task@v1", "v2")["measured"]
    assert (one["mean_a"], one["mean_b"]) == (21 / 40, 21 / 40)
    [flip] = document(promptlab, "task@v1", "v2", "--case", "c05")["flips"]
    assert "And 25-35." in flip["output_a"]


@pytest.mark.slow
def test_a_run_that_stopped_early_shows_what_it_was_run_for(
    project: Path, promptlab: Promptlab
) -> None:
    versions = {"v1": version("0-29"), "v2": version("0-149"), "v3": version("2-31")}
    lay_out(project, versions, suite(160))
    run(promptlab, "--until-decided")
    [one] = document(promptlab, "task@v1", "v2")["measured"]
    [compared, _] = json.loads(promptlab("compare", "--json").out)["comparisons"]
    assert one["verdict"] == "better"
    assert {key: compared[key] for key in one if key != "scorer"} == {
        key: value for key, value in one.items() if key != "scorer"
    }
    [other] = document(promptlab, "task@v2", "v3")["measured"]
    assert "stopped its arms early for another comparison" in other["reason"]


@pytest.mark.slow
def test_a_copy_under_another_name_is_left_out(project: Path, promptlab: Promptlab) -> None:
    lay_out(project, {"v1": version("0-9"), "v2": version("0-29"), "v3": version("0-9")}, suite())
    assert promptlab("run", "task").code == 0
    document = json.loads(promptlab("diff", "task@v1", "v2", "--json").out)
    assert [(one["a"], one["b"]) for one in document["measured"]] == [("task@v1", "task@v2")]
    assert "Won by task@v2: 20 cases" in promptlab("diff", "task@v1", "v2").out
