"""Attacks end in the box, as root and as an ordinary user; nothing is left and nobody is hurt."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from promptlab.codebox import box

from .attack import attacked
from .attacks import ATTACKS, OUTSIDE
from .conftest import Ruled

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LONG = [name for name, attack in ATTACKS.items() if attack.reasons or "GB" in name]
NAMES = [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in ATTACKS]


def held(name: str, passed: object, reason: object) -> bool:
    """Return whether an attack ended as it must."""
    reasons = ATTACKS[name].reasons
    if reasons:
        return passed is False and any(each in str(reason) for each in reasons)
    return passed is True


def listed() -> dict[str, list[str]]:
    """List folders in which code would like to write."""
    folders = ("/", "/dev", "/etc", "/usr/lib")
    return {folder: sorted(path.name for path in Path(folder).iterdir()) for folder in folders}


@pytest.fixture
def unharmed(ruled: Ruled) -> Iterator[None]:
    """Look whether everything is as it was."""
    server = box.shared_box()
    files = listed()
    yield
    assert box.shared_box() is server  # it is alive
    psutil.wait_procs(psutil.Process(server._process.pid).children(recursive=True), timeout=30)
    assert psutil.Process(server._process.pid).children() == []
    assert listed() == files
    assert not Path(OUTSIDE).exists()


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("name", NAMES)
def test_an_attack_is_held(name: str) -> None:
    [passed, reason] = attacked([name])[name]
    assert held(name, passed, reason), reason


def as_user(*words: str) -> Any:
    """Run a script of these tests as an ordinary user; return what it prints."""
    command = [sys.executable, str(HERE / "as_user.py"), *words]
    if os.getuid() != 0:
        command = [sys.executable, *words]
    environment = {
        "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]
    }  # fmt: skip
    ran = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.slow
@pytest.mark.usefixtures("unharmed")
def test_every_attack_is_held_as_an_ordinary_user() -> None:
    told = as_user(str(HERE / "attack.py"), *ATTACKS)
    assert told["user"] != 0
    assert {name: end for name, end in told["found"].items() if not held(name, *end)} == {}
    assert told["found"].keys() == ATTACKS.keys()


@pytest.mark.slow
@pytest.mark.usefixtures("unharmed")
def test_an_ordinary_user_has_a_box(ruled: Ruled) -> None:
    told = as_user(str(HERE / "attack.py"), "who", "proc", "read outside")
    assert told["user"] != 0
    assert [end for end in told["found"].values() if end != [True, None]] == []


def test_what_is_in_reach_of_root_is_not_in_reach_of_code(ruled: Ruled, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    code = f"def f():\n    return open({str(secret)!r}).read()\n"
    assert "FileNotFoundError" in str(ruled(code, "assert f() == 1", entry_point="f").reason)


@pytest.mark.slow
@pytest.mark.usefixtures("unharmed")
def test_endless_loops_at_once_all_end_and_do_not_disturb_another() -> None:
    loop = ATTACKS["endless loop"]
    jobs = [box.Job(loop.code, loop.tests, "f", timeout_s=1)] * 4
    jobs.append(box.Job("def f():\n    return 1\n", "assert f() == 1", timeout_s=60))

    async def together() -> list[bool | None]:
        return [ruling.passed for ruling in await asyncio.gather(*map(box.run, jobs))]

    assert asyncio.run(together()) == [False, False, False, False, True]


def test_what_one_run_leaves_the_next_does_not_find(ruled: Ruled) -> None:
    code = "import os\nbefore = os.listdir('.')\nopen('left', 'w').close()\n"
    for _ in range(2):
        assert ruled(code, "assert before == []").passed
