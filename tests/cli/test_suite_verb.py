"""`suite list` and `suite show`: what a suite says, and which runs there are of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SUITE = """
description: Does a greeting help?
templates: ["greet@*"]
backends: [echo]
cases:
  - {id: ada, name: Ada, tags: [short, old], group: a}
  - {id: ben, name: Ben, tags: [short], group: a}
  - {id: cem, name: Cem}
scorers: [{contains: {any: [Hello]}}, length]
repeats: 2
gates: ["contains >= 0.5"]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "templates" / "greet").mkdir(parents=True)
    (tmp_path / "templates" / "greet" / "v1.j2").write_text("Hi {{ name }}")
    (tmp_path / "templates" / "greet" / "v2.j2").write_text("Hello {{ name }}")
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "first.yaml").write_text(SUITE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_a_suite_is_shown_with_its_runs(project: Path, promptlab: Any) -> None:
    assert "promptlab run first" in promptlab("suite", "show", "first").out
    assert promptlab("run", "first", "--label", "before Monday").code == 1  # its gate fails
    promptlab("run", "first", "-n", "1")
    shown = json.loads(promptlab("suite", "show", "first", "--json").out)
    assert [run["label"] for run in shown.pop("runs")] == [None, "before Monday"]
    assert shown == {
        "suite": "first",
        "problem": None,
        "description": "Does a greeting help?",
        "templates": ["greet@*"],
        "versions": ["greet@v1", "greet@v2"],
        "cases": 3,
        "groups": 2,
        "tags": {"short": 2, "old": 1},
        "backends": ["echo"],
        "scorers": ["contains", "length"],
        "kinds": {"contains": "contains", "length": "length"},
        "primary": "contains",
        "repeats": 2,
        "seed": 0,
        "design": "versions",
        "holdout": 0,
        "held_out": 0,
        "gates": ["contains >= 0.5"],
    }
    text = promptlab("suite", "show", "first").out
    for said in ("short (2), old (1)", "3, in 2 groups", "contains >= 0.5", "before Monday"):
        assert said in text


def test_scorers_have_the_names_that_results_have(project: Path, promptlab: Any) -> None:
    (project / "suites" / "sets").mkdir()
    (project / "suites" / "sets" / "size.yaml").write_text("- length: {max: 9, name: short}\n")
    own = "{id: cem, name: Cem, scorers: [{contains: {any: [Cem], name: named}}]}"
    suite = SUITE.replace("{id: cem, name: Cem}", own).replace("contains >= 0.5", "greets >= 0.5")
    scorers = "[{contains: {any: [Hello], name: greets}}, {use: sets/size.yaml}]"
    before = "[{contains: {any: [Hello]}}, length]"
    (project / "suites" / "first.yaml").write_text(suite.replace(before, scorers))
    shown = json.loads(promptlab("suite", "show", "first", "--json").out)
    assert shown["scorers"] == ["greets", "short", "named"]
    assert shown["kinds"] == {"greets": "contains", "short": "length", "named": "by_case"}
    assert shown["primary"] == "greets"
    [listed] = json.loads(promptlab("suite", "list", "--json").out)
    assert (listed["scorers"], listed["primary"]) == (shown["scorers"], "greets")
    text = promptlab("suite", "show", "first").out
    lines = [line.strip().split(maxsplit=1) for line in text.splitlines()]
    assert ["scorers", "greets (contains), short (length), named (by_case)"] in lines
    assert ["primary", "greets"] in lines
    run = json.loads(promptlab("run", "first", "--json").out)
    assert [score["scorer"] for score in run["arms"][0]["scores"]] == shown["scorers"]
    assert run["primary"] == "greets"


def test_a_scorer_of_ones_own_is_named_without_its_code(project: Path, promptlab: Any) -> None:
    path = project / "suites" / "first.yaml"
    path.write_text(SUITE.replace("length]", "{'not_here:polite': {name: tone}}, other:kind]"))
    shown = json.loads(promptlab("--safe", "suite", "show", "first", "--json").out)
    assert shown["kinds"] == {
        "contains": "contains",
        "tone": "not_here:polite",
        "kind": "other:kind",
    }
    assert "contains, tone (not_here:polite), kind" in promptlab("suite", "show", "first").out


def test_two_scorers_of_one_name_are_told(project: Path, promptlab: Any) -> None:
    path = project / "suites" / "first.yaml"
    path.write_text(SUITE.replace("length]", "{contains: {any: [Hi]}}]"))
    refused = promptlab("suite", "show", "first")
    assert refused.code == 2
    assert "2 scorers are called 'contains'" in refused.err


def test_one_that_cannot_be_read_hides_no_other(project: Path, promptlab: Any) -> None:
    (project / "suites" / "broken.yaml").write_text("templates: []\n")
    shown = promptlab("suite", "list")
    assert shown.code == 0
    assert "cannot be read" in shown.out
    assert "suites/broken.yaml" in shown.out
    listed = json.loads(promptlab("suite", "list", "--json").out)
    assert [suite["suite"] for suite in listed] == ["broken", "first"]
    assert [suite["problem"] is None for suite in listed] == [False, True]
    refused = promptlab("suite", "show", "broken")
    assert refused.code == 2
    assert "suites/broken.yaml" in refused.err
    assert "unknown suite 'frist'" in promptlab("suite", "show", "frist").err


@pytest.mark.slow
def test_runs_have_labels_and_a_suite_names_its_newest_complete_run(
    project: Path, promptlab: Any
) -> None:
    promptlab("run", "first", "--label", "all of it")
    promptlab("run", "first", "-n", "1")
    quick, whole = json.loads(promptlab("runs", "--json").out)
    assert (quick["label"], whole["label"]) == (None, "all of it")
    assert "all of it" in promptlab("runs").out
    assert json.loads(promptlab("show", "first", "--json").out)["run"] == whole["run"]
    assert json.loads(promptlab("show", "--json").out)["run"] == quick["run"]
    for label, why in {
        " ": "cannot label a run",
        "two\nlines": "cannot label a run",
        "red\x1b[31m": "cannot label a run",
        "a" * 61: "a label has at most 60 characters, this one has 61",
    }.items():
        refused = promptlab("run", "first", "--label", label)
        assert (refused.code, refused.err.count("\n")) == (2, 1)
        assert why in refused.err
    assert len(json.loads(promptlab("runs", "--json").out)) == 2


def test_runs_that_later_looks_go_by_are_not_deleted(project: Path, promptlab: Any) -> None:
    promptlab("run", "first", "-n", "1")
    promptlab("run", "first", "-n", "2")
    refused = promptlab("runs", "delete", "latest", "-2", "--yes")
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert "must not be deleted: it chose part of the cases" in refused.err
    assert len(json.loads(promptlab("runs", "--json").out)) == 2
    promptlab("run", "first", "--until-decided")
    refused = promptlab("runs", "delete", "latest", "--yes")
    assert (refused.code, "it could stop early" in refused.err) == (2, True)
    assert promptlab("plan", "first", "--until-decided").code == 0


@pytest.mark.slow
def test_runs_are_deleted_on_demand_alone(project: Path, promptlab: Any) -> None:
    promptlab("run", "first", "--label", "to be lost")
    promptlab("run", "first", "-n", "1")
    quick, whole = [run["run"] for run in json.loads(promptlab("runs", "--json").out)]
    refused = promptlab("runs", "delete", whole)
    assert refused.code == 2
    assert f"Run {whole} (to be lost) of suite first: 12 trials, 24 scores;" in refused.err
    assert "nothing was deleted (--yes deletes without asking)" in refused.err
    assert len(json.loads(promptlab("runs", "--json").out)) == 2
    missing = promptlab("runs", "delete", whole, "nosuch", "--yes")  # all or nothing
    assert (missing.code, "unknown run 'nosuch'" in missing.err) == (2, True)
    assert json.loads(promptlab("runs", "delete", "-2", "--yes", "--json").out) == {
        "deleted": [whole]
    }
    assert [run["run"] for run in json.loads(promptlab("runs", "--json").out)] == [quick]
    assert promptlab("db", "verify").code == 0
    assert "freed" in promptlab("db", "vacuum").out
    assert promptlab("db", "verify").code == 0
