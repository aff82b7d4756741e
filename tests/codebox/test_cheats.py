"""Wrong code is never found right, whatever it does; and every end of code is told."""

from __future__ import annotations

import pytest

from .cheats import CHEATS, ROTTEN, TESTS
from .conftest import Ruled


@pytest.mark.parametrize("name", CHEATS)
def test_no_cheat_passes(ruled: Ruled, name: str) -> None:
    ruling = ruled(CHEATS[name], TESTS, entry_point="f", timeout_s=3)
    assert ruling.passed is False
    assert ruling.reason


@pytest.mark.parametrize("name", [name for name in CHEATS if "equal" not in name])
def test_no_cheat_passes_in_one_process_but_by_equality(ruled: Ruled, name: str) -> None:
    ruling = ruled(CHEATS[name], TESTS, entry_point="f", timeout_s=3, apart=False)
    assert ruling.passed is False


def test_in_one_process_what_equals_everything_passes(ruled: Ruled) -> None:
    # That is why it is not the usual way; docs/scorers.md says so.
    assert ruled(CHEATS["is equal to everything"], TESTS, entry_point="f", apart=False).passed


@pytest.mark.parametrize("name", ROTTEN)
def test_rotten_code_fails_and_the_reason_says_how(ruled: Ruled, name: str) -> None:
    code, told = ROTTEN[name]
    ruling = ruled(code, TESTS, entry_point="f", timeout_s=3)
    assert ruling.passed is False
    assert told in str(ruling.reason)
    assert "\n" not in str(ruling.reason)
    assert len(str(ruling.reason)) < 1000
