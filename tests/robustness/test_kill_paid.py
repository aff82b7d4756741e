"""`kill -9` while a server is paid: what it answered a second ago is kept and not asked again."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.remote.fault_server import FaultServer
    from tests.robustness.conftest import Lab

KILLS = [pytest.param(20, marks=pytest.mark.slow)]
CASES = 1_500
LATENCY_S = 0.3  # 64 side by side: some 200 calls a second
AT_RISK_S = 1.0  # what the writer may still hold back, and the way to it


@pytest.fixture
def paid(lab: Lab, fault_server: FaultServer) -> Path:
    """Return a project whose suite `paid` asks a server `CASES` questions."""
    root = lab.root
    fault_server.latency_s = LATENCY_S
    (root / "promptlab.toml").write_text(
        f'[backends.shop]\nkind = "openai"\nmodel = "m"\nbase_url = "{fault_server.base_url}"\n'
        "concurrency = 64\nprice = {input = 1.0, output = 1.0}\n"
    )
    cases = [{"id": f"case{number}", "topic": f"number {number}"} for number in range(CASES)]
    (root / "suites" / "many.jsonl").write_text("\n".join(map(json.dumps, cases)))
    (root / "suites" / "paid.yaml").write_text(
        'templates: ["one@v1"]\nbackends: [shop]\ncases: many.jsonl\n'
        "scorers:\n  - length: {unit: words, max: 9}\n"
    )
    return root


@pytest.mark.parametrize("kills", KILLS)
def test_a_paid_run_killed_again_and_again_loses_a_second_of_answers_at_most(
    paid: Path, lab: Lab, fault_server: FaultServer, kills: int
) -> None:
    chance = random.Random(5)
    for kill in range(kills):
        stored = prompts(lab)
        tries = {prompt: len(fault_server.asked[prompt]) for prompt in stored}
        before = fault_server.requests
        words = ["resume"] if lab.rows("SELECT 1 FROM runs") else ["run", "paid"]
        process = subprocess.Popen(command(paid, *words), stderr=subprocess.PIPE, text=True)
        lab.wait_until(lambda before=before: fault_server.requests > before)  # type: ignore[misc]
        begun = time.monotonic()  # what the process before had asked is answered by now, to nobody
        time.sleep(chance.uniform(0.0, 0.3) if kill % 5 else 1.4)
        assert process.poll() is None, (kill, process.communicate())
        killed = time.monotonic()
        process.kill()
        process.communicate()
        assert [p for p in stored if len(fault_server.asked[p]) > tries[p]] == []
        safe = {
            prompt
            for prompt, moments in list(fault_server.answered.items())
            if any(begun < moment < killed - AT_RISK_S for moment in moments)
        }
        assert safe <= prompts(lab), f"kill {kill} lost answers of more than a second ago"

    assert len(prompts(lab)) < CASES
    fault_server.latency_s = 0.0
    ended = subprocess.run(command(paid, "resume"), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert len(prompts(lab)) == CASES
    assert lab.carry("db", "verify") == {"problems": []}


def prompts(lab: Lab) -> set[str]:
    """Return the prompts of which the answer is stored; each is there once."""
    sql = "SELECT p.text FROM generations g JOIN texts p ON p.id = g.prompt"
    found = [json.loads(text)[-1]["content"] for (text,) in lab.rows(sql)]
    assert len(set(found)) == len(found)
    return set(found)


def command(project: Path, *words: str) -> list[str]:
    """Return the command line of a process of its own."""
    return [sys.executable, "-m", "promptlab", "--project", str(project), *words]
