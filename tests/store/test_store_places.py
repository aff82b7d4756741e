"""Trials are paged through by their places: with any filter, as if all had been read."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from promptlab.core.types import Case, Outcome, Plan, Score, TrialResult, Turn
from promptlab.core.wanted import Change, ResultFilter
from promptlab.store import Store

MakePlan = Callable[..., Plan]
MakeResult = Callable[..., TrialResult]
MakeTurn = Callable[..., Turn]

TAGS = ((), ("short",), ("short", "angry"), ('odd "tag"',), ("shorter",))


@pytest.fixture
def plan(store: Store, make_plan: MakePlan, make_result: MakeResult, make_turn: MakeTurn) -> Plan:
    """A run of 20 cases, two arms, two repeats, two scorers, with failures of every kind."""
    chance = random.Random(7)
    plan = make_plan(cases=20, repeats=2, scorers=("a", "b"))
    cases = tuple(_tagged(case, TAGS[place % 5]) for place, case in enumerate(plan.cases))
    plan = replace(plan, cases=cases)
    store.begin_run("r1", plan)
    with store.writer("r1") as writer:
        for seq in range(plan.size):
            passed = chance.random() < 0.6
            score = Score(float(passed), passed=passed)
            turn = make_turn(f"k{seq}", error="down") if chance.random() < 0.1 else None
            result = make_result(plan, seq, turn, score)
            if result.scores and chance.random() < 0.1:
                result = replace(result, scores={"a": Score(None, error="broke"), "b": score})
            if result.scores and chance.random() < 0.1:
                result = replace(result, outcome=Outcome.TRUNCATED)
            writer.put_result(result)
    store.end_run("r1", "finished")
    return plan


def _tagged(case: Case, tags: tuple[str, ...]) -> Case:
    return replace(case, tags=tags, digest=f"{case.digest}{len(tags)}")


def pages(store: Store, wanted: ResultFilter, size: int) -> list[int]:
    found: list[int] = []
    while page := store.matching_trials("r1", wanted, size, found[-1] if found else None):
        assert len(page) <= size
        found += page
    return found


@pytest.mark.parametrize(
    "wanted",
    [
        ResultFilter(),
        ResultFilter(failed=True),
        ResultFilter(errors=True),
        ResultFilter(failed=True, errors=True),
        ResultFilter(cases=("c3", "c11")),
        ResultFilter(templates=(("sentiment", "v2"),)),
        ResultFilter(templates=(("sentiment", None),), failed=True),
        ResultFilter(arms=(1,)),
        ResultFilter(tags=("short",)),
        ResultFilter(tags=("short", "angry"), failed=True),
        ResultFilter(tags=('odd "tag"',)),
        ResultFilter(tags=("none",)),
        ResultFilter(outcomes=(Outcome.ERROR,)),
        ResultFilter(outcomes=(Outcome.ERROR, Outcome.TRUNCATED)),
        ResultFilter(outcomes=(Outcome.OK,), failed=True),
    ],
)
def test_pages_together_are_all_that_is_wanted(
    store: Store, plan: Plan, wanted: ResultFilter
) -> None:
    rows = [row for row in store.results("r1") if _is_wanted(plan, row, wanted)]
    seqs = sorted({row.seq for row in rows})
    assert bool(seqs) == (wanted.tags != ("none",))
    assert pages(store, wanted, 3) == seqs
    assert store.matching_trials("r1", wanted) == seqs
    assert list(store.results("r1", wanted)) == rows


def _is_wanted(plan: Plan, row: object, wanted: ResultFilter) -> bool:
    seq, case, outcome = row.seq, row.case_id, row.outcome  # type: ignore[attr-defined]
    passed, error = row.passed, row.error  # type: ignore[attr-defined]
    version, tags = row.version, row.tags  # type: ignore[attr-defined]
    kinds = [passed is False] * wanted.failed + [error is not None] * wanted.errors
    return (
        (not kinds or any(kinds))
        and (not wanted.cases or case in wanted.cases)
        and (not wanted.arms or plan.trial(seq).arm in wanted.arms)
        and (not wanted.outcomes or outcome in wanted.outcomes)
        and (not wanted.templates or wanted.templates[0][1] in (None, version))
        and set(wanted.tags) <= set(tags)
    )


@pytest.mark.parametrize("to", ["fixed", "regressed"])
@pytest.mark.parametrize("more", [ResultFilter(), ResultFilter(failed=True, tags=("short",))])
def test_a_change_is_of_the_means_that_tables_show(
    store: Store, plan: Plan, to: str, more: ResultFilter
) -> None:
    totals = {(place, arm): 0.0 for place in range(20) for arm in (0, 1)}
    for row in store.results("r1"):
        trial = plan.trial(row.seq)
        if row.scorer == "a":
            totals[trial.case, trial.arm] += row.score or 0.0  # failed ones count as 0
    sign = 1 if to == "fixed" else -1
    changed = [place for place in range(20) if sign * (totals[place, 1] - totals[place, 0]) > 0]
    assert changed
    wanted = replace(more, change=Change("a", 0, 1, "fixed" if to == "fixed" else "regressed"))
    expected = [seq for seq in store.matching_trials("r1", more) if plan.trial(seq).case in changed]
    assert expected
    for size in (1, 3, 100):
        assert pages(store, wanted, size) == expected
    assert store.matching_trials("r1", wanted) == expected
