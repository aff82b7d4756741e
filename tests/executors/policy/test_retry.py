"""What is retried, and when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.capacity import Patience
from promptlab.core.failure import Failure, Fault
from promptlab.executors.policy.retry import wait_before_retry

PATIENT = Patience(retries=3, limit_s=100)
PASSING = [fault for fault in Fault if fault is not Fault.REJECTED]


@pytest.mark.parametrize("failure", [None, Failure(Fault.REJECTED)])
def test_a_permanent_failure_is_not_retried(failure: Failure | None) -> None:
    assert wait_before_retry(PATIENT, failure, 1, 0, "k") is None


@pytest.mark.parametrize("fault", PASSING)
def test_what_may_pass_is_tried_again(fault: Fault) -> None:
    assert wait_before_retry(PATIENT, Failure(fault), 1, 0, "k") is not None


@pytest.mark.parametrize("fault", PASSING)
def test_a_server_that_is_busy_or_away_is_waited_for_others_are_not(fault: Fault) -> None:
    waited_for = fault in (Fault.BUSY, Fault.UNREACHABLE)
    assert (wait_before_retry(PATIENT, Failure(fault), 4, 0, "k") is not None) == waited_for


def test_no_wait_passes_the_time_limit() -> None:
    assert wait_before_retry(PATIENT, Failure(Fault.BUSY), 1, 101, "k") is None
    assert wait_before_retry(PATIENT, Failure(Fault.BUSY, 101), 1, 0, "k") is None
    assert wait_before_retry(PATIENT, Failure(Fault.BUSY, 90), 1, 0, "k") is not None


def test_a_server_that_asks_for_no_wait_is_not_hammered() -> None:
    waits = [
        wait_before_retry(Patience(99, 10_000), Failure(Fault.BUSY, 0.0), tries, 0, "k")
        for tries in range(1, 12)
    ]
    assert sum(wait or 0 for wait in waits) > 20


@given(st.floats(0.001, 3600), st.text(max_size=10), st.integers(1, 50))
def test_a_server_gets_at_least_the_time_it_asks_for(
    requested: float, key: str, tries: int
) -> None:
    patience = Patience(100, 10_000)
    wait = wait_before_retry(patience, Failure(Fault.BUSY, requested), tries, 0, key)
    assert wait is not None
    assert requested <= wait <= requested + 1


@given(st.text(max_size=10), st.integers(1, 60))
def test_without_a_word_of_the_server_the_wait_is_drawn_below_a_doubling_bound(
    key: str, tries: int
) -> None:
    wait = wait_before_retry(Patience(100, 10_000), Failure(Fault.SERVER), tries, 0, key)
    assert wait is not None
    assert 0 <= wait <= min(30, 0.5 * 2 ** min(tries - 1, 10))


def test_a_server_that_is_away_is_looked_for_more_often_than_a_busy_one() -> None:
    patience = Patience(100, 10_000)

    def longest(fault: Fault) -> float:
        waits = [wait_before_retry(patience, Failure(fault), 10, 0, f"{n}") for n in range(200)]
        return max(wait for wait in waits if wait is not None)

    assert longest(Fault.UNREACHABLE) < 5 < 25 < longest(Fault.BUSY)


def test_calls_that_failed_together_come_back_apart() -> None:
    waits = {wait_before_retry(PATIENT, Failure(Fault.SERVER), 1, 0, f"key {i}") for i in range(50)}
    assert len(waits) == 50
    assert waits == {
        wait_before_retry(PATIENT, Failure(Fault.SERVER), 1, 0, f"key {i}") for i in range(50)
    }
