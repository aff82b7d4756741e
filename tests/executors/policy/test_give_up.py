"""When a backend is given up."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from promptlab.core.errors import BackendError
from promptlab.core.failure import Failure, Fault
from promptlab.executors.policy.give_up import Failed, GiveUp


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rules(clock: Clock) -> GiveUp:
    return GiveUp("mini", 60.0, clock)


def check(
    rules: GiveUp,
    fault: Fault,
    tries: int = 1,
    *,
    last: bool = False,
    refuses_all: bool = False,
    wait_s: float | None = None,
    key: str = "one",
    more: bool = True,
) -> None:
    failed = Failed(key, Failure(fault, wait_s), "so", tries, last)
    rules.check(failed, refuses_all=refuses_all, more=more)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault.UNREACHABLE, "backend 'mini' cannot be reached: so"),
        (Fault.UNREADABLE, "backend 'mini' sends no readable reply: so"),
        (Fault.COMPLAINT, "backend 'mini' answers with an error: so"),
        (Fault.BROKEN, "backend 'mini' ends every connection before its answer: so"),
    ],
)
def test_a_server_that_never_answered_is_given_up_after_three_tries(
    rules: GiveUp, fault: Fault, message: str
) -> None:
    rules.heard(Failure(fault))  # that is no answer
    check(rules, fault, 2)
    with pytest.raises(BackendError, match=message):
        check(rules, fault, 3)


def test_a_server_that_answered_is_waited_for(rules: GiveUp, clock: Clock) -> None:
    rules.heard(None)
    clock.now = 29.0
    check(rules, Fault.UNREACHABLE, 99, last=True)
    clock.now = 31.0
    check(rules, Fault.UNREACHABLE, 99)
    with pytest.raises(BackendError, match="cannot be reached"):
        check(rules, Fault.UNREACHABLE, 99, last=True)


def test_an_unreadable_reply_among_readable_ones_is_one_request_s_own(rules: GiveUp) -> None:
    rules.heard(Failure(Fault.REJECTED))
    check(rules, Fault.UNREADABLE, 99, last=True)


def test_a_server_that_refuses_all_is_given_up_in_the_end(rules: GiveUp) -> None:
    check(rules, Fault.BUSY, 9, last=True, key="another")
    check(rules, Fault.BUSY, 9, refuses_all=True)
    with pytest.raises(BackendError, match="refuses every call"):
        check(rules, Fault.BUSY, 9, last=True, refuses_all=True)


def test_a_server_that_asks_for_more_time_than_there_is(rules: GiveUp) -> None:
    check(rules, Fault.BUSY, wait_s=60.0, refuses_all=True)
    check(rules, Fault.BUSY, wait_s=61.0, refuses_all=True)  # it may be about this request
    check(rules, Fault.BUSY, key="another")
    with pytest.raises(BackendError, match="asks to be left alone for 61 s"):
        check(rules, Fault.BUSY, wait_s=61.0, refuses_all=True)


def test_the_only_request_that_is_refused_fails_alone(rules: GiveUp) -> None:
    check(rules, Fault.BUSY, 9, last=True, refuses_all=True, more=False)
    rules.heard(None)
    check(rules, Fault.BUSY, 9, last=True, refuses_all=True)


def test_the_last_few_that_a_serving_server_refuses_fail_alone(rules: GiveUp) -> None:
    rules.heard(Failure(Fault.BUSY))  # that is no answer
    check(rules, Fault.BUSY, key="another")
    with pytest.raises(BackendError, match="refuses every call"):
        check(rules, Fault.BUSY, 9, last=True, refuses_all=True, more=False)
    rules.heard(Failure(Fault.REJECTED))
    for key in ("one", "two", "three"):
        check(rules, Fault.BUSY, 9, last=True, refuses_all=True, more=False, key=key)
    with pytest.raises(BackendError, match="refuses every call"):  # others would be waiting
        check(rules, Fault.BUSY, 9, last=True, refuses_all=True, more=True)


@pytest.mark.parametrize("fault", [Fault.SERVER, Fault.TIMEOUT, Fault.REJECTED])
def test_other_failures_say_nothing_of_the_server(rules: GiveUp, fault: Fault) -> None:
    check(rules, fault, 99, last=True, refuses_all=True)


def test_a_connection_that_breaks_is_nothing_new_of_a_server_that_answered(rules: GiveUp) -> None:
    rules.heard(None)
    check(rules, Fault.BROKEN, 99, last=True)


def test_a_complaint_about_one_request_ends_that_one_alone(rules: GiveUp) -> None:
    rules.heard(None)
    for _ in range(2):
        check(rules, Fault.COMPLAINT, 1)
        check(rules, Fault.COMPLAINT, 2)
        check(rules, Fault.COMPLAINT, 3, last=True)
    rules.heard(None)
    check(rules, Fault.COMPLAINT, 3, last=True)


def test_a_server_that_has_turned_to_complaints_is_given_up(rules: GiveUp) -> None:
    rules.heard(None)
    check(rules, Fault.COMPLAINT, 3, last=True)
    check(rules, Fault.COMPLAINT, 3, last=True)
    with pytest.raises(BackendError, match="answers with an error: so"):
        check(rules, Fault.COMPLAINT, 3, last=True)
