"""Where a layer is missing nothing runs, and its name is told. Where the program dies, all ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from promptlab.codebox import box

from .conftest import Ruled

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PATH": os.environ.get("PATH", "")}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "layer", "why"),
    [
        ("landlock", "Landlock", "landlock_create_ruleset: Operation not supported"),
        ("seccomp", "seccomp", "seccomp: Invalid argument"),
        ("users", "user namespaces", "unshare: Operation not permitted"),
        ("mount", "mount namespaces", "Operation not permitted"),
    ],
)
def test_without_a_layer_nothing_runs(ruled: Ruled, what: str, layer: str, why: str) -> None:
    command = [sys.executable, str(HERE / "without.py"), what, sys.executable]
    ran = subprocess.run(
        [*command, str(HERE / "attack.py"), "who"], env=ENVIRONMENT, capture_output=True, text=True
    )
    told = json.loads(ran.stdout)
    assert told["refused"] == layer
    assert why in told["why"]


def wait_until_gone(pids: list[int]) -> None:
    until = time.monotonic() + 30
    while any(psutil.pid_exists(pid) and alive(pid) for pid in pids):
        assert time.monotonic() < until
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


SLEEPS = """
import asyncio, sys
from promptlab.codebox import box
box.shared_box()
print(flush=True)
job = box.Job("import time\\ndef f():\\n    time.sleep(1e6)\\n", "assert f()", timeout_s=600)
asyncio.run(box.run(job))
"""


def test_when_the_program_is_killed_everything_in_the_box_dies(ruled: Ruled) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", SLEEPS], env=ENVIRONMENT, stdout=subprocess.PIPE
    )
    with program:
        assert program.stdout is not None
        program.stdout.readline()
        until = time.monotonic() + 30
        while len(children := psutil.Process(program.pid).children(recursive=True)) < 5:
            assert time.monotonic() < until  # server, job, tests, keeper, code
            time.sleep(0.01)
        program.send_signal(signal.SIGKILL)
    wait_until_gone([child.pid for child in children])


def test_a_run_that_is_given_up_ends_at_once(ruled: Ruled) -> None:
    own = box.Box()
    job = box.Job("import time\ntime.sleep(1e6)\n", "assert f()", timeout_s=600)

    async def give_up() -> list[int]:
        task = asyncio.create_task(own.run(job))
        while len(found := psutil.Process(own._process.pid).children(recursive=True)) < 4:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return [process.pid for process in found]

    pids = asyncio.run(give_up())
    wait_until_gone(pids)
    assert own.is_alive()
    own.close()
    assert not own.is_alive()


@pytest.mark.slow
def test_a_server_that_died_is_replaced(ruled: Ruled) -> None:
    first = box.shared_box()
    first._process.kill()
    first._process.wait()
    assert ruled("def f():\n    return 1\n", "assert f() == 1").passed
    assert box.shared_box() is not first
    first.close()


def test_a_box_that_cannot_start_is_refused(ruled: Ruled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/true")
    with pytest.raises(box.Refused, match="server: it did not start"):
        box.Box()


def test_on_another_system_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(box.Refused, match="Linux: this is darwin"):
        box.Box()


def test_on_an_old_kernel_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    old = os.uname_result(("Linux", "host", "5.10.0-28-amd64", "#1 SMP", "x86_64"))
    monkeypatch.setattr(os, "uname", lambda: old)
    with pytest.raises(box.Refused, match=r"Linux: this is 5\.10\.0-28-amd64"):
        box.Box()
