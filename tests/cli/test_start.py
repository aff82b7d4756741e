"""What the command line loads before it knows what it is asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "torch", "transformers", "scipy", "numpy", "httpx", "sqlite_utils", "sqlite3", "pydantic",
    "jinja2", "rich", "yaml", "asyncio",
}  # fmt: skip
OF_OTHER_VERBS = (
    *("core.looks", "core.measured", "core.passport", "store.judges", "store.ledger"),
    *("store.measured", "importers.outcomes", "experiments.gates", "analysis.judged"),
    *("report.views.forecast", "report.views.gates", "workbench.anchors", "workbench.scoring"),
)
LOADED = """
import json, sys
from promptlab.cli import run_cli
code = run_cli(sys.argv[1:])
print(json.dumps([code, sorted(sys.modules)]))
"""


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["--version"]])
def test_help_and_version_load_nothing_heavy(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *words], capture_output=True, text=True, check=True
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    assert "click" in modules
    assert not HEAVY & set(modules)


def test_a_plain_run_loads_nothing_for_gates_judges_conclusions_or_imports(project: Path) -> None:
    words = ["--project", str(project), "run", "greet"]
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *words], capture_output=True, text=True, check=True
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    assert {"promptlab.store", "promptlab.runner.flow"} <= set(modules)
    of_others = {"numpy", "scipy", *(f"promptlab.{name}" for name in OF_OTHER_VERBS)}
    assert not of_others & set(modules)


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "promptlab", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: promptlab [OPTIONS] COMMAND")
    verbs = ("init", "run", "resume", "runs", "show", "template", "backend", "scorer", "db")
    assert all(f"\n  {verb} " in done.stdout for verb in verbs)
    assert max(map(len, done.stdout.splitlines())) <= 80
