"""Runs of plans, each with a store of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from promptlab.store import Store
from tests.runner.runs import Begin, Run

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Return a function that begins a run of a renderer's plan."""
    with Store.open(tmp_path / "promptlab.db", lambda: NOW) as store, ExitStack() as writing:
        yield partial(Run, writing=writing, store=store)
