"""A disk that is full in the middle of a run: one clear error, and `resume` afterwards."""

from __future__ import annotations

import re
import resource
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.robustness.conftest import Lab

LIMIT_BYTES = 700_000  # enough for the plan and the first answers


@pytest.mark.slow
def test_what_fitted_on_the_disk_is_kept(lab: Lab) -> None:
    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, LIMIT_BYTES))

    process, log = lab.begin("run", "one", pace=0.05, set_up=small_disk)
    _, told = process.communicate(timeout=40)

    assert process.returncode == 2
    assert len(re.findall("^Error: ", told, re.M)) == 1
    assert re.search("^Error: .*promptlab.db: .*what was stored before is safe", told, re.M)
    assert "Traceback" not in told
    stored = lab.stored()
    assert 0 < len(stored) < lab.calls
    assert stored <= lab.asked(log)

    assert lab.carry("resume")["calls"] == lab.calls - len(stored)
    lab.assert_complete()
