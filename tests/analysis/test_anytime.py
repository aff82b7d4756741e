"""Declared runs through `compare`: verdict, difference and interval are one claim, at any time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.analysis.compare import Comparison, compare
from promptlab.analysis.measurements import join
from promptlab.core.decision import Limits, Rule
from promptlab.core.measured import MeasuredRun
from promptlab.core.types import Sequential

from .measured_runs import ABSENT, Cell, measured_run, versions

LIMITS = Limits(min_cases=8, min_nonzero=3)


@st.composite
def declared_runs(draw: st.DrawFn) -> tuple[MeasuredRun, Rule]:
    """Draw a run on groups of unequal size that may have ended anywhere, and a rule."""
    rng = np.random.default_rng(draw(st.integers(0, 100_000)))  # noqa: TID251 - seeded
    largest = draw(st.sampled_from([1, 1, 4, 12]))
    sizes = rng.integers(1, largest + 1, draw(st.integers(8, 60)))
    groups = np.repeat(np.arange(sizes.size), sizes)
    arms = draw(st.integers(2, 4))
    lean = draw(st.sampled_from([0.0, 0.3, 0.8]))
    falling = 1 - sizes / sizes.mean() if draw(st.booleans()) else np.ones(sizes.size)
    chance = np.clip(0.4 + lean * falling / max(1.0, np.abs(falling).max()), 0, 1)[groups]
    whole = draw(st.booleans())
    scores: list[list[Cell]] = [[float(score) for score in rng.random(groups.size) < 0.4]]
    for _ in range(arms - 1):
        passed = rng.random(groups.size) < chance
        parts = passed if whole else passed * rng.integers(1, 4, groups.size) / 3
        scores.append([float(score) for score in parts])
    missing = draw(st.integers(0, 10)) if draw(st.booleans()) else 0
    if missing:
        scores = [[*row[:-missing], *[ABSENT] * missing] for row in scores]
    names = None if largest == 1 else [f"g{group}" for group in groups]
    margin, declared = (draw(st.sampled_from([0.0, 0.0, 0.05, 0.3])) for _ in range(2))
    pairs = tuple((0, arm) for arm in range(1, arms))
    run = measured_run(scores, arms=versions(arms), groups=names)
    run = replace(run, sequential=Sequential(0.05, pairs, declared))
    return run, Rule(min_effect=margin, limits=LIMITS)


def rows(run: MeasuredRun, rule: Rule) -> list[Comparison]:
    return compare(join([run]), rule)


@pytest.mark.slow
@given(declared_runs())
def test_verdict_difference_and_interval_never_contradict(drawn: tuple[MeasuredRun, Rule]) -> None:
    run, rule = drawn
    least = rule.min_effect
    for row in rows(run, rule):
        if row.verdict == "refused" or row.ci_simultaneous is None or row.delta is None:
            continue
        low, high = row.ci_simultaneous
        assert low - 1e-9 <= row.delta <= high + 1e-9
        if row.verdict == "better":
            assert row.delta > 0
            assert low >= least
        elif row.verdict == "worse":
            assert row.delta < 0
            assert high <= -least
        elif row.verdict == "equivalent":
            assert -least <= low
            assert high <= least
        else:
            assert low <= least
            assert high >= -least


@pytest.mark.slow
@given(declared_runs())
def test_what_stopped_by_the_rule_of_the_reader_has_a_verdict(
    drawn: tuple[MeasuredRun, Rule],
) -> None:
    run, rule = drawn
    assert run.sequential is not None
    rule = replace(rule, min_effect=run.sequential.margin)
    for row in rows(run, rule):
        if row.stopped_at is not None and not row.reasons:
            assert row.verdict in ("better", "worse", "equivalent")


@pytest.mark.slow
@given(declared_runs())
def test_swapping_the_arms_of_a_pair_changes_signs_alone(drawn: tuple[MeasuredRun, Rule]) -> None:
    run, rule = drawn
    table = join([run])
    opposite = {"better": "worse", "worse": "better"}
    there = compare(table, rule)
    back = compare(table, rule, toward=table.arms[0].label)
    for one, other in zip(there, back, strict=True):
        assert (one.a, one.b) == (other.b, other.a)
        assert other.verdict == opposite.get(one.verdict, one.verdict)
        assert other.stopped_at == one.stopped_at
        assert other.p_family == pytest.approx(one.p_family)


def test_copies_of_a_case_are_not_bet_on_one_by_one() -> None:
    """Forty wins that are five answers eight times each decide no more than five."""
    alone: list[list[Cell]] = [[*[0.0] * 40, *[1.0] * 4], [1.0] * 44]

    def copied(arm: int, case: int, repeat: int) -> int:
        return 1000 * (arm + 1) + (case % 5 if case < 40 else case)

    def declared(run: MeasuredRun) -> MeasuredRun:
        return replace(run, sequential=Sequential(0.05, ((0, 1),)))

    [usual] = rows(declared(measured_run(alone)), Rule())
    [copies] = rows(declared(measured_run(alone, answers=copied)), Rule())
    assert usual.verdict == "better"
    assert copies.verdict in ("undecided", "refused")
    low, high = copies.ci or (0, 0)
    assert low < (usual.ci or (0, 0))[0]
    assert low <= (copies.delta or 0) <= high
