"""What a run has spent is known when it goes on, however the process before it ended."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.remote.fault_server import FaultServer
    from tests.robustness.conftest import Lab

SILENT = 8  # calls that are sent and never answered


@pytest.fixture
def shop(lab: Lab, fault_server: FaultServer) -> Path:
    (lab.root / "promptlab.toml").write_text(
        f'[backends.logged]\nkind = "openai"\nmodel = "m"\nbase_url = "{fault_server.base_url}"\n'
        f"concurrency = {SILENT}\n"
    )
    return lab.root


@pytest.mark.parametrize(
    "end", [pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGKILL]
)
@pytest.mark.slow
def test_calls_without_an_answer_count_when_the_run_goes_on(
    shop: Path, lab: Lab, fault_server: FaultServer, end: signal.Signals
) -> None:
    fault_server.fail("silent")
    limit = ("--max-calls", str(SILENT + 12))
    process = subprocess.Popen(command(shop, "run", "one", *limit))
    lab.wait_until(lambda: fault_server.requests == SILENT)
    time.sleep(1.0)  # half a second may be forgotten
    process.send_signal(end)
    process.wait(10)
    fault_server.fail(None)
    for _ in range(2):
        ended = subprocess.run(command(shop, "resume"), capture_output=True, text=True, check=False)
        assert ended.returncode == 4
        assert f"stopped at --max-calls {SILENT + 12}, after {SILENT + 12} calls: " in ended.stderr
        assert fault_server.requests == SILENT + 12


def command(project: Path, *words: str) -> list[str]:
    """Return the command line of a process of its own."""
    return [sys.executable, "-m", "promptlab", "--project", str(project), *words]
