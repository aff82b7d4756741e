# ruff: noqa: E501 - programs in one line
"""What models wrote is run only where the suite allows it, and never where a layer is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from promptlab.codebox import box

from .conftest import Promptlab, edit, spawn

WITHOUT = Path(__file__).parents[1] / "codebox" / "without.py"
ROOT = Path(__file__).parents[2]

SUITE = """\
templates: ["greet@v1"]
backends: [echo]
allow_code: true
cases:
  - {id: one, name: "\\n\\n```python\\ndef f(x):\\n    return x + 1\\n```\\n", tests: assert f(1) == 2}
  - {id: two, name: "\\n\\n```python\\ndef f(x):\\n    return x\\n```\\n", tests: assert f(1) == 2}
scorers:
  - code
"""

CASE_SCORER = """\
tests: assert f(1) == 2, scorers: [code]}
scorers:
  - length
"""


@pytest.fixture
def coding(project: Path) -> Path:
    """Return a project whose suite grades code, and goes there."""
    try:
        box.shared_box()
    except box.Refused as refused:
        pytest.skip(f"code cannot be run here: {refused}")
    (project / "suites/greet.yaml").write_text(SUITE, encoding="utf-8")
    return project


def scores(promptlab: Promptlab) -> dict[str, float | None]:
    shown = json.loads(promptlab("show", "--full", "--json").out)["results"]
    return {each["case_id"]: each["score"] for each in shown}


def test_code_is_run_where_the_suite_allows_it(coding: Path, promptlab: Promptlab) -> None:
    ran = promptlab("run", "greet")
    assert ran.code == 0, ran.err
    assert scores(promptlab) == {"one": 1.0, "two": 0.0}
    assert promptlab("score", "latest").code == 0
    assert "assert f(1) == 2; it was 1" in promptlab("show", "--failed").out.replace("\n", " ")


def test_a_single_answer_is_run_where_the_suite_allows_it(
    coding: Path, promptlab: Promptlab
) -> None:
    words = ("try", "greet@v1", "--case", "two", "--json")
    [score] = json.loads(promptlab(*words).out)["scores"]
    assert (score["scorer"], score["score"]) == ("code", 0.0)
    edit(coding / "suites/greet.yaml", "allow_code: true\n", "")
    refused = promptlab(*words)
    assert (refused.code, refused.out) == (2, "")
    assert "runs code that models wrote" in refused.err
    safe = json.loads(promptlab("--safe", *words).out)
    assert (safe["scores"], [*safe["not_graded"]]) == ([], ["code"])


@pytest.mark.parametrize(
    "words", [("run", "greet"), ("run", "greet", "--dry-run"), ("plan", "greet")]
)
def test_without_leave_it_is_refused_before_any_call(
    coding: Path, promptlab: Promptlab, words: tuple[str, ...]
) -> None:
    edit(coding / "suites/greet.yaml", "allow_code: true\n", "")
    ran = promptlab(*words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "Error: suites/greet.yaml:7: scorers.0: scorer 'code' runs code that models wrote (if that "
        "is what you want, write allow_code: true into suites/greet.yaml)\n"
    )
    assert not (coding / "promptlab.db").exists()


@pytest.mark.parametrize(
    "scorers",
    ["not: {of: code}", "all_of: {of: [length, {not: {of: code}}]}", "code: {name: mine}"],
)
def test_no_scorer_hides_code_within(coding: Path, promptlab: Promptlab, scorers: str) -> None:
    suite = coding / "suites/greet.yaml"
    edit(suite, "scorers:\n  - code\n", f"scorers:\n  - {scorers}\n")
    edit(suite, "allow_code: true\n", "")
    ran = promptlab("run", "greet")
    assert ran.code == 2
    assert "runs code that models wrote" in ran.err
    assert "suites/greet.yaml:7" in ran.err
    edit(suite, "backends: [echo]\n", "backends: [echo]\nallow_code: true\n")
    assert "--safe does not" in promptlab("--safe", "run", "greet").err


def test_a_case_with_code_of_its_own_needs_leave(coding: Path, promptlab: Promptlab) -> None:
    suite = coding / "suites/greet.yaml"
    edit(suite, "tests: assert f(1) == 2}\nscorers:\n  - code\n", CASE_SCORER)
    edit(suite, "allow_code: true\n", "")
    ran = promptlab("run", "greet")
    assert ran.code == 2
    assert "runs code that models wrote" in ran.err


@pytest.mark.parametrize("words", [("score", "latest"), ("resume", "latest")])
def test_a_stored_run_needs_the_leave_of_its_suite_as_it_is_today(
    coding: Path, promptlab: Promptlab, words: tuple[str, ...]
) -> None:
    assert promptlab("run", "greet").code == 0
    edit(coding / "suites/greet.yaml", "allow_code: true", "allow_code: false")
    refused = promptlab(*words)
    assert refused.code == 2
    assert "write allow_code: true into suites/greet.yaml" in refused.err
    (coding / "suites/greet.yaml").unlink()
    assert promptlab(*words).code == 2
    assert scores(promptlab) == {"one": 1.0, "two": 0.0}


@pytest.mark.parametrize("words", [("run", "greet", "--fresh"), ("score", "latest"), ("resume",)])
def test_safe_runs_no_code_of_models(
    coding: Path, promptlab: Promptlab, words: tuple[str, ...]
) -> None:
    assert promptlab("run", "greet").code == 0
    ran = promptlab("--safe", *words)
    assert ran.code == 2
    if words != ("resume",):  # there is nothing to resume
        assert "scorer 'code' runs code that models wrote, which --safe does not" in ran.err
    assert ran.err.count("\n") == 1
    assert promptlab("--safe", "run", "greet", "--dry-run").code == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "layer"),
    [
        ("landlock", "Landlock: landlock_create_ruleset: Operation not supported"),
        ("users", "user namespaces: unshare: Operation not permitted"),
    ],
)
def test_where_a_layer_is_missing_it_is_refused_before_any_call(
    coding: Path, what: str, layer: str
) -> None:
    code = (
        f"import runpy, sys; sys.argv = ['without', {what!r}, sys.executable, '-m', 'promptlab', "
        f"*sys.argv[1:]]; runpy.run_path({str(WITHOUT)!r}, run_name='__main__')"
    )
    ran = spawn("run", "greet", code=code, PYTHONPATH=str(ROOT))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"a layer of its box is missing: {layer}" in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert not (coding / "promptlab.db").exists()


def test_the_key_is_in_the_schema(promptlab: Promptlab) -> None:
    schema = json.loads(promptlab("schema", "suite").out)
    assert schema["properties"]["allow_code"]["type"] == "boolean"


OWN = """
from promptlab import PromptlabError, scorer

def ready():
    {ready}

@scorer(executes=True, ready=ready)
def mine(sample):
    "Run it."
    return True
"""


@pytest.mark.parametrize(
    ("ready", "told"),
    [
        ("raise PromptlabError('no engine here', hint='install one')", "no engine here (install"),
        ("1 / 0", "scorer 'mine': it cannot tell whether it can work: ZeroDivisionError"),
    ],
)
def test_a_scorer_of_the_users_can_refuse_and_needs_leave_too(
    project: Path, promptlab: Promptlab, ready: str, told: str
) -> None:
    (project / "own_runner.py").write_text(OWN.format(ready=ready), encoding="utf-8")
    suite = project / "suites/greet.yaml"
    edit(suite, "scorers:\n", "scorers:\n  - own_runner:mine\n")
    assert "scorer 'mine' runs code that models wrote" in promptlab("run", "greet").err
    edit(suite, "scorers:\n", "allow_code: true\nscorers:\n")
    ran = promptlab("run", "greet")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert told in ran.err
    assert not (project / "promptlab.db").exists()
