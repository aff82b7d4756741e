from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from promptlab.core.lazy import lazy_module

HEAVY = ("torch", "transformers", "scipy", "httpx", "sqlite_utils", "pyarrow", "numpy")


def test_a_module_runs_when_it_is_first_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sleeper_of_a_test.py").write_text("print('awake')\nvalue = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = lazy_module("sleeper_of_a_test")
    assert capsys.readouterr().out == ""
    assert module.value == 3
    assert capsys.readouterr().out == "awake\n"
    assert lazy_module("sleeper_of_a_test") is sys.modules["sleeper_of_a_test"]


def test_looking_through_all_modules_wakes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dreamer_of_a_test.py").write_text("print('awake')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert lazy_module("dreamer_of_a_test") is not None
    for module in list(sys.modules.values()):
        hasattr(module, "__file__")  # as `inspect` does while torch is being imported
    assert capsys.readouterr().out == ""


def test_a_loaded_module_is_returned_as_it_is() -> None:
    assert lazy_module("sys") is sys


def test_a_missing_module_is_reported_at_once() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module_here"):
        lazy_module("no_such_module_here")


def test_the_ground_floor_loads_nothing_heavy() -> None:
    code = (
        "import sys, promptlab.experiments.plan, promptlab.project.folder\n"
        "import promptlab.project.backends\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert ended.stdout.strip() == "[]"
