"""What calls cost and how many tokens they may take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.prices import (
    NO_TOKENS,
    Price,
    TokenRange,
    highest_cost,
    likely_tokens,
    prompt_range,
)
from promptlab.core.types import Image, Message, Request, Sampling, Usage

PLAIN = Price(2.0, 10.0)
FULL = Price(2.0, 10.0, cached=0.5, cache_write=2.5)


@pytest.mark.parametrize(
    ("price", "usage", "dollars"),
    [
        (PLAIN, Usage(1_000_000, 100_000), 3.0),
        (PLAIN, Usage(0, 0), 0.0),
        (PLAIN, Usage(None, 5), None),
        (PLAIN, Usage(5, None), None),
        (PLAIN, Usage(1_000_000, 0, cache_read_tokens=400_000), 2.0),  # an upper bound
        (FULL, Usage(1_000_000, 0, cache_read_tokens=400_000), 1.4),
        (FULL, Usage(1_000_000, 0, cache_write_tokens=400_000), 2.2),
        (PLAIN, Usage(1_000_000, 0, cache_write_tokens=400_000), None),
        (PLAIN, Usage(100, 100_000, reasoning_tokens=90_000), 1.0002),
        (Price(0, 0), Usage(5, 5), 0.0),
        (FULL, Usage(10, 5, cache_read_tokens=50), None),  # impossible
        (FULL, Usage(10, 0, cache_read_tokens=6, cache_write_tokens=6), None),
        (FULL, Usage(10, 0, cache_read_tokens=4, cache_write_tokens=6), 17e-6),
    ],
)
def test_a_call_costs_what_its_tokens_cost(
    price: Price, usage: Usage, dollars: float | None
) -> None:
    assert price.cost(usage) == (None if dollars is None else pytest.approx(dollars))


def request(*texts: str, max_tokens: int = 100) -> Request:
    return Request(
        "k", tuple(Message("user", text) for text in texts), Sampling(0.0, None, max_tokens)
    )


# As SmolLM2-135M-Instruct counts them, its chat template and a short system message included.
@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The quick brown fox jumps over the lazy dog. " * 20, 215),
        ("def add(a, b):\n    return a + b\n" * 20, 274),
        ("今日はとても良い天気ですね。散歩に行きましょう。" * 10, 445),
        ("Donaudampfschifffahrtsgesellschaftskapitän " * 20, 395),
    ],
)
def test_the_bounds_hold_for_ordinary_text(text: str, tokens: int) -> None:
    bounds = prompt_range(request("s", text))
    assert bounds.low <= tokens <= bounds.high


@given(st.lists(st.text(max_size=200), min_size=1, max_size=5))
def test_the_guess_lies_between_the_bounds(texts: list[str]) -> None:
    call = request(*texts, max_tokens=1)
    bounds = prompt_range(call)
    assert 0 <= bounds.low <= likely_tokens(call) <= bounds.high + 1


def test_an_image_takes_tokens_too() -> None:
    image = Image("photo.png", "image/png", "b2:0")
    with_image = Request("k", (Message("user", ("What is this?", image)),), Sampling())
    without = Request("k", (Message("user", "What is this?"),), Sampling())
    assert prompt_range(with_image).low > prompt_range(without).low
    assert prompt_range(with_image).high > prompt_range(without).high + 1000


def test_ranges_add_up() -> None:
    assert sum([TokenRange(1, 2), TokenRange(3, 5)], NO_TOKENS) == TokenRange(4, 7)


def test_the_highest_cost_is_that_of_the_longest_answer() -> None:
    call = request("x" * 600, max_tokens=1000)
    assert highest_cost(call, PLAIN) == pytest.approx((prompt_range(call).high * 2 + 10_000) / 1e6)
