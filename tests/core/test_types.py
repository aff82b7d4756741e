from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.types import Arm, Case, Image, Message, Outcome, Plan


def plan_of(arms: int, cases: int, repeats: int) -> Plan:
    arm = Arm("t", "v1", "b2:0", ("clear",), ("context",), "echo")
    return Plan(
        suite="s",
        arms=(arm,) * arms,
        cases=tuple(Case(str(n), {}, None, (), None, "b2:1") for n in range(cases)),
        repeats=repeats,
        seed=0,
        scorers=(),
        primary="x",
        grade=None,
        templates=(),
        backends=(),
        split="all",
        gates=(),
        assets="",
    )


@given(st.integers(1, 5), st.integers(1, 6), st.integers(1, 4))
def test_places_of_a_plan_and_trials_are_one_to_one(arms: int, cases: int, repeats: int) -> None:
    plan = plan_of(arms, cases, repeats)
    trials = [plan.trial(seq) for seq in range(plan.size)]
    assert plan.size == arms * cases * repeats
    assert [trial.seq for trial in trials] == list(range(plan.size))
    assert {(t.arm, t.case, t.repeat) for t in trials} == {
        (arm, case, repeat)
        for arm in range(arms)
        for case in range(cases)
        for repeat in range(repeats)
    }


def test_the_arms_of_a_pair_stand_side_by_side() -> None:
    plan = plan_of(3, 2, 2)
    order = [(t.case, t.repeat, t.arm) for t in map(plan.trial, range(plan.size))]
    assert order == sorted(order)


def test_an_arm_is_named_by_version_missing_practices_and_backend() -> None:
    arm = Arm("sentiment", "v2", "b2:0", (), ("context", "role"), "smollm2")
    assert arm.prompt == "sentiment@v2 -context -role"
    assert arm.label == "sentiment@v2 -context -role on smollm2"


def test_the_text_of_a_message_leaves_images_out() -> None:
    image = Image("a.png", "image/png", "b2:2")
    assert Message("user", ("see ", image, "this")).text == "see this"
    assert Message("user", "plain").text == "plain"


def test_nouns_are_frozen_and_travel_between_processes() -> None:
    plan = plan_of(1, 1, 1)
    assert pickle.loads(pickle.dumps(plan)) == plan
    with pytest.raises(AttributeError):
        plan.seed = 3  # type: ignore[misc]
    assert Outcome("ok") is Outcome.OK
