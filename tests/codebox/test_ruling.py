"""What a run came to, from what its processes said and how they ended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from promptlab.codebox.ruling import Ruling, rule


def report(said: Any, **ends: Any) -> dict[str, Any]:
    whole = {"nonce": "n", "stopped": None, "tests": [0, 0.1], "code": [0, 0.1, False]}
    return {**whole, "said": said if isinstance(said, str) else json.dumps(said), **ends}


def ruled(said: Any, *, apart: bool = True, **ends: Any) -> Ruling:
    return rule(report(said, **ends), 10, 22, apart=apart)


PASSED = {"ruling": "passed", "nonce": "n"}
GONE = {"ruling": "gone", "nonce": "n"}


def test_passing_takes_the_word_the_number_and_the_exit_status() -> None:
    assert ruled(PASSED) == Ruling(True)
    assert ruled({"ruling": "failed", "nonce": "n", "reason": "why"}) == Ruling(False, "why")
    undecided = ruled({"ruling": "undecided", "nonce": "n", "reason": "why"})
    assert undecided == Ruling(None, "why", undecided=True)


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ({"ruling": "passed"}, {}),
        ({"ruling": "passed", "nonce": "m"}, {}),
        (PASSED, {"tests": [1, 0.1]}),
        (PASSED, {"tests": [-11, 0.1]}),
        (PASSED, {"stopped": "time"}),
        ("", {}),
        ("{", {}),
        ("[" * 100_000, {}),
        ('"passed"', {}),
        ({"ruling": "perfect", "nonce": "n"}, {}),
    ],
)
@pytest.mark.parametrize("apart", [True, False])
def test_nothing_less_passes(said: Any, ends: dict[str, Any], apart: bool) -> None:
    assert ruled(said, apart=apart, **ends).passed is not True


@pytest.mark.parametrize(
    ("code", "passed", "reason"),
    [
        ([0, 0.1, True], False, "the code ended its process before its tests (exit status 0)"),
        ([-11, 0.1, True], False, "the code ended its process before its tests (SIGSEGV)"),
        ([-70, 0.1, True], False, "the code ended its process before its tests (signal 70)"),
        ([-9, 9.99, True], False, "time-out: more than 10 s of the processor"),
        ([-9, 8.7, True], False, "time-out: more than 10 s of the processor"),
        ([-9, 0.5, False], False, "the code no longer answers its tests"),
        ([-9, 0.5, True], None, "it was killed from outside, as when the machine has no memory"),
        ([None, 0.0, False], None, "it is not known how the code's process ended"),
    ],
)
def test_the_end_of_the_code_is_told(code: list[Any], passed: bool | None, reason: str) -> None:
    ruling = ruled(GONE, code=code)
    assert ruling.passed is passed
    assert str(ruling.reason).startswith(reason)


def test_tests_that_end_themselves_are_no_verdict_on_the_code() -> None:
    assert ruled("", tests=[0, 0.1]).passed is None
    assert ruled("", tests=[-9, 9.8]) == Ruling(False, "time-out: more than 10 s of the processor")
    assert ruled("", tests=[0, 0.1], apart=False).passed is False
    assert ruled(PASSED, stopped="time").reason == "time-out: not finished after 22 s"
