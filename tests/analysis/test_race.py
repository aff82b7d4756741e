"""Arms race while results arrive: decided as the stored results decide, in any order of arrival."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.analysis.early import look
from promptlab.analysis.measurements import join
from promptlab.analysis.race import Race
from promptlab.core.decision import Limits, Rule
from promptlab.core.measured import MeasuredRun
from promptlab.core.types import Arm, Case, Plan, ScorerSpec, Sequential

from .measured_runs import Cell, measured_run, versions

Scores = Sequence[Sequence[Sequence[float | None]]]  # by arm, case and repeat
Arrival = tuple[int, int, int]  # arm, case, repeat

LIMITS = Limits(min_cases=5, min_nonzero=3)


def plan_of(
    arms: int,
    cases: int,
    *,
    repeats: int = 1,
    groups: Sequence[str | None] | None = None,
    pairs: tuple[tuple[int, int], ...] = ((0, 1),),
    alpha: float = 0.05,
    margin: float = 0.0,
) -> Plan:
    return Plan(
        suite="s",
        arms=tuple(Arm("t", f"v{at}", f"sha256:v{at}", (), (), "small") for at in range(arms)),
        cases=tuple(
            Case(f"c{at}", {}, None, (), groups[at] if groups else None, f"sha256:c{at}")
            for at in range(cases)
        ),
        repeats=repeats,
        seed=0,
        scorers=(ScorerSpec("exact_match", "exact_match", "1", {}),),
        primary="exact_match",
        grade=None,
        templates=(),
        backends=(),
        split="all",
        gates=(),
        assets=".",
        sequential=Sequential(alpha, pairs, margin),
    )


def seen(race: Race, cases: int, first: float | None, second: float | None, start: int = 0) -> None:
    for case in range(start, start + cases):
        race.record(0, case, first)
        race.record(1, case, second)


# Decisions.


def test_arms_are_wanted_until_their_pair_is_decided() -> None:
    race = Race(plan_of(2, 40), Limits())
    for case in range(15):
        assert race.wanted(0)
        assert race.wanted(1)
        seen(race, 1, 0.0, 1.0, case)
    assert not race.wanted(0)
    assert not race.wanted(1)
    seen(race, 5, 1.0, 0.0, 15)  # on its way when the pair was decided
    assert not race.wanted(1)


def test_a_baseline_is_wanted_as_long_as_one_arm_is() -> None:
    race = Race(plan_of(4, 60, pairs=((0, 1), (0, 2))), Limits())
    for case in range(30):
        for arm, score in enumerate((0.0, 1.0, 0.0)):
            race.record(arm, case, score)
    assert [race.wanted(arm) for arm in range(4)] == [True, False, True, True]


def test_an_arm_that_no_pair_names_is_always_wanted() -> None:
    race = Race(plan_of(3, 40), Limits())
    seen(race, 40, 0.0, 1.0)
    assert [race.wanted(arm) for arm in range(3)] == [False, False, True]


@pytest.mark.parametrize("limits", [Limits(min_cases=22), Limits(min_cases=1, min_nonzero=22)])
def test_too_little_decides_nothing(limits: Limits) -> None:
    race = Race(plan_of(2, 40), limits)
    seen(race, 21, 0.0, 1.0)
    assert race.wanted(1)
    seen(race, 1, 0.0, 1.0, 21)
    assert not race.wanted(1)


def test_more_pairs_need_more_evidence() -> None:
    def decided_after(arms: int) -> int:
        race = Race(plan_of(arms, 40, pairs=tuple((0, at) for at in range(1, arms))), LIMITS)
        for case in range(40):
            seen(race, 1, 0.0, 1.0, case)
            if not race.wanted(1):
                return case + 1
        raise AssertionError

    assert (decided_after(2), decided_after(5)) == (9, 11)


def test_a_failed_trial_counts_as_0() -> None:
    race = Race(plan_of(2, 40), Limits())
    seen(race, 15, 1.0, None)
    assert not race.wanted(0)


@pytest.mark.parametrize("odd", [1.5, -0.1])
def test_a_score_beyond_1_ends_early_stopping(odd: float) -> None:
    race = Race(plan_of(2, 40), Limits())
    seen(race, 15, 0.0, 1.0)
    assert not race.wanted(1)
    race.record(0, 20, odd)
    assert race.wanted(0)
    assert race.wanted(1)
    seen(race, 10, 0.0, 1.0, 21)
    assert race.wanted(1)


def test_a_group_of_cases_counts_once_and_when_it_is_complete() -> None:
    race = Race(plan_of(2, 40, groups=[f"g{at // 2}" for at in range(40)]), LIMITS)
    alone = Race(plan_of(2, 40), LIMITS)
    for started in (race, alone):
        seen(started, 12, 0.0, 1.0)
    assert race.wanted(1)
    assert not alone.wanted(1)
    seen(race, 11, 0.0, 1.0, 12)
    assert not race.wanted(1)


def test_numbers_decide_too() -> None:
    race = Race(plan_of(2, 40), Limits())
    seen(race, 40, 0.25, 0.75)
    assert not race.wanted(1)


def test_a_backlog_is_taken_up_to_the_decision_alone() -> None:
    race = Race(plan_of(2, 60), Limits())
    seen(race, 14, 0.0, 1.0, 1)
    seen(race, 20, 1.0, 0.0, 15)
    assert race.wanted(1)
    seen(race, 1, 0.0, 1.0)
    assert not race.wanted(1)


# As the stored results decide.


@st.composite
def runs(draw: st.DrawFn) -> tuple[Plan, Scores, list[Arrival]]:
    """Draw a plan, scores that may well decide it, and an order of arrival."""
    arms, repeats = draw(st.integers(2, 3)), draw(st.sampled_from([1, 1, 3]))
    cases = draw(st.integers(8, 40))
    grid = draw(st.sampled_from([(0.0, 1.0), (0.0, 0.5, 1.0), (0.0, 0.1, 0.2, 0.3, 1.0)]))
    seed = draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)  # noqa: TID251 - seeded
    lean = draw(st.sampled_from([0.5, 0.15, 0.0]))
    scores = [
        [
            [
                None
                if rng.random() < 0.03
                else float(rng.choice(grid) if rng.random() < lean else (arm % 2))
                for _ in range(repeats)
            ]
            for _ in range(cases)
        ]
        for arm in range(arms)
    ]
    groups: list[str | None] | None = None
    if draw(st.booleans()):
        size = draw(st.integers(1, 3))
        groups = [f"g{at // size}" if at % 7 else None for at in range(cases)]
        if draw(st.booleans()):  # of unequal size
            groups = [f"g{int(at**0.7)}" for at in range(cases)]
    alpha = draw(st.sampled_from([0.05, 0.3]))
    margin = draw(st.sampled_from([0.0, 0.0, 0.1]))
    pairs = tuple((0, arm) for arm in range(1, arms))
    plan = plan_of(
        arms, cases, repeats=repeats, groups=groups, pairs=pairs, alpha=alpha, margin=margin
    )
    arrivals = [
        (trial.arm, trial.case, trial.repeat)
        for trial in (plan.trial(int(seq)) for seq in rng.permutation(plan.size))
    ]
    return plan, scores, arrivals


def stored(plan: Plan, scores: Scores) -> MeasuredRun:
    cells: list[list[Sequence[Cell]]] = [[list(cell) for cell in row] for row in scores]
    run = measured_run(cells, arms=versions(len(scores)), groups=[c.group for c in plan.cases])
    return replace(run, sequential=plan.sequential)


def decided_at(plan: Plan, scores: Scores) -> list[int | None]:
    """Return after how many groups each pair is decided, by the stored results."""
    table = join([stored(plan, scores)])
    everywhere = np.ones(len(table.cases), dtype=bool)
    assert plan.sequential is not None
    looks = [
        look(table, table.arms[a : a + 1], table.arms[b : b + 1], everywhere, Rule(limits=LIMITS))
        for a, b in plan.sequential.pairs
    ]
    return [None if seen is None else seen.at for seen in looks]


def group_numbers(plan: Plan) -> list[int]:
    table = join([stored(plan, [[[0.0] for _ in plan.cases]] * len(plan.arms))])
    return [int(code) for code in table.groups]


def race_of(plan: Plan, scores: Scores, arrivals: Sequence[Arrival]) -> Race:
    race = Race(plan, LIMITS)
    for arm, case, repeat in arrivals:
        race.record(arm, case, scores[arm][case][repeat])
    return race


@pytest.mark.slow
@given(runs())
def test_a_pair_is_decided_as_in_the_stored_results_whatever_came_first(
    drawn: tuple[Plan, Scores, list[Arrival]],
) -> None:
    plan, scores, arrivals = drawn
    numbers = group_numbers(plan)
    complete = race_of(plan, scores, arrivals)
    for arm, at in enumerate(decided_at(plan, scores), 1):
        assert complete.wanted(arm) == (at is None)
        if at is None:
            continue
        upto = [arrival for arrival in arrivals if numbers[arrival[1]] < at]
        later = [arrival for arrival in arrivals if numbers[arrival[1]] >= at]
        assert not race_of(plan, scores, [*later, *upto]).wanted(arm)
        [*before, last] = [arrival for arrival in upto if arrival[0] in (0, arm)]
        assert race_of(plan, scores, [*later, *before]).wanted(arm)
        assert last[0] in (0, arm)


@pytest.mark.slow
@given(runs(), st.data())
def test_a_race_goes_on_where_it_was_interrupted(
    drawn: tuple[Plan, Scores, list[Arrival]], data: st.DataObject
) -> None:
    plan, scores, arrivals = drawn
    half = data.draw(st.integers(0, len(arrivals)))
    run = stored(plan, scores)
    kept = set(arrivals[:half])
    rows = [row for row in run.rows if (row[0], row[1], row[2]) in kept]
    resumed = Race(plan, LIMITS)
    resumed.replay(replace(run, rows=rows))
    failed = [
        arrival for arrival in arrivals[:half] if scores[arrival[0]][arrival[1]][arrival[2]] is None
    ]
    for arm, case, repeat in [*arrivals[half:], *failed]:  # failures are tried again
        resumed.record(arm, case, scores[arm][case][repeat])
    whole = race_of(plan, scores, arrivals)
    assert [resumed.wanted(arm) for arm in range(len(plan.arms))] == [
        whole.wanted(arm) for arm in range(len(plan.arms))
    ]


def test_an_answer_that_its_scorer_could_not_judge_is_not_asked_for_again() -> None:
    plan = plan_of(2, 40)
    run = stored(plan, [[[0.0]] * 40, [[1.0]] * 40])
    rows = [(*row[:4], None, None, *row[6:]) if row[1] == 3 else row for row in run.rows]
    race = Race(plan, Limits())
    race.replay(replace(run, rows=rows))
    assert not race.wanted(1)


def test_the_property_sees_decisions_and_their_lack() -> None:
    plan = plan_of(2, 30)
    assert decided_at(plan, [[[0.0]] * 30, [[1.0]] * 30]) == [9]
    assert decided_at(plan, [[[0.0]] * 30, [[0.0]] * 30]) == [None]
