"""What the docs show of the demo is what the model says."""

from __future__ import annotations

import gzip
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from docs import demo

_ANSWERS = """
    SELECT DISTINCT arm, case_id, repeat, outcome, output FROM results
    WHERE suite = 'sentiment' ORDER BY arm, case_id, repeat
"""


def answers(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(_ANSWERS).fetchall()


@pytest.mark.slow
@pytest.mark.model
def test_the_recorded_answers_are_those_of_the_model(tmp_path: Path) -> None:
    recorded = tmp_path / "recorded.db"
    recorded.write_bytes(gzip.decompress(demo.RECORDED.read_bytes()))
    with demo.in_project():
        code, _ = demo.typed("run sentiment")
        now = answers(Path(demo.DATABASE))
    assert code == 0
    assert len(now) == 5 * 72
    assert now == answers(recorded)


def test_a_command_is_answered_from_the_record() -> None:
    shown = demo.said("runs")
    assert "sentiment" in shown
    assert demo.said("run sentiment --json", "runs") != shown  # one more run, and no model loaded
