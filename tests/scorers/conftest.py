from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from promptlab.core.types import Case, Json, Outcome, Score
from promptlab.scorers.binding import bind
from promptlab.scorers.sample import Sample

Grade = Callable[..., Score]


@pytest.fixture
def grade() -> Grade:
    """Bind a scorer as a suite would, prepare one case, and grade one output."""

    def run(
        name: str,
        output: str,
        expect: Json = None,
        case: dict[str, Json] | None = None,
        **params: Any,
    ) -> Score:
        [bound] = bind([{name: params}])
        one = Case("c1", case or {}, expect, ("tag",), None, "b2:0")
        bound.prepare(one)
        return asyncio.run(bound.score(Sample(output, one, Outcome.OK)))

    return run
