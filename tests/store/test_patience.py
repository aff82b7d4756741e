"""A condition that the user wrote ends, or is ended."""

from __future__ import annotations

import _thread
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from promptlab.store.patience import Patience

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"


@pytest.fixture
def raw() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        yield connection


def test_a_query_without_an_end_is_ended(raw: sqlite3.Connection) -> None:
    patience = Patience(raw, 0.02)
    with pytest.raises(sqlite3.OperationalError, match="interrupted") as caught:
        raw.execute(ENDLESS)
    told = patience.ended(caught.value, "--where")
    assert told is not None
    assert told.message == "--where takes too long: no row within 0.02 s"


def test_other_mistakes_are_left_as_they_are(raw: sqlite3.Connection) -> None:
    patience = Patience(raw)
    with pytest.raises(sqlite3.DataError, match="too big") as caught:
        raw.execute("SELECT zeroblob(300000000)")
    assert patience.ended(caught.value, "--where") is None


def test_ctrl_c_ends_it(raw: sqlite3.Connection) -> None:
    patience = Patience(raw, 60)
    timer = threading.Timer(0.05, _thread.interrupt_main)
    timer.start()
    with pytest.raises(sqlite3.OperationalError) as caught:
        raw.execute(ENDLESS)
    timer.join()
    with pytest.raises(KeyboardInterrupt):
        patience.ended(caught.value, "--where")


def test_rows_that_come_slowly_are_waited_for(raw: sqlite3.Connection) -> None:
    patience = Patience(raw, 0.5)
    series = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 60000)"
    for _ in range(3):
        assert raw.execute(f"{series} SELECT count(*) FROM c").fetchone() == (60_000,)
        patience.restart()
