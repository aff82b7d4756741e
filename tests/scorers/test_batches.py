"""Grading many samples without an event loop gives what grading one by one gives."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from promptlab.core.types import Case, Outcome
from promptlab.scorers.batches import score_all, waits
from promptlab.scorers.binding import bind
from promptlab.scorers.sample import Sample

CASE = Case("c", {}, "12", (), None, "b2:0")
SAMPLES = [Sample(text, CASE, Outcome.OK) for text in ("12", "It is 12.", "13", "", "twelve")]
QUICK: list[Any] = [
    "exact_match",
    {"label": {"labels": ["12", "13"]}},
    "numeric",
    {"regex": {"pattern": r"\d+", "target": "12"}},
    {"all_of": ["numeric", {"not": {"contains": {"any": ["is"]}}}]},
    {"weighted": {"of": ["numeric", {"any_of": ["exact_match"]}], "weights": [3, 1]}},
]


def mine(sample: Sample) -> bool:
    return True


@pytest.mark.parametrize("entry", QUICK, ids=str)
def test_many_are_graded_as_one_by_one(entry: Any) -> None:
    [scorer] = bind([entry])
    assert not waits(scorer)

    async def one_by_one() -> list[Any]:
        return [await scorer.score(sample) for sample in SAMPLES]

    assert score_all(scorer, SAMPLES) == asyncio.run(one_by_one())


@pytest.mark.parametrize("entry", [f"{__name__}:mine", {"not": {f"{__name__}:mine": {}}}], ids=str)
def test_what_may_hang_waits(entry: Any) -> None:
    [scorer] = bind([entry])
    assert waits(scorer)
