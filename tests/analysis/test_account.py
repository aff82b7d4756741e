"""Which look at its question a comparison is: same evidence, other evidence, other cases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from promptlab.analysis.account import Account
from promptlab.analysis.compare import Comparison, compare
from promptlab.analysis.look import Look
from promptlab.analysis.looking import to_keep
from promptlab.analysis.measurements import join
from promptlab.core.decision import Rule
from promptlab.core.looks import Past, PastFamily
from promptlab.core.measured import MeasuredRun
from promptlab.core.runs import RunSettings
from promptlab.core.types import Sequential

from .measured_runs import measured_run, versions

RULE = Rule()


class Ledger:
    """A ledger in memory: what the store keeps, without the store."""

    def __init__(self) -> None:
        self.families: list[PastFamily] = []
        self.cases: dict[str, bytes] = {}

    def asked(
        self, *runs: MeasuredRun, baseline: str | None = None, rule: Rule = RULE, kind: str = "v"
    ) -> list[Comparison]:
        """Compare runs, and keep what is new."""
        table = join(runs)
        account = Account(table, kind, Past(tuple(self.families)), self.cases.__getitem__)
        rows = compare(table, rule, baseline=baseline, account=account)
        family = to_keep(rows, account, lambda row: (row.a, row.b, row.backend))
        if family is not None:
            self.families.append(family)
            self.cases[family.cases] = account.cases.tobytes()
        return rows


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def scores(arms: int, cases: int, seed: int = 0, start: int = 0) -> list[list[float]]:
    """Return passes and failures at random, the same for a case whatever cases are around it."""
    return [
        [
            float(np.random.default_rng([seed, arm, case]).random() < 0.5)  # noqa: TID251 - seeded
            for case in range(start, start + cases)
        ]
        for arm in range(arms)
    ]


def run(
    arms: int = 2, cases: int = 40, *, seed: int = 0, start: int = 0, number: int = 1
) -> MeasuredRun:
    """Return a run on the cases c<start>, c<start + 1>, ...; the seed draws its answers."""
    names = [f"c{case}" for case in range(start, start + cases)]
    return measured_run(scores(arms, cases, seed, start), cases=names, number=number)


def look_of(row: Comparison) -> Look:
    assert row.look is not None
    return row.look


def numbers(rows: list[Comparison]) -> list[int]:
    return [look_of(row).number for row in rows]


def codes(row: Comparison) -> list[str]:
    return [reason.code for reason in row.warnings]


def test_the_same_evidence_is_no_new_look(ledger: Ledger) -> None:
    [first] = ledger.asked(run())
    [again] = ledger.asked(run(number=2))
    assert (look_of(again).number, len(ledger.families)) == (1, 1)
    assert (again.verdict, again.effect.p, again.p_adjusted) == (
        first.verdict,
        first.effect.p,
        first.p_adjusted,
    )


@pytest.mark.parametrize(
    "more",
    [
        run(cases=70, number=2),  # appended
        run(cases=30, number=2),  # some of them
        run(seed=1, number=2),  # asked anew
        run(cases=40, start=39, number=2),  # a single case is shared
    ],
)
def test_other_evidence_on_these_cases_is_a_second_look(ledger: Ledger, more: MeasuredRun) -> None:
    ledger.asked(run())
    [row] = ledger.asked(more)
    assert (look_of(row).number, row.alpha(RULE)) == (2, 0.0025)
    assert "looked-again" in codes(row)


def test_new_cases_alone_begin_a_new_account(ledger: Ledger) -> None:
    ledger.asked(run())
    [row] = ledger.asked(run(start=40, number=2))
    assert numbers([row]) == [1]
    assert "looked-again" not in codes(row)
    # Whoever then joins both has looked at both.
    assert numbers(ledger.asked(run(cases=80, number=3))) == [3]


def chosen(given: MeasuredRun, *, split: str = "all", suite: str = "s") -> MeasuredRun:
    """Return a run of cases that were named, or have a tag."""
    info = replace(given.info, suite=suite, settings=RunSettings(tags=("some",)))
    return replace(given, split=split, info=info)


def test_parts_of_a_suite_without_a_common_case_are_further_looks(ledger: Ledger) -> None:
    parts = [chosen(run(start=start, number=start + 1)) for start in (0, 40, 80)]
    assert [numbers(ledger.asked(each)) for each in parts] == [[1], [2], [3]]
    [row] = ledger.asked(run(cases=120, number=4))
    assert (numbers([row]), "looked-again" in codes(row)) == ([4], True)
    assert numbers(ledger.asked(parts[1])) == [2]  # the same part again


def test_parts_of_another_suite_and_of_a_holdout_are_apart(ledger: Ledger) -> None:
    ledger.asked(chosen(run()))
    other = run(start=40, seed=1, number=2)
    assert numbers(ledger.asked(chosen(other, suite="t"))) == [1]
    held_out = [chosen(run(start=start, number=start), split="holdout") for start in (80, 120)]
    uses = [look_of(row).use for each in held_out for row in ledger.asked(each)]
    assert uses == [1, 1]  # of a holdout, cases are used
    looks = [numbers(ledger.asked(each)) for each in held_out]
    assert looks == [[1], [2]]


def test_looks_are_counted_through_cases_that_link_them(ledger: Ledger) -> None:
    windows = [run(cases=20, start=start, number=start + 1) for start in (0, 15, 30, 45)]
    assert [numbers(ledger.asked(each)) for each in windows] == [[1], [2], [3], [4]]


def test_other_sides_and_other_scorers_ask_another_question(ledger: Ledger) -> None:
    ledger.asked(run())
    other = replace(run(seed=1).scorer, name="contains", label="contains")
    assert numbers(ledger.asked(replace(run(seed=1, number=2), scorer=other))) == [1]
    arms = versions(3)[1:]
    assert numbers(ledger.asked(replace(run(seed=1, number=3), arms=tuple(arms)))) == [1]


def test_an_edited_case_is_still_the_one_that_was_looked_at(ledger: Ledger) -> None:
    ledger.asked(run())
    edited = run(seed=1, number=2)
    cases = tuple(
        case._replace(digest=f"other:{case.id}", group=f"g{place // 2}")
        for place, case in enumerate(edited.cases)
    )
    assert numbers(ledger.asked(replace(edited, cases=cases))) == [2]


def test_cases_of_the_same_names_in_another_suite_are_others(ledger: Ledger) -> None:
    ledger.asked(run())
    other = run(seed=1, number=2)
    cases = tuple(case._replace(digest=f"other:{case.id}") for case in other.cases)
    other = replace(other, cases=cases, info=replace(other.info, suite="t"))
    assert numbers(ledger.asked(other)) == [1]


def test_swapped_sides_and_another_order_of_cases_are_the_same_evidence(ledger: Ledger) -> None:
    ledger.asked(run())
    given = run(number=2)
    upside_down = measured_run(
        [row[::-1] for row in scores(2, 40)[::-1]],
        arms=versions()[::-1],
        cases=[case.id for case in given.cases][::-1],
        number=2,
    )
    [row] = ledger.asked(upside_down)
    assert (row.a, row.b, numbers([row]), len(ledger.families)) == ("t@v2", "t@v1", [1], 1)


def test_another_margin_is_no_look(ledger: Ledger) -> None:
    ledger.asked(run())
    assert numbers(ledger.asked(run(), rule=Rule(min_effect=0.1))) == [1]
    assert len(ledger.families) == 1


def test_what_bears_no_verdict_is_no_look(ledger: Ledger) -> None:
    [row] = ledger.asked(run(cases=8))
    assert (row.verdict, ledger.families) == ("refused", [])
    assert numbers(ledger.asked(run(cases=40, number=2))) == [1]


def test_a_part_of_a_family_gets_the_row_of_the_whole(ledger: Ledger) -> None:
    whole = {(row.a, row.b): row for row in ledger.asked(run(4))}
    for part in ledger.asked(run(4), baseline="t@v2"):
        names = (part.a, part.b) if (part.a, part.b) in whole else (part.b, part.a)
        assert part.p_adjusted == whole[names].p_adjusted
        assert part.verdict.replace("worse", "better") == whole[names].verdict.replace(
            "worse", "better"
        )
    assert len(ledger.families) == 1


def test_what_was_not_asked_at_first_has_less_of_the_level_left(ledger: Ledger) -> None:
    ledger.asked(run(4), baseline="t@v1")
    second = ledger.asked(run(4), baseline="t@v2")
    assert numbers(second) == [1, 2, 2]  # against v1 it was asked
    third = ledger.asked(run(4))
    assert numbers(third) == [1, 1, 1, 2, 2, 3]
    assert codes(third[-1]).count("asked-beside") == 1
    assert len(ledger.families) == 3


def test_a_version_that_came_later_asks_its_own_questions(ledger: Ledger) -> None:
    ledger.asked(run(2))
    rows = {(row.a, row.b): row for row in ledger.asked(run(3, number=2))}
    assert numbers([rows["t@v1", "t@v2"], rows["t@v1", "t@v3"], rows["t@v2", "t@v3"]]) == [1, 1, 1]


def test_a_declared_run_may_be_looked_at_while_it_grows(ledger: Ledger) -> None:
    whole = replace(run(), sequential=Sequential(0.05, ((0, 1),)))
    for trials in (40, 60, 80):
        for _ in range(2):
            assert numbers(ledger.asked(replace(whole, rows=whole.rows[:trials]))) == [1]
    assert [family.looks[0].trials for family in ledger.families] == [40, 60, 80]
    anew = replace(run(seed=1, number=2), sequential=whole.sequential)
    assert numbers(ledger.asked(anew)) == [2]


# Holdouts


def held_out(arms: int, number: int, seed: int = 0) -> MeasuredRun:
    both = [versions(9)[0], versions(9)[arms]]
    return replace(run(seed=seed + arms, number=number), split="holdout", arms=tuple(both))


def test_a_holdout_is_used_up_whatever_arms_use_it(ledger: Ledger) -> None:
    told, verdicts = [], []
    for use in range(1, 6):
        [row] = ledger.asked(held_out(use, use))
        verdicts.append(row.verdict)
        told.append([why.text for why in (*row.reasons, *row.warnings) if "holdout" in why.text])
    assert [verdict == "refused" for verdict in verdicts] == [False] * 3 + [True] * 2
    assert told == [
        ["use 1 of 3 of this holdout"],
        ["use 2 of 3 of this holdout: level .0025"],
        ["use 3 of 3 of this holdout: level .0013"],
        ["this holdout was used 3 times: draw new cases for another confirmation"],
        ["this holdout was used 3 times: draw new cases for another confirmation"],
    ]


def test_the_same_use_again_uses_nothing_up(ledger: Ledger) -> None:
    for number in (1, 2, 3):
        [row] = ledger.asked(held_out(1, number))
        assert look_of(row).use == 1
    assert numbers(ledger.asked(held_out(2, 4))) == [2]


def test_naming_its_cases_is_a_use_of_a_holdout(ledger: Ledger) -> None:
    ledger.asked(held_out(1, 1))
    named = replace(held_out(2, 2), split="all")
    assert look_of(ledger.asked(named)[0]).use == 2
    both = replace(run(cases=80, seed=5, number=3), split="all")
    assert look_of(ledger.asked(both)[0]).use is None
    assert look_of(ledger.asked(held_out(3, 4))[0]).use == 4  # what was run on both sides counts
