"""The frame of the simulation: what it draws, counts as false, and when a rate is missed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from bench.coverage.draws import RULE, Chance, Drawn, measured_run, versions
from bench.coverage.frame import Keep, Setting, Share, held
from bench.coverage.judge import Seen, Told, compare_rows, compared, contradiction, false
from bench.coverage.plain import plainly
from bench.coverage.quick import quickly
from bench.coverage.work import themes
from promptlab.analysis.measurements import join
from promptlab.core.decision import Rule, Verdict
from promptlab.stats.intervals import Interval

MARGIN = Rule(min_effect=0.05)


def normal(chance: Chance, truth: float, said: float | None = None, n: int = 30) -> Drawn:
    scores = 10 + chance.standard_normal((2, n))
    scores[1] += truth
    return Drawn(scores, (0.0, truth if said is None else said))


def row(
    verdict: Verdict, truth: float, ci: Interval | None = (0.1, 0.3), delta: float = 0.2
) -> Told:
    return Told(truth, delta, ci, verdict)


def test_a_run_is_what_the_store_would_give() -> None:
    scores = np.array([[[1.0, 0.0], [1.0, np.nan]], [[0.0, 0.0], [0.5, 1.0]]])
    drawn = Drawn(scores, (0.5, 0.5), groups=np.array([0, 0]))
    table = join([measured_run(drawn)])
    assert [arm.label for arm in table.arms] == ["t@v0", "t@v1"]
    assert table.arms[0].cells.score.tolist() == [0.5, 1.0]
    assert table.arms[0].cells.trials.tolist() == [2, 1]
    assert table.arms[1].cells.score.tolist() == [0.0, 0.75]
    assert table.groups.tolist() == [0, 0]
    assert table.bounded


@pytest.mark.parametrize(
    ("verdict", "truth", "least", "expected"),
    [
        ("better", 0.0, 0.0, True),
        ("better", 0.1, 0.0, False),
        ("better", 0.05, 0.05, True),  # at the margin it is not more than that
        ("better", 0.65 - 0.6, 0.05, True),
        ("equivalent", 0.55 - 0.6, 0.05, True),
        ("worse", -0.01, 0.0, False),
        ("worse", -0.01, 0.05, True),
        ("equivalent", 0.04, 0.05, False),
        ("equivalent", -0.05, 0.05, True),
        ("undecided", 0.3, 0.0, False),
        ("refused", 0.3, 0.0, False),
    ],
)
def test_what_the_truth_contradicts(
    verdict: Verdict, truth: float, least: float, expected: bool
) -> None:
    assert false(row(verdict, truth), Rule(min_effect=least)) is expected


def test_no_worse_is_false_beyond_its_margin() -> None:
    one = replace(row("undecided", -0.04), no_worse=True)
    assert false(one, RULE, no_worse=0.03)
    assert not false(one, RULE, no_worse=0.05)
    assert not false(replace(one, no_worse=False), RULE, no_worse=0.03)


@pytest.mark.parametrize(
    ("verdict", "delta", "ci", "agrees"),
    [
        ("better", 0.2, (0.05, 0.3), True),
        ("better", 0.2, (0.04, 0.3), False),
        ("better", 0.2, None, False),
        ("worse", -0.2, (-0.3, -0.05), True),
        ("equivalent", 0.0, (-0.05, 0.05), True),
        ("equivalent", 0.0, (-0.06, 0.05), False),
        ("undecided", 0.1, (0.05, 0.2), True),
        ("undecided", 0.1, (0.06, 0.2), False),
        ("undecided", 0.0, (-0.04, 0.04), False),
        ("undecided", 0.5, (-0.04, 0.4), False),
        ("undecided", 0.0, None, True),
        ("refused", 0.1, (0.06, 0.2), True),
    ],
)
def test_what_an_interval_contradicts(
    verdict: Verdict, delta: float, ci: Interval | None, agrees: bool
) -> None:
    assert (contradiction(verdict, delta, ci, MARGIN) is None) is agrees


def test_shares_of_a_run() -> None:
    rows = (row("better", 0.2), row("undecided", 0.0), row("refused", 0.2, ci=None))
    seen = Seen(rows)
    assert seen.covered == 0.5
    assert seen.at_once == 0.0
    assert not seen.false
    assert seen.refused == pytest.approx(1 / 3)
    assert seen.found == 0.5  # of the two that truly differ


@pytest.mark.slow
def test_a_rate_is_missed_by_more_than_two_errors() -> None:
    honest = Setting("honest", partial(normal, truth=0.0), Keep(0.93))
    lying = Setting("lying", partial(normal, truth=0.0, said=0.5), Keep(0.93))
    assert held(honest, 60, seed=1).missed == ()
    [missed] = held(lying, 60, seed=1).missed
    assert missed.startswith("coverage")


def test_a_setting_whose_rows_are_all_refused_holds_nothing() -> None:
    few = Setting("few", partial(normal, truth=0.0, n=8), Keep(0.93))
    assert held(few, 5, seed=1).missed == ("every row was refused: nothing is measured",)
    assert held(replace(few, keep=Keep(0.93, may_refuse=True)), 5, seed=1).missed == ()


def test_a_mark_that_is_asked_for_and_never_seen_is_missed() -> None:
    keep = Keep(marks={"told lopsided-for-certain": 0.9})
    [missed] = held(Setting("even", partial(normal, truth=0.0), keep), 5, seed=1).missed
    assert "told lopsided-for-certain" in missed


@pytest.mark.slow
def test_draws_depend_on_label_and_seed_alone() -> None:
    setting = Setting("even", partial(normal, truth=0.3), Keep(0.93))
    first, again, other = (held(setting, 40, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_plain_method_is_that_of_one_row() -> None:
    chance = np.random.default_rng(3)  # noqa: TID251 - seeded
    scores = np.where(chance.random((2, 40)) < 0.5, 1.0, 0.0)
    drawn = Drawn(scores, (0.5, 0.5))
    [plain], [one] = plainly(drawn).rows, compare_rows(drawn)
    assert plain.ci == pytest.approx(one.ci)
    assert plain.delta == one.delta
    assert compared(drawn).rows[0].delta == one.delta


def test_an_error_is_that_of_the_mean_of_the_runs() -> None:
    share = Share.of([1.0, 0.0, None, 1.0, 0.0])
    assert share == Share(0.5, 0.25)
    assert Share.of([None]) is None


def test_every_theme_has_settings_of_its_own_label() -> None:
    found = themes()
    assert {"lopsided", "bounded", "groups", "families", "repeats", "usual", "early"} <= set(found)
    for module in found.values():
        labels = [one.label for one in module.settings()]
        assert labels
        assert len(set(labels)) == len(labels)
        assert module.__doc__


def test_versions_are_arms_of_one_template() -> None:
    assert [measured.arm.prompt for measured in versions(2)] == ["t@v0", "t@v1"]


@pytest.mark.slow
def test_a_known_shortfall_is_told_and_not_held_against_the_whole() -> None:
    keep = Keep(0.93, known=("coverage",))
    found = held(Setting("lying", partial(normal, truth=0.0, said=0.5), keep), 60, seed=1)
    assert found.missed == ()
    assert found.short[0].startswith("coverage")


@pytest.mark.parametrize("kind", ["passes", "repeats", "marks", "numbers", "groups", "margin"])
def test_the_quick_way_says_what_the_command_says(kind: str) -> None:
    chance = np.random.default_rng([len(kind), 5])  # noqa: TID251 - seeded
    groups = np.arange(48) // 6 if kind == "groups" else None
    rule = MARGIN if kind == "margin" else RULE
    repeats = 3 if kind == "repeats" else 1
    verdicts = set()
    for shift in (0.0, 0.15, 0.4):
        ease = chance.uniform(0.1, 0.5, (1, 48, 1)) + shift * np.array([0, 1, 0.5])[:, None, None]
        shares = np.broadcast_to(ease, (3, 48, repeats))
        scores = {
            "marks": lambda: chance.binomial(4, shares) / 4,  # noqa: B023 - called here
            "numbers": lambda: 10 * shares + chance.lognormal(0, 1, shares.shape),  # noqa: B023
        }.get(kind, lambda: np.where(chance.random(shares.shape) < shares, 1.0, 0.0))()  # noqa: B023
        drawn = Drawn(scores, (0.3, 0.3 + shift, 0.3 + shift / 2), groups, rule, no_worse=0.1)
        assert quickly(drawn).like(compared(drawn))
        verdicts |= {one.verdict for one in quickly(drawn).rows}
    assert {"better", "undecided"} <= verdicts


def test_another_conclusion_of_the_command_is_a_fault() -> None:
    def other(drawn: Drawn) -> Seen:
        seen = compared(drawn)
        return replace(seen, rows=tuple(replace(one, verdict="worse") for one in seen.rows))

    setting = Setting("even", partial(normal, truth=0.0), Keep(0.93), compared_too, quick=other)
    assert any("concluded otherwise" in text for text in held(setting, 5, seed=1).missed)


def compared_too(drawn: Drawn) -> Seen:
    return compared(drawn)
