"""Processes: two that write at once, and one that is killed while it writes."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from promptlab.core.types import Plan
from promptlab.store import Store

MakePlan = Callable[..., Plan]

_WRITE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from promptlab.core.digest import digest_text
from promptlab.store import Store
from promptlab.core.types import *

path, run_id, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with Store.open(path, lambda: datetime.now(UTC)) as store:
    plan = store.load_plan(run_id)
    print("ready", flush=True)
    with store.writer(run_id) as writer:
        for seq in range(count):
            key = digest_text(f"{run_id} {seq % 50 or seq}")
            request = Request(key, (Message("user", f"q{seq}"),), Sampling())
            turn = Turn("answer", request, Completion(Outcome.OK, f"a{seq}", Usage(1, 1)), False)
            writer.put_turn(turn)
            score = {"exact_match": Score(1.0, True)}
            writer.put_result(
                TrialResult(plan.trial(seq), (turn,), 0, Outcome.OK, None, score)
            )
            if seq % 25 == 24:
                writer.flush()
                print(seq, flush=True)
"""


def spawn(path: Path, run_id: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _WRITE, str(path), run_id, str(count)],
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_two_processes_write_at_once_and_lose_nothing(
    store: Store, path: Path, make_plan: MakePlan
) -> None:
    plan = make_plan(cases=200)
    store.begin_run("r1", plan)
    store.begin_run("r2", plan)
    children = [spawn(path, run_id, plan.size) for run_id in ("r1", "r2")]
    for child in children:
        child.communicate(timeout=60)
        assert child.returncode == 0
    for run_id in ("r1", "r2"):
        assert store.finished(run_id) == set(range(400))
        store.end_run(run_id, "finished")
    assert store.verify() == []


def test_a_killed_process_loses_nothing_that_was_stored(
    path: Path, clock: Callable[[], datetime], make_plan: MakePlan
) -> None:
    rng = random.Random(20260101)
    plan = make_plan(cases=1_000, repeats=10)
    for number in range(3):
        run_id = f"r{number}"
        with Store.open(path, clock) as store:
            store.begin_run(run_id, plan)
        child = spawn(path, run_id, plan.size)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0.02, 0.4))
        child.kill()
        output, _ = child.communicate(timeout=60)
        acknowledged = max([-1, *map(int, output.split())])
        with Store.open(path, clock) as store:
            assert store.verify() == []
            stored = store.finished(run_id)
            assert acknowledged < len(stored) < plan.size
            assert stored == set(range(len(stored)))  # no gap: batches are all or nothing
