from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from promptlab.codebox import box
from promptlab.codebox.ruling import Ruling

Ruled = Callable[..., Ruling]


@pytest.fixture(scope="session")
def ruled() -> Ruled:
    """Run code against tests in the box, as a job with these settings."""
    try:
        box.shared_box()
    except box.Refused as refused:
        pytest.skip(f"code cannot be run here: {refused}")

    def run(code: str, tests: str, **settings: Any) -> Ruling:
        job = box.Job(code, tests, **{"timeout_s": 30, **settings})
        return asyncio.run(box.run(job))

    return run
