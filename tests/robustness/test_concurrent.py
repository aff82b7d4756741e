"""Several processes on one database: nothing is lost, nothing breaks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.robustness.conftest import Lab


@pytest.mark.slow
def test_runs_side_by_side_into_one_new_database_lose_nothing(lab: Lab) -> None:
    started = [lab.begin("run", suite, "--json", pace=0.02) for suite in ("one", "two")]
    logs = []
    for process, log in started:
        out, err = process.communicate(timeout=40)
        assert process.returncode == 0, err
        document = json.loads(out)
        assert document["outcomes"]["ok"] == lab.trials
        assert document["calls"] == lab.calls
        logs.append(lab.asked(log))

    assert lab.stored() == logs[0] | logs[1]
    assert len(lab.stored()) == 2 * lab.calls
    spans = lab.rows("SELECT min(created_at), max(created_at) FROM trials GROUP BY run")
    assert max(first for first, _ in spans) < min(last for _, last in spans), "no overlap"
    lab.assert_complete(runs=2)
    assert lab.carry("run", "one")["calls"] == 0


@pytest.mark.slow
def test_the_same_suite_twice_at_the_same_time_is_stored_once(lab: Lab) -> None:
    started = [lab.begin("run", "one", pace=0.02) for _ in range(2)]
    for process, log in started:
        _, err = process.communicate(timeout=40)
        assert process.returncode == 0, err
        assert lab.asked(log) <= lab.stored()
    assert len(lab.stored()) == lab.calls
    lab.assert_complete(runs=2)
