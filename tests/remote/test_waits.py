from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.remote.waits import wait_of

DATE = "Tue, 24 Nov 2026 12:00:00 GMT"


def wait(*details: dict[str, Any], **headers: str) -> float | None:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return wait_of(httpx.Headers(named), details)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2", 2),
        ("0.5", 0.5),
        (" 7 ", 7),
        ("0", 0),
        ("1m30s", 90),
        ("Tue, 24 Nov 2026 12:00:20 GMT", 20),
        ("Tue, 24 Nov 2026 11:59:00 GMT", 0),
        ("-1", None),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
        ("1e308", None),
        ("9" * 400 + "s", None),
        ("99999999", 99999999),
        ("9999999999", 9999999999),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert wait(retry_after=value, date=DATE) == seconds


@given(
    st.sampled_from(
        ["retry-after", "retry-after-ms", "x-ratelimit-reset", "anthropic-ratelimit-tokens-reset"]
    ),
    st.one_of(
        st.text("0123456789.:-+eEdhmsnuT GMTZµ,/", max_size=30),
        st.floats().map(str),
        st.integers().map(str),
        st.datetimes().map(str),
    ),
    st.booleans(),
)
def test_whatever_a_server_says_is_a_wait_or_nothing(name: str, value: str, clock: bool) -> None:
    dated = {"date": DATE} if clock else {}
    for wait in (wait_of({name: value, **dated}), wait_of(dated, [{"retryDelay": value}])):
        assert wait is None or 0 <= wait < 1e12


def test_a_date_says_nothing_without_the_servers_clock() -> None:
    assert wait(retry_after="Tue, 24 Nov 2026 12:00:20 GMT") is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x_ratelimit_reset_requests": "6ms"}, 0.006),
        ({"x_ratelimit_reset_requests": "6us"}, 6e-6),
        ({"x_ratelimit_reset_requests": "5ns"}, 5e-9),
        ({"x_ratelimit_reset_tokens": "1m30s"}, 90),
        ({"x_ratelimit_reset_tokens": "1h0m1.5s"}, 3601.5),
        ({"x_ratelimit_reset_requests": "1d2h"}, 93600),
        ({"x_ratelimit_reset_requests": "2s", "x_ratelimit_remaining_requests": "9",
          "x_ratelimit_reset_tokens": "3s", "x_ratelimit_remaining_tokens": "0"}, 3),
        ({"x_ratelimit_reset_requests": "4s", "x_ratelimit_remaining_requests": "0",
          "x_ratelimit_reset_tokens": "3s", "x_ratelimit_remaining_tokens": "0"}, 4),
        ({"x_ratelimit_reset_requests": "4s", "x_ratelimit_remaining_requests": "1"}, None),
        ({"anthropic_ratelimit_requests_reset": "2026-11-24T12:00:30Z",
          "anthropic_ratelimit_requests_remaining": "0",
          "anthropic_ratelimit_tokens_reset": "2026-11-24T12:09:00Z",
          "anthropic_ratelimit_tokens_remaining": "1000"}, 30),
        ({"anthropic_ratelimit_unified_reset": "1795521610"}, 10),
        ({"x_ratelimit_reset": "1795521610000"}, 10),
        ({"ratelimit_reset": "15"}, 15),
        ({"ratelimit_reset": "2026-11-24T12:00:30"}, 30),
        ({"x_ratelimit_reset_a": "4s", "x_ratelimit_remaining_a": "0.0",
          "x_ratelimit_reset_b": "9s", "x_ratelimit_remaining_b": "0.5"}, 4),
        ({"x_reset": "15", "x_ratelimit_limit": "16"}, None),
        ({"x_ratelimit_reset": "soon"}, None),
        ({"x_ratelimit_reset": "9" * 40}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_resets_of_what_is_used_up(headers: dict[str, str], seconds: float | None) -> None:
    assert wait(date=DATE, **headers) == seconds


def test_the_most_exact_word_counts() -> None:
    delay = {"retryDelay": "45.837906927s"}
    every = {"retry_after_ms": "250", "retry_after": "3", "x_ratelimit_reset": "9"}
    assert wait(delay, **every) == 0.25
    del every["retry_after_ms"]
    assert wait(delay, **every) == 3
    del every["retry_after"]
    assert wait(delay, **every) == 45.837906927
    assert wait({"reason": "x"}, {"retryDelay": 3}, **every) == 9
    assert wait({"retryDelay": "later"}, **every) == 9
