"""Scorers that cases have of their own, and sets of scorers in files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Promptlab, edit, query, with_backend

CASES = """\
{"id": "ada", "name": "Ada", "scorers": [{"contains": {"any": "Ada", "name": "own"}}]}
{"id": "ben", "name": "Ben", "scorers": [{"contains": {"any": "Zoe", "name": "own"}}, "regex: no"]}
{"id": "eve", "vars": {"name": "Eve"}, "scorers": [{"contains": {"any": "Ada", "name": "own"}}]}
{"id": "kim", "name": "Kim"}
"""
CASES = CASES.replace(', "regex: no"', ', {"length": {"max": 9, "name": "brief"}}')
SCORES = "SELECT scorer, case_id, passed FROM results WHERE version = 'v1' AND score NOTNULL"


@pytest.fixture
def own(project: Path) -> Path:
    (project / "suites/people.jsonl").write_text(CASES, encoding="utf-8")
    return project


def _scores(root: Path, scorer: str) -> dict[str, int]:
    return {case: passed for name, case, passed in query(root, SCORES) if name == scorer}


def test_a_case_is_graded_by_its_own_scorers_too(own: Path, promptlab: Promptlab) -> None:
    assert promptlab("run", "greet").code == 0
    assert _scores(own, "own") == {"ada": 1, "ben": 0, "eve": 0}
    assert _scores(own, "brief") == {"ben": 1}
    assert len(_scores(own, "length")) == 4
    assert promptlab("db", "verify").code == 0
    # They are no variables, and no part of the case's digest.
    assert query(own, "SELECT vars FROM cases WHERE case_id = 'ada'") == [('{"name":"Ada"}',)]


@pytest.mark.slow
def test_what_a_case_lacks_is_not_a_failure(own: Path, promptlab: Promptlab) -> None:
    run = json.loads(promptlab("run", "greet", "--json").out)
    [table] = [table for table in run["arms"][0]["scores"] if table["scorer"] == "own"]
    assert (table["n"], table["unscored"]) == (3, 0)
    compared = json.loads(promptlab("compare", "--scorer", "own", "--json").out)
    [comparison] = compared["comparisons"]
    assert comparison["n"] == 3
    assert "1 of 4 cases have no score by own" in comparison["warnings"]
    assert promptlab("run", "greet", "--gate", "own >= 0.3").code == 0


FAILS = """\
def answer(messages):
    text = messages[-1]["content"]
    if "Kim" in text or "Eve" in text:
        raise ValueError("gone")
    return text
"""


def test_a_trial_that_failed_counts_where_its_case_has_the_scorer(
    own: Path, promptlab: Promptlab
) -> None:
    with_backend(own, FAILS, kind="mine:answer")
    run = json.loads(promptlab("run", "greet", "--json").out)
    [table] = [table for table in run["arms"][0]["scores"] if table["scorer"] == "own"]
    assert (table["n"], table["trials"], table["unscored"]) == (3, 2, 1)  # eve, not kim
    [all_cases] = [table for table in run["arms"][0]["scores"] if table["scorer"] == "length"]
    assert all_cases["unscored"] == 2
    compared = json.loads(promptlab("compare", "--scorer", "own", "--json").out)
    assert compared["comparisons"][0]["n"] == 3


def test_graded_again_cases_keep_their_scorers(own: Path, promptlab: Promptlab) -> None:
    promptlab("run", "greet")
    edit(own / "suites/people.jsonl", '"Zoe"', '"Ben"')  # the run has its own
    graded = json.loads(promptlab("score", "--json").out)["scorers"]
    assert {each["scorer"]: each["scores"] for each in graded}["own"] == 6
    assert {each["changed"] for each in graded} == {0}
    assert _scores(own, "own") == {"ada": 1, "ben": 0, "eve": 0}


@pytest.mark.slow
def test_a_part_of_the_cases_has_the_same_scorer(own: Path, promptlab: Promptlab) -> None:
    promptlab("run", "greet", "--case", "ada")
    promptlab("run", "greet")
    [(one,)] = query(own, "SELECT count(DISTINCT params) FROM run_scorers WHERE label = 'own'")
    assert one == 1
    assert promptlab("compare", "-2", "latest", "--scorer", "own").code == 0


def test_the_list_of_a_table_stays_a_variable(project: Path, promptlab: Promptlab) -> None:
    table = "id,name,scorers\nada,Ada,length\n"
    (project / "suites/people.csv").write_text(table, encoding="utf-8")
    edit(project / "suites/greet.yaml", "people.jsonl", "people.csv")
    assert promptlab("run", "greet").code == 0
    assert query(project, "SELECT vars FROM cases") == [('{"name":"Ada","scorers":"length"}',)]


@pytest.mark.parametrize(
    ("scorers", "said"),
    [
        ('[{"contains": {"al": "x", "name": "own"}}]', "people.jsonl:2: scorer 'own': unknown"),
        ('["length"]', "people.jsonl:2: 2 scorers are called 'length'"),
        ('["numeric", "numeric"]', "people.jsonl:2: case 'ben' has two scorers called 'numeric'"),
        ("[3]", "people.jsonl:2: 3 is not a scorer"),
        ('[{"exact_match": {"reduce": "max"}}]', "people.jsonl:2: reduce of 'exact_match' has no"),
        ('[{"exact_match": {"target": "{{ wat }}"}}]', "people.jsonl:2: scorer 'exact_match',"),
    ],
)
def test_mistakes_are_told_at_the_case(
    own: Path, promptlab: Promptlab, scorers: str, said: str
) -> None:
    lines = CASES.splitlines()
    lines[1] = f'{{"id": "ben", "name": "Ben", "scorers": {scorers}}}'
    (own / "suites/people.jsonl").write_text("\n".join(lines), encoding="utf-8")
    ran = promptlab("run", "greet", "--dry-run")
    assert ran.code == 2
    assert said in ran.err


@pytest.mark.parametrize("scorer", ['"code"', '{"not": {"code": {"tests": "assert f()"}}}'])
def test_code_of_models_needs_the_permission_of_the_suite_here_too(
    own: Path, promptlab: Promptlab, scorer: str
) -> None:
    (own / "suites/people.jsonl").write_text(
        f'{{"id": "ada", "name": "Ada", "tests": "assert f()", "scorers": [{scorer}]}}\n',
        encoding="utf-8",
    )
    ran = promptlab("run", "greet", "--dry-run")
    assert (ran.code, "runs code that models wrote" in ran.err) == (2, True), ran.err


def test_it_cannot_decide_when_to_stop(own: Path, promptlab: Promptlab) -> None:
    edit(own / "suites/greet.yaml", "cases:", "primary: own\ncases:")
    ran = promptlab("run", "greet", "--until-decided", "--dry-run")
    assert (ran.code, "grades only cases that have it" in ran.err) == (2, True)


SETS: dict[str, str] = {
    "sets/tone.yaml": '- use: words.yaml\n- length: {max: 5, name: brief}\n',
    "sets/words.yaml": '- contains: {any: ["{{ name }}"]}\n- regex: {pattern: hello}\n',
}  # fmt: skip


@pytest.fixture
def with_sets(project: Path) -> Path:
    (project / "suites/sets").mkdir()
    for name, text in SETS.items():
        (project / "suites" / name).write_text(text, encoding="utf-8")
    edit(
        project / "suites/greet.yaml",
        '  - contains: {any: ["{{ name }}"]}',
        "  - use: sets/tone.yaml",
    )
    return project  # fmt: skip


def _labels(root: Path) -> list[Any]:
    return query(root, "SELECT label FROM run_scorers ORDER BY run, position")


@pytest.mark.slow
def test_a_set_stands_where_it_is_used(with_sets: Path, promptlab: Promptlab) -> None:
    assert promptlab("run", "greet").code == 0
    assert _labels(with_sets) == [("contains",), ("regex",), ("brief",), ("length",)]
    edit(
        with_sets / "suites/greet.yaml",
        "- length: {",
        "- all_of: [use: sets/words.yaml]\n  - length: {",
    )
    assert promptlab("run", "greet").code == 0
    [(params,)] = query(with_sets, "SELECT params FROM run_scorers WHERE label = 'all_of'")
    assert [*map(list, json.loads(params)["of"])] == [["contains"], ["regex"]]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("sets/words.yaml", "pattern:", "patern:", "suites/sets/words.yaml:2: 1.regex.patern: sc"),
        ("sets/words.yaml", "- regex", "- use: tone.yaml\n- regex", "suites/sets/words.yaml:2: 1."
         "use: tone.yaml uses itself"),
        ("sets/tone.yaml", "use: words", "use: word", "suites/sets/word.yaml: no such file"),
        ("sets/tone.yaml", "name: brief", "name: regex", "suites/sets/tone.yaml:2: 1: 2 scorers"),
        ("sets/words.yaml", "- contains", "x: 1\nscorers:\n - contains", "suites/sets/words.yaml"),
        ("greet.yaml", "use: sets/tone.yaml", "use: 3", "suites/greet.yaml:6: scorers.0.use: use"
         " names a file, not 3"),
    ],
)  # fmt: skip
def test_mistakes_are_told_in_the_file_of_the_set(
    with_sets: Path, promptlab: Promptlab, file: str, old: str, new: str, said: str
) -> None:
    edit(with_sets / "suites" / file, old, new)
    ran = promptlab("run", "greet", "--dry-run")
    assert (ran.code, ran.err.startswith(f"Error: {said}")) == (2, True), ran.err
