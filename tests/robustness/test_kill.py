"""`kill -9`, again and again: no trial is lost, none is there twice, no stored answer is asked."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.robustness.conftest import Lab

KILLS = 20
AT_START = 4  # so many of them fall while the process starts up
PACE = 0.4  # seconds a call: 64 side by side make at most 160 calls a second


def test_a_run_killed_twenty_times_ends_complete(lab: Lab) -> None:
    chance = random.Random(2)
    at_start = set(chance.sample(range(1, KILLS), AT_START))
    for kill in range(KILLS):
        stored = lab.stored() if kill else set()
        process, log = lab.begin(*(["resume"] if kill else ["run", "one"]), pace=PACE)
        if kill not in at_start:
            lab.wait_until(log.read_text)
        time.sleep(chance.uniform(0, 0.65))
        assert process.poll() is None, process.communicate()
        process.kill()
        process.wait()
        asked = lab.asked(log)
        assert not asked & stored
        assert len(asked) + len(stored) <= lab.calls

    stored = lab.stored()
    assert 0 < len(stored) < lab.calls
    assert lab.carry("resume")["calls"] == lab.calls - len(stored)
    assert len(lab.stored()) == lab.calls
    lab.assert_complete()


def test_a_fresh_run_that_was_killed_keeps_its_own_answers_only(lab: Lab) -> None:
    lab.carry("run", "one")
    process, log = lab.begin("run", "one", "--fresh", pace=0.05)
    lab.wait_until(lambda: lab.rows("SELECT 1 FROM generations WHERE fresh_run <> ''"))
    process.kill()
    process.wait()
    [(fresh,)] = lab.rows("SELECT count(*) FROM generations WHERE fresh_run <> ''")
    assert 0 < fresh <= len(lab.asked(log))
    assert lab.carry("resume")["calls"] == lab.calls - fresh
    lab.assert_complete(runs=2)
