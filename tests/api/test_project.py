"""A project from Python: suites run, results as values, in scripts and in notebooks."""

from __future__ import annotations

import asyncio
import html
from pathlib import Path

import pytest

import promptlab
from promptlab import Project, PromptlabError


@pytest.fixture
def project(folder: Path) -> Project:
    return promptlab.open_project(folder)


@pytest.mark.slow
def test_a_run_is_a_value(project: Project) -> None:
    run = project.run("greet")
    assert (run.suite, run.status, run.calls, run.passed) == ("greet", "finished", 40, False)
    assert [gate.text for gate in run.gates if not gate.holds] == ["contains >= 0.1"]
    assert run.to_dict()["gates_failed"] == ["contains >= 0.1: greet@v1 on echo has 0"]
    assert repr(run).startswith(f"Run {run.id} of greet: finished\n\ncontains (primary)")
    assert "<td" in run._repr_html_()
    assert project.run("greet").calls == 0
    assert [info.run_id for info in project.runs()][1] == run.id
    assert project.show(run).to_dict()["arms"] == run.to_dict()["arms"]


def test_options_mean_what_they_mean_on_the_command_line(project: Project) -> None:
    run = project.run("greet", templates="greet@best", case_ids=["p1", "p2"], repeats=2)
    assert [arm.arm.label for arm in run.arms] == ["greet@v2 on echo"]
    assert run.calls == 4
    assert project.forecast("greet", limit=3).calls == 6
    with pytest.raises(PromptlabError, match="--offline and --fresh exclude each other"):
        project.run("greet", offline=True, fresh=True)
    with pytest.raises(PromptlabError, match=r"39 of 40 answers|are not stored"):
        project.run("greet", offline=True)


def test_a_limit_stops_a_run_that_resume_finishes(project: Project) -> None:
    run = project.run("greet", max_calls=10)
    assert (run.status, run.calls) == ("interrupted", 10)
    done = project.resume(run, max_calls=100)
    assert (done.id, done.status, done.calls) == (run.id, "finished", 30)


@pytest.mark.slow
def test_stored_outputs_are_graded_again(project: Project, folder: Path) -> None:
    (folder / "mine.py").write_text("def short(sample): return len(sample.output) < 20\n")
    suite = folder / "suites/greet.yaml"
    suite.write_text(suite.read_text().replace("scorers:\n", "scorers:\n  - mine:short\n"))
    run = project.run("greet")
    (folder / "mine.py").write_text("def short(sample): return len(sample.output) < 99\n")
    [grading] = project.score(run, scorers="short")
    assert (grading.scores, grading.changed, grading.failed) == (40, 20, 0)
    assert [each.changed for each in project.score(run)] == [0, 0]


def test_comparisons_read_well_everywhere(project: Project) -> None:
    comparisons = project.compare(project.run("greet"), baseline="v1")
    [row] = comparisons
    assert (row.comparison.verdict, row.comparison.n, len(comparisons)) == ("better", 20, 1)
    assert comparisons[0] is row
    assert str(comparisons.sentence) in repr(comparisons).replace(" \n", " ")
    assert comparisons.to_dict()["comparisons"][0]["delta"] == 1.0
    assert list(comparisons.to_frame()["verdict"]) == ["better"]
    assert "<td" in comparisons._repr_html_()
    assert html.escape(str(comparisons.sentence)) in comparisons._repr_html_()


@pytest.mark.slow
def test_practices_and_differences(project: Project) -> None:
    run = project.run("greet")
    effects = project.practices(run)
    assert [row.practice for row in effects] == ["clear"]
    assert repr(effects).splitlines()[0].startswith("contains: what each practice changes")
    assert "clear" in effects._repr_html_()
    difference = project.diff("greet@v1", "v2")
    assert difference.to_dict()["measured"][0]["verdict"] == "better"
    assert "Won by greet@v2" in repr(difference)
    assert project.diff("greet@v1", "greet@v1").same
    assert len(project.diff("greet@v1", "v2", case="p3").to_dict()["case"]["messages"]) == 2


def test_results_as_rows_and_frames(project: Project) -> None:
    run = project.run("greet")
    results = project.results(run, cases="p3")
    assert [(row.version, row.case_id, row.score) for row in results] == [
        ("v1", "p3", 0.0),
        ("v2", "p3", 1.0),
    ]
    assert project.results(run).to_frame().shape[0] == 40
    assert len(project.results(run, failed=True)) == 20
    assert results.to_dicts()[0]["output"] == "Greet Person 3."


def test_markup_in_outputs_is_text_in_a_notebook(folder: Path) -> None:
    (folder / "suites/people.csv").write_text("id,name\na,<script>alert(1)</script>\n")
    project = promptlab.open_project(folder)
    page = project.results(project.run("greet"))._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_calls_work_inside_a_running_loop(project: Project) -> None:
    async def cell() -> tuple[str, str, int]:
        assert asyncio.get_running_loop().is_running()
        run = project.run("greet")
        again = await project.run_async("greet")
        return run.status, again.status, project.forecast("greet").stored

    assert asyncio.run(cell()) == ("finished", "finished", 40)


def test_a_mistake_is_a_promptlab_error_inside_a_loop_too(project: Project) -> None:
    async def cell() -> None:
        project.run("great")

    with pytest.raises(PromptlabError, match="unknown suite 'great'"):
        asyncio.run(cell())


def test_several_runs_side_by_side_in_one_loop(folder: Path) -> None:
    async def cells() -> list[str]:
        runs = [promptlab.open_project(folder).run_async("greet", limit=limit) for limit in (5, 9)]
        return [run.status for run in await asyncio.gather(*runs)]

    assert asyncio.run(cells()) == ["finished", "finished"]
