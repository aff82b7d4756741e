"""`kill -9`, again and again: no trial is lost, none is there twice, no stored answer is asked."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.robustness.conftest import Lab

# Kills, and how many of them fall while the process starts up.
CAMPAIGNS = [(200, 3, 1), pytest.param(400, 20, 4, marks=pytest.mark.slow)]
PACE = 0.4  # seconds a call: 64 side by side make at most 160 calls a second


@pytest.mark.parametrize(("lab", "kills", "at_start"), CAMPAIGNS, indirect=["lab"])
@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_complete(lab: Lab, kills: int, at_start: int) -> None:
    chance = random.Random(2)
    early = set(chance.sample(range(1, kills), at_start))
    for kill in range(kills):
        stored = lab.stored() if kill else set()
        process, log = lab.begin(*(["resume"] if kill else ["run", "one"]), pace=PACE)
        if kill not in early:
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


@pytest.mark.slow
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
