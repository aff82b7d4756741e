"""Gates that compare: `run --gate`, `gates:` in a suite, and `resume`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Promptlab, Ran, query
from .drawn import lay_out, suite, version, write

VERSIONS = {
    "v1": version("0-19"),
    "v2": version("0-17,20-35", "Answer with the label alone."),  # 16 won, 2 lost
    "v3": version("0-21"),  # 2 won
    "v4": version("0-1,4-19"),  # 2 lost
}
BETTER = "right: task@v2 > task@v1"


@pytest.fixture
def versions(project: Path) -> Path:
    """Return a project with four versions, of which `best` is the first."""
    lay_out(project, VERSIONS)
    write(project, "templates/task/aliases.yaml", "best: v1\n")
    return project


def run(promptlab: Promptlab, gate: str, *labels: str) -> Ran:
    chosen = [word for label in labels for word in ("-t", f"task@{label}")]
    return promptlab("run", "task", *chosen, "--gate", gate)


@pytest.mark.slow
@pytest.mark.parametrize(
    "gate",
    [
        BETTER,
        "right: task@v1 < task@v2",
        "task@v2 > task@best",
        "no-worse task@best by 0.12",
        "right: no-worse task@v1 by 0.3",
        "right >= 0.4",
    ],
)
def test_a_gate_that_holds(versions: Path, promptlab: Promptlab, gate: str) -> None:
    ran = run(promptlab, gate, "v1", "v2", "v3")
    assert (ran.code, ran.err) == (0, f"gate holds: {gate}\n")


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        ("right: task@v1 > task@v2",
         ["task@v1 on echo is worse, -35.0 points, interval -57.4 to -8.2"]),
        ("task@v3 > task@v1",
         ["task@v3 on echo has no verdict: only 2 of 40 cases differ: at least 6 must"]),
        ("no-worse task@v1 by 0.1",
         ["task@v4 on echo is undecided, -5.0 points, interval -16.5 to +4.2"]),
        ("no-worse task@v2 by 0.1",
         ["task@v1 on echo is worse, -35.0 points, interval -52.1 to -16.0",
          "task@v4 on echo is worse, -40.0 points, interval -56.9 to -20.3"]),
        ("right >= 0.6",
         ["task@v1 on echo has 0.5", "task@v3 on echo has 0.55", "task@v4 on echo has 0.45"]),
    ],
)  # fmt: skip
def test_a_gate_that_fails_says_why(
    versions: Path, promptlab: Promptlab, gate: str, expected: list[str]
) -> None:
    ran = run(promptlab, gate)
    assert ran.code == 1
    assert "Outcomes" in ran.out  # the run is shown first
    lines = ran.err.splitlines()
    assert all(line.startswith(f"gate failed: {gate}: ") for line in lines)
    for line in expected:
        assert f"gate failed: {gate}: {line}" in lines
    document = json.loads(promptlab("run", "task", "--json", "--gate", gate).out)
    assert [f"gate failed: {line}" for line in document["gates_failed"]] == lines


@pytest.mark.slow
def test_gates_are_several_and_all_must_hold(versions: Path, promptlab: Promptlab) -> None:
    ran = promptlab("run", "task", "--gate", BETTER, "--gate", "right > 2", "--gate", "right > 3")
    assert ran.code == 1
    held, *failed = ran.err.splitlines()
    assert held == f"gate holds: {BETTER}"
    assert {line.split(": ")[1] for line in failed} == {"right > 2", "right > 3"}


@pytest.mark.slow
def test_a_version_that_an_earlier_run_measured(versions: Path, promptlab: Promptlab) -> None:
    assert promptlab("run", "task", "-t", "task@v1").code == 0
    for gate in ("task@v2 > task@best", "no-worse task@best by 0.12"):
        ran = run(promptlab, gate, "v2")
        assert (ran.code, ran.err) == (0, f"gate holds: {gate}\n")
    assert query(versions, "SELECT count(*) FROM generations") == [(80,)]
    worse = run(promptlab, "no-worse task@v2 by 0.02", "v1")
    assert worse.code == 1
    assert "task@v1 on echo is worse, -35.0 points" in worse.err


def test_a_version_that_nobody_ran(versions: Path, promptlab: Promptlab) -> None:
    ran = run(promptlab, "task@v2 > task@best", "v2")
    expected = "needs results of task@v1, but there are none (run it too, with -t task@v1)"
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"Error: the gate 'task@v2 > task@best' {expected}\n"
    assert promptlab("runs").out.count("task") == 0  # no call was made


def test_a_run_of_the_baseline_alone_is_no_worse(versions: Path, promptlab: Promptlab) -> None:
    assert run(promptlab, "no-worse task@best by 0.02", "v1").code == 0


@pytest.mark.slow
def test_a_gate_holds_on_each_backend(versions: Path, promptlab: Promptlab) -> None:
    write(versions, "promptlab.toml", '[backends.low]\nkind = "echo"\nreply = "no"\n')
    words = ("-b", "echo", "-b", "low", "-t", "task@v1", "-t", "task@v2")
    ran = promptlab("run", "task", *words, "--gate", BETTER)
    assert ran.code == 1
    [line] = ran.err.splitlines()
    assert "task@v2 on low has no verdict" in line


@pytest.mark.slow
def test_a_gate_says_of_a_pair_what_compare_says(versions: Path, promptlab: Promptlab) -> None:
    """15 won and 4 lost: alone it would be better, among all pairs it is not."""
    write(versions, "templates/task/v5.j2", version("4-34"))
    ran = run(promptlab, "task@v5 > task@v1")
    assert ran.code == 1
    assert "task@v5 on echo is undecided" in ran.err
    comparisons = json.loads(promptlab("compare", "--json").out)["comparisons"]
    [one] = [one for one in comparisons if (one["a"], one["b"]) == ("task@v1", "task@v5")]
    assert (one["wins"], one["losses"], one["verdict"]) == (15, 4, "undecided")


@pytest.mark.slow
def test_the_project_says_how_gates_decide(versions: Path, promptlab: Promptlab) -> None:
    write(versions, "promptlab.toml", "[compare]\nmin_effect = 0.3\n")
    ran = run(promptlab, BETTER)
    assert ran.code == 1
    assert "task@v2 on echo is undecided, +35.0 points" in ran.err


# Mistakes


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        (
            "task@v9 > task@v1",
            "unknown version 'v9' of task in a gate (known: best, v1, v2",
        ),
        ("task@v1 > nobody@v1", "unknown template 'nobody' in a gate"),
        ("no-worse task@worst by 0.1", "unknown version 'worst' of task in a gate"),
        ("no-worse task@* by 0.1", "'task@*' names 4 versions in a gate"),
        ("left: task@v2 > task@v1", "unknown scorer 'left' in a gate (known: right)"),
        ("task@v2 >= task@v1", "cannot read the gate 'task@v2 >= task@v1'"),
    ],
)
def test_a_gate_that_cannot_be_judged_makes_no_call(
    versions: Path, promptlab: Promptlab, gate: str, expected: str
) -> None:
    ran = run(promptlab, gate)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"Error: --gate: {expected}")
    assert ran.err.count("\n") == 1
    assert not (versions / "promptlab.db").exists()
    text = suite(more=f'gates: ["right > 0", "{gate}"]\n')
    write(versions, "suites/task.yaml", text)
    ran = promptlab("run", "task")
    line = text.count("\n")
    assert ran.err.startswith(f"Error: suites/task.yaml:{line}: gates.1: {expected}")


# Kept with the run


@pytest.mark.slow
def test_gates_of_the_suite_and_of_the_command_line_are_kept(
    versions: Path, promptlab: Promptlab
) -> None:
    write(versions, "suites/task.yaml", suite(more='gates: ["task@v1 > task@v2"]\n'))
    began = promptlab("run", "task", "--max-calls", "50", "--gate", "no-worse task@v2 by 0.1")
    assert began.code == 4
    ended = promptlab("resume", "--max-calls", "500")
    assert ended.code == 1
    assert "gate failed: task@v1 > task@v2: task@v1 on echo is worse" in ended.err
    assert "gate failed: no-worse task@v2 by 0.1: task@v4 on echo is worse" in ended.err


@pytest.mark.slow
def test_an_unfinished_run_is_not_judged(versions: Path, promptlab: Promptlab) -> None:
    ran = promptlab("run", "task", "--max-calls", "50", "--gate", BETTER)
    assert ran.code == 4
    assert "gate failed" not in ran.err


@pytest.mark.slow
def test_no_worse_is_cautious_where_hardly_a_number_differs(
    project: Path, promptlab: Promptlab
) -> None:
    """Two grades of 40 are a little lower: that shows much less than Student would have it."""
    grades = {"v1": version("0-39", "Grade 0.5"), "v2": version("0-38", "Grade 0.5")}
    lay_out(project, grades, suite(scorer="drawn_checks:grade"))
    assert promptlab("run", "task", "--gate", "no-worse task@v1 by 0.04").code == 1
    assert promptlab("run", "task", "--gate", "no-worse task@v1 by 0.2").code == 0
