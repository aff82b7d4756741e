"""A pair watched group by group: its evidence, what decides, and that blocks change nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.analysis.watch import Evidence, Watch, shares, threshold
from promptlab.core.decision import Limits
from promptlab.core.types import Sequential
from promptlab.stats.sequential import confidence_sequence, e_binary, e_path

ONE_PAIR = Sequential(0.05, ((0, 1),))
USUAL = Limits()
FEW = Limits(min_cases=5, min_nonzero=3)


def watched(
    sums: Sequence[float],
    sizes: Sequence[int] | None = None,
    sequential: Sequential = ONE_PAIR,
    limits: Limits = USUAL,
) -> Watch:
    counts = np.ones(len(sums), dtype=int) if sizes is None else np.array(sizes)
    watch = Watch(sequential, limits, counts, single=sizes is None)
    watch.take(sums)
    return watch


def log_e(d: Sequence[float], *, single: bool) -> list[float]:
    values = np.array(d)
    return list(Evidence(0.0, single=single).update(values, np.ones(values.size)))


def test_half_of_the_level_is_divided_among_the_pairs() -> None:
    assert threshold(ONE_PAIR) == 40
    assert threshold(Sequential(0.05, ((0, 1), (0, 2), (0, 3)))) == pytest.approx(120)
    assert threshold(Sequential(0.1, ((0, 1),))) == 20


# Evidence.


def test_passes_and_failures_have_their_own_evidence() -> None:
    d = [1.0, 0.0, 1.0, -1.0, 1.0]
    assert np.exp(log_e(d, single=True)) == pytest.approx(e_path(d, binary=True))
    assert np.exp(log_e(d, single=False)) == pytest.approx(e_path(d, binary=False))


def test_up_to_the_first_fraction_the_evidence_is_that_of_passes() -> None:
    path = np.exp(log_e([1.0, 1.0, 0.5, 1.0], single=True))
    assert path[:2] == pytest.approx(e_path([1.0, 1.0], binary=True))
    assert path[2:] == pytest.approx(path[1] * e_path([0.5, 1.0], binary=False))


def test_against_another_mean_than_0_passes_are_numbers() -> None:
    d = np.array([1.0, 0.0, 1.0])
    path = np.exp(Evidence(0.1, single=True).update(d, np.ones(3)))
    assert path == pytest.approx(e_path(d, binary=False, null=0.1))


# What decides.


def test_a_pair_is_decided_where_the_evidence_reaches_the_threshold() -> None:
    d = [0.0] * 20 + [1.0] * 20
    assert watched(d).at == 29
    assert e_binary(9, 0) >= 40 > e_binary(8, 0)
    more = Sequential(0.05, ((0, 1), (0, 2), (0, 3), (0, 4)))
    assert watched(d, sequential=more).at == 31
    assert e_binary(11, 0) >= 160 > e_binary(10, 0)


def test_a_threshold_that_is_reached_on_paper_is_reached() -> None:
    exactly = Sequential(2 / (2**9 / 10), ((0, 1),))  # E of 9 wins
    assert watched([1.0] * 20, sequential=exactly, limits=FEW).at == 9


def test_too_few_cases_decide_nothing_however_clear() -> None:
    d = [1.0] * 40
    assert watched(d).at == 15
    assert watched(d, limits=Limits(min_cases=1)).at == 9
    assert watched(d, limits=Limits(min_nonzero=18)).at == 18
    assert watched(d[:8], limits=Limits(min_cases=1)).at is None


def test_groups_are_counted_not_their_cases() -> None:
    sizes = [4] * 30
    assert watched([4.0] * 30, sizes).at == 15
    assert watched([4.0] * 30, sizes, limits=Limits(min_nonzero=18)).at == 18
    few = Limits(min_cases=1, min_groups=20)
    assert watched([4.0] * 30, sizes, limits=few).at == 20


def test_one_group_with_most_of_the_cases_decides_nothing() -> None:
    """Such a verdict would be refused: what stops must be able to conclude."""
    sums, sizes = [12.0] + [3.0] * 40, [12] + [3] * 40
    usual = watched(sums, sizes).at
    assert usual is not None
    assert usual < 30
    at = watched(sums, sizes, limits=Limits(max_group_share=0.1)).at
    assert at is not None
    assert sum(sizes[:at]) == 120


def test_a_group_weighs_what_the_largest_of_the_plan_allows() -> None:
    """A group of one case among groups of twelve is worth a twelfth, also before any came."""
    ones, twelves = [1.0] * 60, [1] * 60
    assert watched(ones, twelves).at == 15
    assert watched([*ones, -12.0], [*twelves, 12]).at is None
    assert watched([*ones, *[12.0] * 40], [*twelves, *[12] * 40]).at is not None


def test_small_groups_that_gain_do_not_outvote_large_ones_that_lose() -> None:
    sums, sizes = [1.0, 1.0, 1.0, 1.0, -6.0] * 40, [1, 1, 1, 1, 12] * 40
    assert np.mean(np.divide(sums, sizes)) > 0.5  # the mean of groups
    watch = watched(sums, sizes)
    if watch.at is not None:
        assert sum(sums[: watch.at]) < 0


# With a margin.


def by(margin: float) -> Sequential:
    return Sequential(0.05, ((0, 1),), margin)


def test_with_a_margin_the_difference_must_lie_beyond_it() -> None:
    d = [0.0, 0.0, 0.0, 1.0] * 100
    at = [watched(d, sequential=by(margin)).at for margin in (0.0, 0.05, 0.1, 0.15)]
    assert at[0] is not None
    assert at == sorted(at, key=lambda one: one or 999)
    assert len(set(at)) == 4
    assert watched([-value for value in d], sequential=by(0.1)).at == at[2]


def test_what_lies_within_the_margin_is_decided_too() -> None:
    d = [1.0, -1.0] + [0.0] * 398
    within = watched(d, sequential=by(0.1))
    assert within.at is not None
    assert watched(d, sequential=by(0.0)).at is None
    assert watched(d, sequential=by(0.01)).at is None


@st.composite
def courses(draw: st.DrawFn) -> tuple[list[float], list[int], Sequential, Limits]:
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))  # noqa: TID251 - seeded
    largest, lean = draw(st.sampled_from([1, 2, 8])), draw(st.sampled_from([0.5, 0.9, 1.0]))
    sizes = rng.integers(1, largest + 1, draw(st.integers(6, 60)))
    part = draw(st.sampled_from([1, 3, 7]))
    sums = [
        float((np.where(rng.random(n) < lean, 1, -1) * rng.integers(0, part + 1, n) / part).sum())
        for n in sizes
    ]
    pairs = tuple((0, arm) for arm in range(1, draw(st.integers(2, 4))))
    margin = draw(st.sampled_from([0.0, 0.0, 0.05, 0.3]))
    limits = Limits(min_cases=draw(st.integers(1, 15)), min_nonzero=draw(st.integers(0, 6)))
    return sums, sizes.tolist(), Sequential(0.05, pairs, margin), limits


@given(courses(), st.integers(1, 7))
def test_blocks_of_any_length_decide_alike(
    course: tuple[list[float], list[int], Sequential, Limits], length: int
) -> None:
    sums, sizes, sequential, limits = course
    single = max(sizes) == 1
    whole = Watch(sequential, limits, np.array(sizes), single=single)
    whole.take(sums)
    parts = Watch(sequential, limits, np.array(sizes), single=single)
    for start in range(0, len(sums), length):
        parts.take(sums[start : start + length])
    assert parts.at == whole.at


@pytest.mark.slow
@given(courses())
def test_what_decides_lies_beyond_the_margin_or_within_it(
    course: tuple[list[float], list[int], Sequential, Limits],
) -> None:
    sums, sizes, sequential, limits = course
    watch = Watch(sequential, limits, np.array(sizes), single=False)
    watch.take(sums)
    levels = 1 / threshold(sequential)
    for upto in range(1, len(sums) + 1 if watch.at is None else watch.at + 1):
        d, weights = shares(np.array(sums[:upto]), np.array(sizes[:upto]), watch.scale)
        low, high = confidence_sequence(d, levels, weights)
        margin = sequential.margin
        clear = low > margin + 1e-9 or high < -margin - 1e-9
        clear |= -margin + 1e-9 < low and high < margin - 1e-9
        if upto == watch.at:
            assert low >= margin - 1e-9 or high <= -margin + 1e-9 or (-margin < low < high < margin)
        elif clear:
            differing = np.count_nonzero(d)
            grouped = upto < sum(sizes[:upto])
            large = max(sizes[:upto]) > limits.max_group_share * sum(sizes[:upto])
            too_few = upto < limits.min_cases or differing < limits.min_nonzero
            assert too_few or (grouped and (upto < limits.min_groups or large))


def test_without_a_difference_nothing_is_decided_but_once_in_a_while() -> None:
    rng = np.random.default_rng(1)  # noqa: TID251 - seeded
    decided = 0
    for _ in range(200):
        d = (rng.random(150) < 0.5).astype(float) - (rng.random(150) < 0.5)
        decided += watched(d.tolist()).at is not None
    assert decided <= 10  # at most 2.5 % in the long run
