"""Digests of questions and of evidence, and sets of cases."""

from __future__ import annotations

import numpy as np
import pytest

from promptlab.analysis.questions import (
    digest_of_set,
    evidence_of,
    keys_of,
    overlap,
    set_of,
    within,
)

NAMES = ["", "a", "b", "a\0", "ab", "ä", "\udcff", "a" * 64, "a" * 65, "b" * 9_999]


def test_every_text_has_a_number_of_its_own() -> None:
    keys = keys_of(NAMES)
    assert len(set(keys.tolist())) == len(NAMES)
    assert keys.tolist() == [int(keys_of([name])[0]) for name in NAMES]  # whatever is beside it


def test_numbers_are_the_same_on_every_machine() -> None:
    assert keys_of(["c1", "a longer name"]).tolist() == [7212770481256327596, 7208734800426326199]


def test_many_texts_share_no_number() -> None:
    assert len(np.unique(keys_of(f"c{n}" for n in range(50_000)))) == 50_000


@pytest.mark.parametrize(
    ("one", "other", "shared", "all_in"),
    [
        ("abc", "cde", True, False),
        ("abc", "de", False, False),
        ("b", "abc", True, True),
        ("", "abc", False, True),
        ("abc", "", False, False),
    ],
)
def test_sets_of_cases(one: str, other: str, shared: bool, all_in: bool) -> None:
    a, b = set_of(keys_of(one)), set_of(keys_of(other))
    assert overlap(a, b) is overlap(b, a) is shared
    assert within(a, b) is all_in
    assert (digest_of_set(a) == digest_of_set(set_of(keys_of(one[::-1])))) is True


def test_evidence_has_no_order_and_no_rounding() -> None:
    keys = keys_of("abcd")
    before, after = np.array([0.0, 1.0, 0.3, 2 / 3]), np.array([1.0, -0.0, 0.1 + 0.2, 0.5])
    plain = evidence_of(keys, before, after, swapped=False)
    turned = np.array([3, 1, 0, 2])
    assert evidence_of(keys[turned], before[turned], after[turned], swapped=False) == plain
    assert evidence_of(keys, after, before, swapped=True) == plain
    again = np.array([1.0, 0.0, 0.3, 0.5])
    assert evidence_of(keys, before, again, swapped=False) == plain
    for place in range(4):
        other = after.copy()
        other[place] += 1e-5
        assert evidence_of(keys, before, other, swapped=False) != plain
    assert evidence_of(keys, after, before, swapped=False) != plain
