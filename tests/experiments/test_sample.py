"""A sample of cases: whole groups, drawn by the seed, a small one part of every larger one."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.types import Case
from promptlab.experiments.sample import sampled, told


def cases_of(sizes: list[int]) -> list[Case]:
    """Return cases of groups of these sizes, mixed as in a file; a size of 1 has no group."""
    cases = [
        Case(f"c{group}-{n}", {}, None, (), None if size == 1 else f"g{group}", f"b2:{group}-{n}")
        for group, size in enumerate(sizes)
        for n in range(size)
    ]
    return sorted(cases, key=lambda case: case.id[::-1])


SIZES = st.lists(st.integers(1, 5), min_size=1, max_size=12)


@given(SIZES, st.integers(1, 30), st.integers(0, 99))
def test_groups_are_drawn_whole_and_no_more_cases_than_asked_for(
    sizes: list[int], most: int, seed: int
) -> None:
    cases = cases_of(sizes)
    drawn = sampled(cases, most, seed)
    assert [case for case in cases if case in drawn] == list(drawn)  # in the order of the file
    every, some = (Counter(case.group or case.id for case in part) for part in (cases, drawn))
    assert all(every[group] == count for group, count in some.items())
    assert 0 < len(drawn) <= max(most, max(sizes) if len(some) == 1 else 0)


@given(SIZES, st.integers(1, 30), st.integers(1, 30), st.integers(0, 99))
def test_a_larger_sample_holds_a_smaller_one(
    sizes: list[int], few: int, more: int, seed: int
) -> None:
    small, large = (sampled(cases_of(sizes), most, seed) for most in sorted((few, more)))
    assert {case.id for case in small} <= {case.id for case in large}


@given(SIZES, st.integers(1, 30), st.integers(0, 99), st.randoms(use_true_random=False))
def test_the_order_of_the_file_draws_nothing(
    sizes: list[int], most: int, seed: int, random: Random
) -> None:
    cases = cases_of(sizes)
    mixed = cases.copy()
    random.shuffle(mixed)
    same = ({case.id for case in sampled(part, most, seed)} for part in (cases, mixed))
    assert next(same) == next(same)


def test_the_first_cases_are_drawn_no_more_often_than_others() -> None:
    cases = cases_of([1] * 20)
    often = Counter(case.id for seed in range(400) for case in sampled(cases, 5, seed))
    assert len(often) == 20
    assert min(often.values()) > 60  # of 100 expected; the standard deviation is 8.7
    assert max(often.values()) < 140


@pytest.mark.parametrize(("cases", "of", "text"), [(50, 1200, "50 of 1,200 cases (seed 3)")])
def test_a_sample_is_told_as_such(cases: int, of: int, text: str) -> None:
    assert told(cases, of, 3) == f"a sample of {text}"
