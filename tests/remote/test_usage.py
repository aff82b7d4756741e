"""The tokens that servers report, under the names and in the places that they have for them."""

from __future__ import annotations

from typing import Any

import pytest

from promptlab.core.types import Usage
from promptlab.remote.usage import cached, openai_usage, thought

PLAIN = {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105}


@pytest.mark.parametrize(
    "more",
    [
        {"prompt_tokens_details": {"cached_tokens": 96}},
        {"input_tokens_details": {"cached_tokens": 96}},
        {"cached_tokens": 96},
        {"prompt_cache_hit_tokens": 96, "prompt_cache_miss_tokens": 4},
        {"cache_read_input_tokens": 96},
        {"num_cached_tokens": 96},
        {"cachedContentTokenCount": 96},
        {"prompt_tokens_details": {"cached_tokens": 0}, "prompt_cache_hit_tokens": 96},
        {"prompt_tokens_details": {"cached_tokens": 96}, "cached_tokens": 0},
    ],
)
def test_cached_tokens_are_found(more: dict[str, Any]) -> None:
    assert openai_usage({**PLAIN, **more}) == Usage(100, 5, 96)
    assert cached({**PLAIN, **more}) == 96


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"prompt_cache_miss_tokens": 100},
        {"cache_read_cost": 96},
        {"cached_tokens": None},
        {"cached_tokens": "96"},
        {"prompt_tokens_details": None},
        {"prompt_tokens_details": [96]},
    ],
)
def test_what_is_no_count_of_cached_tokens_is_unknown(more: dict[str, Any]) -> None:
    assert openai_usage({**PLAIN, **more}) == Usage(100, 5)


@pytest.mark.parametrize("name", ["cache_creation_input_tokens", "cache_write_tokens"])
def test_tokens_written_to_a_cache_are_known_apart(name: str) -> None:
    assert openai_usage({**PLAIN, name: 90}) == Usage(100, 5, None, 90)


@pytest.mark.parametrize(
    ("usage", "known"),
    [
        # thoughts within the output, as OpenAI counts
        ({"completion_tokens": 20, "total_tokens": 120}, Usage(100, 20, None, None, 16)),
        # apart: the total says so, or that they are more than the output
        ({"completion_tokens": 4, "total_tokens": 120}, Usage(100, 20, None, None, 16)),
        ({"completion_tokens": 4}, Usage(100, 20, None, None, 16)),
        ({"completion_tokens": 0, "total_tokens": 116}, Usage(100, 16, None, None, 16)),
    ],
)
@pytest.mark.parametrize(
    "details",
    [
        {"completion_tokens_details": {"reasoning_tokens": 16}},
        {"output_tokens_details": {"thinking_tokens": 16}},
        {"reasoning_tokens": 16},
    ],
)
def test_tokens_thought_are_part_of_the_output(
    usage: dict[str, Any], details: dict[str, Any], known: Usage
) -> None:
    assert openai_usage({"prompt_tokens": 100, **usage, **details}) == known
    assert thought(details) == 16


def test_tokens_that_only_the_total_knows_were_thought() -> None:
    usage = {"prompt_tokens": 20, "completion_tokens": 0, "total_tokens": 84}
    assert openai_usage(usage) == Usage(20, 64, None, None, 64)


def test_cached_tokens_beside_the_prompt_are_added_to_it() -> None:
    beside = {"prompt_tokens": 4, "completion_tokens": 5, "cached_tokens": 96}
    assert openai_usage(beside) == Usage(100, 5, 96)
    assert openai_usage({**beside, "total_tokens": 105}) == Usage(100, 5, 96)


def test_what_is_not_reported_is_unknown() -> None:
    assert openai_usage(None) == Usage()
    assert openai_usage({}) == Usage()
    assert openai_usage({"total_tokens": 7}) == Usage()
    assert openai_usage({"input_tokens": 3, "output_tokens": 4}) == Usage(3, 4)
