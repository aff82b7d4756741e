"""More calls side by side than files may be open: as many as there are files for."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.remote.fault_server import FaultServer
    from tests.robustness.conftest import Lab

FILES = 128
CASES = 600


@pytest.mark.slow
@pytest.mark.parametrize("hard", [FILES, 4096], ids=["bounded", "raised"])
def test_calls_are_bounded_by_the_files_that_may_be_open(
    lab: Lab, fault_server: FaultServer, hard: int
) -> None:
    (lab.root / "promptlab.toml").write_text(
        f'[backends.shop]\nkind = "openai"\nmodel = "m"\nbase_url = "{fault_server.base_url}"\n'
    )
    cases = [{"id": f"case{number}", "topic": f"number {number}"} for number in range(CASES)]
    (lab.root / "suites" / "many.jsonl").write_text("\n".join(map(json.dumps, cases)))
    (lab.root / "suites" / "many.yaml").write_text(
        'templates: ["one@v1"]\nbackends: [shop]\ncases: many.jsonl\n'
        "scorers:\n  - length: {unit: words, max: 9}\n"
    )
    fault_server.latency_s = 0.2
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "promptlab",
            "--project",
            lab.root,
            *["run", "many", "-j", "512", "--json"],
        ],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard)),
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["outcomes"]["ok"] == CASES
    assert fault_server.requests == CASES, "a call was made in vain"
    told = f"calls side by side instead of 512: this process may have {FILES} files open"
    assert ended.stderr.count(told) == (1 if hard == FILES else 0)
