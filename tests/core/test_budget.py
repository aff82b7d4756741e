"""What a run may spend."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.budget import Budget, Spent


def test_without_limits_everything_is_granted() -> None:
    budget = Budget()
    budget.charge(1e9)
    assert budget.reserve(1000) == 1000
    assert not budget.refused


@given(st.integers(0, 100), st.integers(0, 100), st.lists(st.integers(0, 30), max_size=30))
def test_no_more_calls_are_granted_than_are_left(
    limit: int, before: int, wanted: list[int]
) -> None:
    budget = Budget(max_calls=limit, before=Spent(before))
    granted = sum(budget.reserve(number) for number in wanted)
    assert granted == min(sum(wanted), max(0, limit - before))
    assert budget.refused == (granted < sum(wanted))


def test_money_that_is_spent_ends_the_calls() -> None:
    budget = Budget(max_cost=1.0, before=Spent(cost_usd=0.5))
    assert budget.reserve(2) == 2
    budget.charge(0.49)
    assert budget.reserve(1) == 1
    budget.charge(0.02)  # was in flight when the limit was reached
    assert (budget.reserve(1), budget.refused) == (0, True)
    assert budget.limit == "--max-cost 1"


def test_a_limit_of_nothing_grants_nothing() -> None:
    assert Budget(max_cost=0).reserve(1) == 0
    assert Budget(max_calls=0).reserve(1) == 0


def test_the_limit_that_was_met_is_named() -> None:
    budget = Budget(max_calls=2, max_cost=5.0)
    budget.reserve(3)
    assert budget.limit == "--max-calls 2"


def test_a_call_that_waited_until_the_money_was_gone_is_not_counted() -> None:
    budget = Budget(max_cost=1.0)
    assert budget.reserve(2) == 2
    assert budget.confirm()
    budget.charge(1.0)
    assert not budget.confirm()
    assert (budget.spent, budget.refused) == (Spent(1, 1.0), True)


def test_what_is_spent_goes_on_from_before() -> None:
    budget = Budget(before=Spent(10, 0.5, 3))
    assert budget.spent == Spent(10, 0.5, 3)
    budget.reserve(64)  # granted is not sent
    assert budget.confirm()
    assert budget.confirm()
    assert budget.spent.calls == 12  # sent, whether or not an answer comes
    budget.heard(batched=False)
    budget.charge(0.25)
    budget.heard(batched=False)
    budget.charge(0.1, known=False)
    assert budget.spent == Spent(12, 0.85, 4)


def test_a_call_of_a_batch_is_made_when_it_is_answered() -> None:
    budget = Budget()
    budget.reserve(1000)
    for _ in range(3):
        budget.heard(batched=True)
    assert budget.spent.calls == 3
    budget.heard(batched=False)  # by an executor that does not confirm each call
    assert budget.spent.calls == 4
