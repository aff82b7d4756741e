"""`promptlab run --until-decided`: what it asks, when it stops, and what may be said of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from .conftest import Gold, Promptlab, query
from .drawn import lay_out, suite, version, write

CASES = 160
# v2 is far better than v1, v3 as good as it.
VERSIONS = {"v1": version("0-29"), "v2": version("0-149"), "v3": version("2-31")}
ASKED = "SELECT count(*) FROM generations"
TRIALS = "SELECT arm, count(*) FROM trials GROUP BY arm ORDER BY arm"
ORDER = """
SELECT c.case_id FROM run_cases p JOIN cases c ON c.id = p.case_ JOIN runs r ON r.id = p.run
WHERE r.run_id = ? ORDER BY p.position
"""


@pytest.fixture
def race(project: Path) -> Path:
    """Return a project with three versions on many cases."""
    return lay_out(project, VERSIONS, suite(CASES))


def run(promptlab: Promptlab, *words: str, verb: str = "run", code: int = 0) -> dict[str, Any]:
    named = ("task", "--until-decided") if verb == "run" else ()
    ran = promptlab(verb, *named, "--json", *words)
    assert ran.code == code, ran.err
    document: dict[str, Any] = json.loads(ran.out)
    return document


def compared(promptlab: Promptlab, *words: str) -> dict[str, dict[str, Any]]:
    ran = promptlab("compare", "--json", *words)
    assert ran.code == 0, ran.err
    comparisons = json.loads(ran.out, parse_constant=pytest.fail)["comparisons"]
    return {one["b"].removeprefix("task@"): one for one in comparisons}


def forget(root: Path) -> None:
    """Remove the database of a project."""
    for file in root.glob("promptlab.db*"):
        file.unlink()


def order(root: Path, run_id: str) -> list[str]:
    return [case for (case,) in query(root, ORDER, run_id)]


def refused(promptlab: Promptlab, *words: str) -> str:
    ran = promptlab("run", "task", *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    return ran.err.removeprefix("Error: ").rstrip()


# What is saved


@pytest.mark.slow
def test_a_decided_arm_stops_and_the_saving_is_reported(
    race: Path, promptlab: Promptlab, gold: Gold
) -> None:
    ran = promptlab("run", "task", "--until-decided")
    assert (ran.code, ran.err) == (0, "")
    assert max(map(len, ran.out.splitlines())) <= 80
    gold("compare.txt", "the end of run --until-decided", ran.out[ran.out.index("Decided") :])
    [(asked,)] = query(race, ASKED)
    (first, second, third) = (count for _, count in query(race, TRIALS))
    assert (first, third) == (CASES, CASES)
    assert 15 <= second < CASES / 2
    assert asked == first + second + third
    saved = 3 * CASES - asked
    assert f"Decided early: {saved} of 480 trials were not needed, {saved} calls saved." in ran.out
    assert f"Run {_id(race)}: {asked} trials in " in ran.out
    assert f"{asked} model calls" in ran.out


def _id(root: Path) -> str:
    [(run_id,)] = query(root, "SELECT run_id FROM runs")
    return str(run_id)


@pytest.mark.slow
def test_a_finished_run_is_listed_with_what_it_did(race: Path, promptlab: Promptlab) -> None:
    document = run(promptlab)
    assert document["status"] == "finished"
    [(asked,)] = query(race, ASKED)
    assert document["calls"] == sum(arm["trials"] for arm in document["arms"]) == asked
    assert re.search(rf" {asked} of 480 ", promptlab("runs").out)
    assert promptlab("db", "verify").out == "The database is sound.\n"
    ran = promptlab("resume")
    assert (ran.code, ran.err.startswith("Error: no run was interrupted")) == (2, True)


@pytest.mark.slow
def test_calls_of_trials_with_several_turns_are_counted(
    project: Path, promptlab: Promptlab
) -> None:
    turns = (
        "{{% user %}}Right on {}. {{{{ rank }}}}{{% enduser %}}{{% generate draft %}}"
        "{{% user %}}{{{{ draft }}}}{{% enduser %}}\n"
    )
    lay_out(project, {"v1": turns.format("0-29"), "v2": turns.format("0-149")}, suite(CASES))
    out = promptlab("run", "task", "--until-decided").out
    [(asked,)] = query(project, ASKED)
    [(trials,)] = query(project, "SELECT count(*) FROM trials")
    assert asked >= 2 * trials  # what was under way is kept
    match = re.search(r"Decided early: (\d+) of 320 trials were not needed, (\d+) calls saved", out)
    assert match is not None
    assert (int(match[1]), int(match[2])) == (320 - trials, 2 * (320 - trials))


@pytest.mark.slow
def test_of_stored_answers_only_some_may_be_saved(race: Path, promptlab: Promptlab) -> None:
    run(promptlab)
    out = promptlab("run", "task", "--until-decided").out
    assert "no model call was made" in out
    assert re.search(
        r"Decided early: \d+ of 480 trials were not needed, up to \d+ calls saved", out
    )


# What is concluded


@pytest.mark.slow
def test_the_verdicts_are_those_of_the_declared_pairs(race: Path, promptlab: Promptlab) -> None:
    run(promptlab)
    comparisons = compared(promptlab)
    assert list(comparisons) == ["v2", "v3"]  # v2 against v3 was not asked
    decided, rest = comparisons["v2"], comparisons["v3"]
    assert (decided["method"], decided["verdict"]) == ("e-process", "better")
    assert decided["stopped_at"] >= 15
    assert any("optimistic" in line for line in decided["warnings"])
    low, high = decided["ci"]
    assert low < 0.75 < high  # the true difference; the interval holds at any time
    assert (rest["n"], rest["stopped_at"], rest["method"]) == (CASES, None, "mcnemar-midp")
    assert rest["verdict"] != "better"
    assert (rest["wins"], rest["losses"], rest["p"]) == (2, 2, None)


@pytest.mark.slow
def test_another_comparison_than_the_declared_one_is_refused(
    race: Path, promptlab: Promptlab
) -> None:
    run(promptlab)
    comparisons = compared(promptlab, "--baseline", "task@v2")
    assert comparisons["v1"]["verdict"] == "worse"  # the declared pair, the other way round
    one = comparisons["v3"]
    assert one["verdict"] == "refused"
    assert "stopped its arms early for another comparison" in one["reason"]


@pytest.mark.slow
def test_what_is_not_decided_is_tested_at_half_the_level(
    project: Path, promptlab: Promptlab
) -> None:
    """16 won and 6 lost: p is .033 once, which is not enough at .025."""
    versions = {"v1": version("0-19"), "v2": version("6-35")}
    lay_out(project, versions, suite(100))
    run(promptlab)
    assert query(project, TRIALS) == [(0, 100), (1, 100)]
    one = compared(promptlab)["v2"]
    assert (one["wins"], one["losses"], one["stopped_at"]) == (16, 6, None)
    fresh = promptlab("run", "task", "--json")
    assert fresh.code == 0
    usual = compared(promptlab)["v2"]
    assert (usual["verdict"], usual["method"]) == ("better", "mcnemar-midp")
    assert one["p"] == pytest.approx(2 * usual["p"])
    assert one["verdict"] == "undecided"
    text = promptlab("run", "task", "--until-decided").out
    assert "Nothing was decided before the last case." in text


def test_a_score_beyond_0_to_1_stops_nothing(project: Path, promptlab: Promptlab) -> None:
    versions = {"v1": version("0-9", "Grade 1."), "v2": version("0-59", "Grade 5.")}
    lay_out(project, versions, suite(60, scorer="drawn_checks:grade"))
    run(promptlab)
    assert query(project, TRIALS) == [(0, 60), (1, 60)]
    one = compared(promptlab)["v2"]
    assert (one["method"], one["verdict"]) == ("paired-t+cubic", "better")


@pytest.mark.slow
def test_the_primary_scorer_decides(project: Path, promptlab: Promptlab) -> None:
    scorers = "drawn_checks:half\n  - drawn_checks:right"
    lay_out(project, VERSIONS, suite(CASES, scorer=scorers, more="primary: right\n"))
    run(promptlab)
    assert query(project, TRIALS)[1][1] < CASES / 2


# The order of cases


@pytest.mark.slow
def test_the_order_is_drawn_from_the_seed_and_kept(race: Path, promptlab: Promptlab) -> None:
    first, second, other = (run(promptlab, "--seed", seed)["run"] for seed in ("1", "1", "2"))
    written = [f"c{place:02}" for place in range(CASES)]
    drawn = order(race, first)
    assert sorted(drawn) == sorted(written)
    assert drawn != written
    assert order(race, second) == drawn
    assert order(race, other) == drawn  # its answers were looked at in that order before
    usual = promptlab("run", "task", "--json")
    assert order(race, json.loads(usual.out)["run"]) == written


@pytest.mark.slow
def test_another_seed_decides_nothing_about_stored_answers(
    project: Path, promptlab: Promptlab
) -> None:
    """22 won and 10 lost are not enough; in the order of seed 1 they would have been."""
    lay_out(project, {"v1": version("0-19"), "v2": version("10-41")}, suite(110))
    run(promptlab, "--seed", "1")
    assert compared(promptlab)["v2"]["verdict"] == "better"
    forget(project)
    first = run(promptlab, "--seed", "0")["run"]
    verdicts = [compared(promptlab)["v2"]["verdict"]]
    for seed in (1, 2):
        ran = promptlab("run", "task", "--until-decided", "--seed", str(seed))
        assert f"the cases come in the order of run {first} (seed 0)" in " ".join(ran.err.split())
        verdicts.append(compared(promptlab)["v2"]["verdict"])
    assert set(verdicts) == {"undecided"}
    planned = promptlab("run", "task", "--until-decided", "--seed", "7", "--dry-run")
    assert f"in the order of run {first}" in " ".join((planned.out + planned.err).split())
    assert promptlab("db", "verify").out == "The database is sound.\n"


@pytest.mark.slow
def test_new_cases_are_put_into_the_first_order(project: Path, promptlab: Promptlab) -> None:
    versions = {"v1": version("0-19"), "v2": version("8-39")}
    lay_out(project, versions, suite(60))
    before = order(project, run(promptlab, "--seed", "3")["run"])
    lay_out(project, versions, suite(90))
    after = order(project, run(promptlab, "--seed", "4")["run"])
    assert [case for case in after if case in before] == before
    assert after[:60] != before


@pytest.mark.slow
def test_groups_stay_together(project: Path, promptlab: Promptlab) -> None:
    versions = {"v1": version("0-9"), "v2": version("0-149")}
    lay_out(project, versions, suite(CASES, group=4))
    document = run(promptlab)
    groups = [int(case[1:]) // 4 for case in order(project, document["run"])]
    assert len(list(dict.fromkeys(groups))) * 4 == CASES
    assert all(len(set(groups[at : at + 4])) == 1 for at in range(0, CASES, 4))
    one = compared(promptlab)["v2"]
    assert (one["method"], one["verdict"]) == ("e-process", "better")
    assert one["stopped_at"] <= one["n_groups"] < CASES / 4
    assert one["n"] < CASES


# Interruption


@pytest.mark.slow
def test_an_interrupted_run_decides_as_an_uninterrupted_one(
    race: Path, promptlab: Promptlab
) -> None:
    whole = run(promptlab, "--fresh")["run"]
    ours, in_order = compared(promptlab, whole), order(race, whole)
    forget(race)  # a second look would have less of the level left
    began = promptlab("run", "task", "--until-decided", "--fresh", "--max-calls", "30")
    assert began.code == 4
    assert "30 of 480 trials are stored" in began.err
    assert "Decided early" not in began.out  # what is left was not left out
    again = promptlab("resume", "--max-calls", "100")
    assert again.code == 4
    assert "Decided early" not in again.out
    ended = promptlab("resume", "--max-calls", "1000")
    assert (ended.code, "Decided early" in ended.out) == (0, True)
    broken = _id(race)
    assert order(race, broken) == in_order
    theirs = compared(promptlab, broken)
    for key in ("verdict", "stopped_at", "method"):
        assert [one[key] for one in ours.values()] == [one[key] for one in theirs.values()]
    assert ours["v3"] == {**theirs["v3"], "delta_latency_s": ours["v3"]["delta_latency_s"]}
    assert promptlab("db", "verify").out == "The database is sound.\n"


@pytest.mark.slow
def test_an_interrupted_run_may_be_looked_at(race: Path, promptlab: Promptlab) -> None:
    run(promptlab, "--max-calls", "90", code=4)
    comparisons = compared(promptlab)
    assert comparisons["v2"]["verdict"] == "better"
    assert comparisons["v3"]["verdict"] in ("undecided", "refused")


# The baseline


@pytest.mark.slow
def test_a_baseline_is_named(race: Path, promptlab: Promptlab) -> None:
    write(race, "templates/task/aliases.yaml", "best: v2\n")
    run(promptlab, "--baseline", "task@best")
    comparisons = compared(promptlab)
    assert {one["a"] for one in comparisons.values()} == {"task@v2"}
    assert [comparisons[name]["verdict"] for name in ("v1", "v3")] == ["worse", "worse"]
    assert max(count for _, count in query(race, TRIALS)) < CASES / 2  # all are decided


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--until-decided", "--baseline", "nobody@v1"], "unknown arm 'nobody@v1' (known: "),
        (["--until-decided", "--baseline", "task@v9"], "unknown version 'v9' of task (known: v1,"),
        (["--until-decided", "--baseline", "greet@v1"], "unknown arm 'greet@v1' (known: task@v1,"),
        (["--until-decided", "--baseline", "task@*"], "'task@*' names 3 versions"),
        (["--baseline", "task@v1"], "--baseline requires --until-decided"),
        (["--until-decided", "-t", "task@v1"],
         "--until-decided has nothing to decide: there is only one version (run two or more"),
    ],
)  # fmt: skip
def test_mistakes(race: Path, promptlab: Promptlab, words: list[str], expected: str) -> None:
    assert refused(promptlab, *words).startswith(expected)


@pytest.mark.slow
def test_the_project_says_at_which_level_and_from_how_many_cases(
    race: Path, promptlab: Promptlab
) -> None:
    run(promptlab)
    usual = compared(promptlab)["v2"]["stopped_at"]
    write(race, "promptlab.toml", "[compare]\nmin_cases = 60\n")
    run(promptlab)
    assert compared(promptlab)["v2"]["stopped_at"] == 60
    write(race, "promptlab.toml", "[compare]\nalpha = 0.000001\n")
    run(promptlab)
    assert compared(promptlab)["v2"]["stopped_at"] > usual


def test_a_long_suite_ends_when_its_pairs_are_decided(project: Path, promptlab: Promptlab) -> None:
    """More trials than are looked up at once: what is left out must not stop the run early."""
    versions = {"v1": version("0-99"), "v2": version("0-899")}
    lay_out(project, versions, suite(1000))
    document = run(promptlab)
    assert document["status"] == "finished"
    assert sum(arm["trials"] for arm in document["arms"]) < 1000
    assert compared(promptlab)["v2"]["verdict"] == "better"


@pytest.mark.slow
def test_the_table_rests_on_what_decided(race: Path, promptlab: Promptlab) -> None:
    run(promptlab)
    one = compared(promptlab)["v2"]
    assert one["n"] == one["stopped_at"]
    assert one["wins"] + one["losses"] + one["ties"] == one["n"]
    assert one["ci"][0] <= one["delta"] <= one["ci"][1]


@pytest.mark.slow
def test_a_second_look_at_stored_answers_is_reported(race: Path, promptlab: Promptlab) -> None:
    assert promptlab("run", "task").code == 0
    ran = promptlab("run", "task", "--until-decided")
    assert "Decided early" in ran.out
    expected = " ".join(ran.out.split())
    assert "had answers of earlier runs: this is a second look at them" in expected


# What earlier looks have left


def declared(root: Path) -> list[float]:
    """Return the levels at which runs stop early, oldest first."""
    sql = "SELECT json_extract(settings, '$.sequential.alpha') FROM runs ORDER BY id"
    return [level for (level,) in query(root, sql) if level is not None]


@pytest.mark.slow
def test_what_was_looked_at_before_stops_at_what_is_left(race: Path, promptlab: Promptlab) -> None:
    run(promptlab)
    usual = compared(promptlab)["v2"]
    forget(race)
    assert promptlab("run", "task").code == 0
    compared(promptlab)
    note = "level .0025: arms stop once it is reached"
    for words in (("--dry-run",), ()):
        ran = promptlab("run", "task", "--until-decided", *words)
        assert (ran.code, note in " ".join((ran.out + ran.err).split())) == (0, True)
    assert declared(race) == [0.0025]
    again = compared(promptlab)["v2"]
    assert again["look"] == {"number": 2, "level": 0.0025}
    assert again["verdict"] == usual["verdict"] == "better"
    assert again["stopped_at"] > usual["stopped_at"]


@pytest.mark.slow
def test_a_declared_run_carried_out_again_is_the_same_look(
    race: Path, promptlab: Promptlab
) -> None:
    run(promptlab)
    once = compared(promptlab)
    again = run(promptlab, "--seed", "5")
    assert (again["calls"], declared(race)) == (0, [0.05, 0.05])
    for name, row in compared(promptlab).items():
        for key in ("verdict", "p", "ci_simultaneous", "stopped_at", "look"):
            assert row[key] == once[name][key]
    run(promptlab, "--fresh")
    run(promptlab, "--repeats", "2")
    assert declared(race)[2:] == [0.0025, 0.00125]
