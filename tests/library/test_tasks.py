"""The tasks that come with the package: each is a project that runs as it lies there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import promptlab
from promptlab.cli import run_cli
from promptlab.templates.front_matter import FrontMatter, split_front_matter

TASKS = Path(promptlab.__file__).parent / "library" / "tasks"
SUITES = sorted(path.relative_to(TASKS) for path in TASKS.glob("*/suites/*.yaml"))
TEMPLATES = sorted(path.relative_to(TASKS) for path in TASKS.glob("*/templates/*"))
PRACTICES = {
    *("clear", "context", "structure", "length", "examples"),
    *("ambiguity", "role", "reasoning", "refine"),
}


def versions(template: Path) -> dict[str, FrontMatter]:
    return {
        path.stem: split_front_matter(path.read_text(encoding="utf-8"), path.name)[0]
        for path in (TASKS / template).glob("*.j2")
    }


def words(suite: Path, tmp_path: Path) -> list[str]:
    return ["--project", str(TASKS / suite.parts[0]), "--db", str(tmp_path / "library.db")]


def test_each_task_says_what_it_is() -> None:
    told = {
        task.name: yaml.safe_load((task / "task.yaml").read_text(encoding="utf-8"))
        for task in TASKS.iterdir()
    }
    assert told
    for task in told.values():
        assert task.keys() - {"left_out"} == {"title", "description", "flagship"}


@pytest.mark.parametrize("suite", SUITES, ids=str)
def test_each_suite_has_cases_and_keeps_some_of_them_for_confirmation(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli([*words(suite, tmp_path), "suite", "show", suite.stem, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["problem"] is None
    assert told["cases"] >= 40
    assert 0 < told["held_out"] < told["cases"] / 2
    assert len(told["tags"]) > 1
    assert told["groups"] <= told["cases"]


@pytest.mark.parametrize("template", TEMPLATES, ids=str)
def test_each_version_adds_one_practice_to_its_parent(template: Path) -> None:
    found = versions(template)
    first = found.pop("v1")
    assert (first.parent, first.practices) == (None, ())
    blocks = found.pop("blocks")
    assert len(blocks.practices) > 1
    known = {"v1": first, **found}
    for version in found.values():
        assert version.parent is not None
        before = known[version.parent].practices
        assert version.practices[: len(before)] == before
        assert len(version.practices) == len(before) + 1
    assert {name for version in found.values() for name in version.practices} == PRACTICES


def test_the_reference_of_each_function_passes_its_tests() -> None:
    rows = (TASKS / "code/suites/data/code.jsonl").read_text(encoding="utf-8").splitlines()
    for row in map(json.loads, rows):
        assert row["expect"].startswith(("from ", row["signature"]))
        names: dict[str, object] = {}
        exec("\n".join([row["expect"], *row["tests"]]), names)


@pytest.mark.slow
@pytest.mark.parametrize("suite", SUITES, ids=str)
def test_each_suite_runs_whole(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = [*words(suite, tmp_path), "run", suite.stem, "-b", "echo", "--split", "all"]
    if suite.stem.endswith("-judged"):  # the judge is a model
        run.append("--dry-run")
    assert run_cli([*run, "--json"]) == 0, capsys.readouterr().err
