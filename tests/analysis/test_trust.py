"""How far a judge's scores bear a verdict: by its passport, its labels, or not at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from promptlab.analysis.compare import Comparison, compare
from promptlab.analysis.conclude import effect
from promptlab.analysis.correction import Correction, Scores, by_people, by_shares
from promptlab.analysis.inference import PASSES
from promptlab.analysis.judge_reasons import corrected
from promptlab.analysis.measurements import join
from promptlab.analysis.passports import issued
from promptlab.analysis.practices import practice_effects
from promptlab.analysis.trust import MeanTrust, scores_of, trust_in, trust_in_mean
from promptlab.core.decision import Calibration, Rule
from promptlab.core.measured import MeasuredRun
from promptlab.core.passport import Finding, Passport, Share, together

from .measured_runs import binary_scores, measured_arm, measured_run
from .test_errors import Counts, figures

GOOD: tuple[Counts, ...] = ((45, 2, 2, 41), (45, 2, 2, 41))
EVEN: tuple[Counts, ...] = ((450, 50, 50, 450), (450, 50, 50, 450))
RULE = Rule()


def judged_run(*arms: Counts, labels: int = 0, wins: int = 30, losses: int = 10) -> MeasuredRun:
    """Return a run by a judge with the passport of these errors; people agree with it."""
    scores = binary_scores(wins, losses, 60)
    run = measured_run(scores)
    judge = replace(run.scorer, judge=True)
    passport = issued("s", judge, [], figures(*arms), RULE.limits) if arms else None
    chosen = [case * 37 % 100 for case in range(labels)]
    told = [(arm, case, scores[arm][case]) for arm in range(2) for case in chosen]
    return replace(run, scorer=judge, passport=passport, labels=told)


def compared(run: MeasuredRun, **rule: Any) -> Comparison:
    [row] = compare(join([run]), replace(RULE, **rule))
    return row


def codes(row: Comparison) -> list[str]:
    return [reason.code.value for reason in (*row.reasons, *row.warnings)]


def test_a_trusted_judge_without_labels_is_believed_and_not_corrected() -> None:
    row = compared(judged_run(*GOOD))
    assert (row.verdict, row.effect.method) == ("better", "mcnemar-midp")
    [note] = [each for each in row.warnings if each.code == "judge-uncorrected"]
    assert note.about == {"labels": 0, "least": 25, "informedness": pytest.approx(0.911, abs=1e-3)}
    assert "true differences are about 1.1 times as large" in note.text


def test_labels_of_both_sides_correct_it() -> None:
    row = compared(judged_run(*GOOD, labels=50))
    assert (row.verdict, row.effect.method) == ("better", "ppi++")
    assert row.cases_needed is not None  # with as many labels for each case
    assert "judge-corrected" in codes(row)
    assert "judge-uncorrected" not in codes(row)
    few = compared(judged_run(*GOOD, labels=24))
    assert few.effect.method == "mcnemar-midp"


def test_errors_that_are_shown_equal_correct_it_too() -> None:
    """J = .8: what the judge sees of a difference is four fifths of it."""
    row, raw = compared(judged_run(*EVEN)), compared(judged_run(*GOOD))
    assert row.effect.method == "rogan-gladen"
    assert row.delta == pytest.approx(0.2 / 0.8, rel=0.01)
    assert row.mean_b is not None
    assert row.mean_a is not None
    assert row.mean_b - row.mean_a == pytest.approx(0.25, abs=0.01)
    assert row.ci is not None
    assert raw.ci is not None
    assert row.ci[1] - row.ci[0] > raw.ci[1] - raw.ci[0]
    assert "corrected with 2,000 human labels" in next(
        each.text for each in row.warnings if each.code == "judge-corrected"
    )


def tried(before: list[float], after: list[float], right: int, of: int) -> Correction | None:
    """Return the correction by a judge that is right on so many passes, and on as many failures."""
    a, b = np.array(before), np.array(after)
    groups = np.arange(a.size)
    unknown = np.full(a.size, np.nan)
    both = Scores(a, b, unknown, unknown, groups, 1.0, verdicts=True)
    raw = effect(b - a, groups, RULE, PASSES)
    return by_shares(both, raw, Share(right, of), Share(right, of), RULE)


def by_errors(before: list[float], after: list[float], right: int, of: int) -> Correction:
    found = tried(before, after, right, of)
    assert found is not None
    return found


@pytest.mark.parametrize(("right", "of"), [(100, 100), (90, 100), (45, 50)])
def test_means_and_difference_are_corrected_alike(right: int, of: int) -> None:
    found = by_errors([1.0] * 60 + [0.0] * 40, [1.0] * 68 + [0.0] * 32, right, of)
    assert found.effect.delta == pytest.approx(found.mean_b - found.mean_a)
    assert found.effect.delta == pytest.approx(0.08 / (2 * right / of - 1))


def test_few_cases_that_differ_are_guarded_in_the_corrected_effect_too() -> None:
    """Two of a hundred: what the judge alone cannot exclude, its corrected word cannot."""
    before, after = [0.0] * 100, [1.0] * 2 + [0.0] * 98
    groups = np.arange(100)
    raw = effect(np.array(after) - np.array(before), groups, RULE, PASSES)
    found = by_errors(before, after, 90, 100).effect
    assert raw.ci is not None
    assert found.ci is not None
    assert found.ci[0] < raw.ci[0] / 0.8
    assert found.ci[1] > raw.ci[1] / 0.8 > 0.05
    assert found.p == raw.p
    assert found.inference is not None
    p = found.inference.at_most(0.05)
    assert p is not None
    assert p > 0.05


def test_the_corrected_interval_is_that_of_its_tests_and_allows_for_the_error_of_j() -> None:
    before, after = [0.0] * 200, [1.0] * 60 + [0.0] * 140
    widths = []
    for right, of in ((45, 50), (9000, 10_000)):
        found = by_errors(before, after, right, of).effect
        assert found.ci is not None
        assert found.inference is not None
        low, high = found.ci
        assert found.inference.at_least(low) == pytest.approx(0.025, abs=1e-4)
        assert found.inference.at_most(high) == pytest.approx(0.025, abs=1e-4)
        assert low < 0.375 < high
        widths.append(high - low)
    assert widths[0] > 1.2 * widths[1]


def test_what_such_errors_cannot_bring_about_is_not_corrected() -> None:
    """With J = .6 the judge sees at most 60 points, here it sees 95; 61 may be chance."""
    assert by_errors([0.0] * 100, [1.0] * 61 + [0.0] * 39, 80, 100).effect.delta == (
        pytest.approx(0.61 / 0.6)
    )
    assert tried([0.0] * 100, [1.0] * 95 + [0.0] * 5, 80, 100) is None


def test_where_labels_never_correct_that_is_the_reason() -> None:
    """And not that there are too few of them: more would not help."""
    run = judged_run(*GOOD, labels=3)
    table = join([run])
    sides = ((table.arms[0],), (table.arms[1],))
    groups = np.arange(100)
    both = scores_of(table, sides, np.full(100, fill_value=True), groups)
    raw = effect(both.after - both.before, groups, RULE, PASSES)
    [note] = trust_in(table, both, raw, RULE, corrects=False).notes
    assert note.text.startswith("not corrected, since more than the cases was drawn, or the run")
    [note] = trust_in(table, both, raw, RULE).notes
    assert note.text.startswith("not corrected: 3 cases have labels on both sides, at least 25")


def test_a_refused_judge_is_believed_by_its_labels_alone() -> None:
    weak: tuple[Counts, ...] = ((30, 15, 15, 30), (30, 15, 15, 30))
    assert codes(compared(judged_run(*weak)))[:1] == ["judge-refused"]
    row = compared(judged_run(*weak, labels=60))
    assert (row.verdict, row.effect.method) == ("better", "ppi++")


def test_what_no_labels_can_make_up_for() -> None:
    run = judged_run(*GOOD, labels=60)
    assert run.passport is not None
    deep = Finding("obeys-answers", "a command raises it", "refused", deep=True)
    refused = replace(run.passport, verdict="refused", findings=(deep,))
    row = compared(replace(run, passport=refused))
    assert (row.verdict, codes(row)[0]) == ("refused", "judge-refused")
    assert row.effect.method == "mcnemar-midp"


def test_a_stale_judge_and_an_unchecked_one_are_refused() -> None:
    run = judged_run()
    assert codes(compared(run))[0] == "judge-unchecked"
    assert codes(compared(replace(run, stale=True)))[0] == "judge-stale"
    stated = {"exact_match": Calibration(80, 0.7, 0.9, 0.8)}
    assert compared(run, judges=stated).verdict == "better"
    assert codes(compared(replace(run, stale=True), judges=stated))[0] == "judge-stale"


def test_sides_in_another_order_change_signs_alone() -> None:
    run = judged_run(*GOOD, labels=50)
    [row], [turned] = (compare(join([run]), RULE, toward=toward) for toward in ("t@v2", "t@v1"))
    assert (turned.a, turned.b) == (row.b, row.a)
    assert turned.delta == pytest.approx(-(row.delta or 0))
    assert turned.p == pytest.approx(row.p)


def scores(people: Any, judged: Any, groups: Any = None) -> Scores:
    zeros = np.zeros(len(judged))
    known = np.where(np.isnan(people), np.nan, 0.0)
    codes = np.arange(len(judged)) if groups is None else np.asarray(groups)
    return Scores(zeros, np.array(judged), known, np.array(people), codes, 1.0, verdicts=True)


def test_a_judge_that_was_never_wrong_still_has_an_error() -> None:
    """Its weight may be 1: nothing varies that people and judge differ in."""
    judged = np.array([1.0, 0.0, -1.0, 0.0] * 5 + [0.0] * 400)
    people = np.full(420, np.nan)
    people[:20] = judged[:20]
    found = by_people(scores(people, judged), RULE)
    assert found is not None
    assert found.effect.se is not None
    assert found.effect.se > 0


def test_errors_not_seen_are_allowed_for() -> None:
    """Thirty labels without an error do not show that there is none."""
    judged = np.array([1.0, 0.0] * 200)
    people = np.full(400, np.nan)
    people[:30] = judged[:30]
    found = by_people(scores(people, judged), RULE)
    assert found is not None
    assert found.effect.inference is not None
    assert found.effect.inference.imagined == 1.0
    assert found.effect.ci is not None
    assert found.effect.ci[1] - found.effect.ci[0] > 0.15


def test_passports_of_several_runs_are_one() -> None:
    first = judged_run(*GOOD, labels=20)
    second = replace(first, info=replace(first.info, run_id="r2"))
    table = join([first, second])
    assert isinstance(table.passport_for(table.arms), Passport)
    assert int((~np.isnan(table.arms[0].people)).sum()) == 20


@pytest.mark.slow
def test_the_effect_of_a_practice_is_corrected_as_the_pair_is() -> None:
    """Also for models in general, where each model's effect is."""
    chance = np.random.default_rng(5)  # noqa: TID251 - seeded
    arms, told = [], []
    table: list[list[float]] = []
    for backend in ("a", "b", "c", "d", "e"):
        for version, practices, truth in (("v1", (), 0.5), ("v2", ("clear",), 0.7)):
            right = chance.random(120) < truth
            miss = (0.3 if practices else 0.0) > chance.random(120)  # of v2 it misses many
            arms.append(measured_arm(version, practices=practices, backend=backend))
            told += [(len(table), case, float(right[case])) for case in range(0, 120, 2)]
            table.append((right & ~miss).astype(float).tolist())
    run = measured_run(table, arms=arms)
    judge = replace(run.scorer, judge=True)
    uneven = figures((60, 0, 0, 60), (49, 35, 0, 36))
    passport = issued("s", judge, [], uneven, RULE.limits)
    run = replace(run, scorer=judge, passport=passport, labels=told)
    pairs = {row.backend: row for row in compare(join([run]), RULE)}
    effects = {(one.scope, one.backend): one for one in practice_effects(join([run]), RULE).effects}
    for on, row in pairs.items():
        one = effects["these models" if on is None else "model", on]
        assert one.effect.method == "ppi++"
        assert one.delta == pytest.approx(row.delta)
    general = effects["models in general", None]
    assert general.effect.method == "random-effects"
    assert general.delta == pytest.approx(
        np.mean([row.delta for on, row in pairs.items() if on is not None and row.delta])
    )
    assert general.verdict == "better"
    refused = compare(join([replace(run, labels=())]), RULE)
    assert {codes(row)[0] for row in refused} == {"judge-errs-unevenly"}


def in_mean(run: MeasuredRun, bound: float = 0.5, arm: int = 0) -> MeanTrust:
    table = join([run])
    joined = table.arms[arm]
    return trust_in_mean(table, joined, float(joined.cells.score.mean()), bound, RULE)


def of_mean(found: MeanTrust) -> list[str]:
    return [reason.code.value for reason in (*found.reasons, *found.notes)]


def test_people_correct_the_mean_of_an_arm() -> None:
    """They contradict the judge on one output in ten: it passes what is bad."""
    run = judged_run(*GOOD, labels=50)
    raw = in_mean(judged_run(*GOOD))
    strict = [(arm, case, 0.0 if case % 10 == 0 else score) for arm, case, score in run.labels]
    found = in_mean(replace(run, labels=strict))
    assert of_mean(found) == ["judge-corrected"]
    said = np.array([score for arm, _, score in strict if arm == 0])
    assert found.mean < raw.mean
    assert abs(found.mean - said.mean()) < abs(raw.mean - said.mean())
    assert (raw.reasons, of_mean(raw)) == ((), ["judge-uncorrected"])
    few = in_mean(replace(run, labels=[each for each in strict if each[1] < 24]))
    assert few.mean == raw.mean


def test_errors_shown_equal_correct_the_mean_of_an_arm() -> None:
    found, raw = in_mean(judged_run(*EVEN)), in_mean(judged_run(*GOOD))
    assert found.mean == pytest.approx((raw.mean + 0.9 - 1) / 0.8)
    assert of_mean(found) == ["judge-corrected"]


def test_the_mean_of_a_judge_that_is_not_believed_decides_nothing() -> None:
    assert of_mean(in_mean(judged_run())) == ["judge-unchecked"]
    assert of_mean(in_mean(replace(judged_run(), stale=True))) == ["judge-stale"]
    run = judged_run(*GOOD)
    assert run.passport is not None
    bad = Finding("weak-agreement", "its kappa is 0.10, below 0.4", "refused")
    passport = replace(run.passport, verdict="refused", findings=(bad,))
    assert of_mean(in_mean(replace(run, passport=passport))) == ["judge-refused"]
    people = replace(judged_run(*GOOD, labels=50), passport=passport)
    assert of_mean(in_mean(people)) == ["judge-corrected", "judge-provisional"]
    deep = replace(passport, findings=(replace(bad, deep=True),))
    assert of_mean(in_mean(replace(people, passport=deep))) == ["judge-refused"]


@pytest.mark.parametrize(("moved", "codes_of"), [(0.3, ["judge-moved"]), (0.02, [])])
def test_a_judge_that_moved_past_the_bound_decides_nothing(
    moved: float, codes_of: list[str]
) -> None:
    run = replace(judged_run(*GOOD), moved=moved)
    mean = in_mean(run).mean
    assert [reason.code.value for reason in in_mean(run, mean - 0.1).reasons] == codes_of


def test_a_corrected_share_is_not_cut_and_says_so() -> None:
    """With specificity .8 a fifth of all failures would pass: only a tenth does."""
    found = by_errors([0.0] * 90 + [1.0] * 10, [0.0] * 80 + [1.0] * 20, 80, 100)
    assert found.mean_a == pytest.approx((0.1 + 0.8 - 1) / 0.6)
    assert found.mean_b - found.mean_a == pytest.approx(found.effect.delta)
    raw = effect(np.array([1.0, 0.0]), np.arange(2), RULE, PASSES)
    note = corrected(found, raw, is_rate=True)
    assert note.text.endswith("lie beyond what can be, and are not cut")
    usual = replace(found, mean_a=0.1, mean_b=0.2)
    assert corrected(usual, raw, is_rate=True).text.endswith("points")


def test_a_judge_that_asks_the_model_of_each_answer_is_believed_of_that_model_alone() -> None:
    run = judged_run(*GOOD)
    digests = {arm.backend_digest for arm in run.arms}
    [digest] = digests
    bound = replace(run, passport=None, own={digest: run.passport})
    assert compared(bound).verdict == compared(run).verdict == "better"
    other = replace(run, passport=None, own={"another": run.passport}, stale=True)
    assert codes(compared(other))[0] == "judge-stale"
    assert "or that was for other models" in (compared(other).reason or "")
    assert of_mean(in_mean(other)) == ["judge-stale"]


def test_several_models_are_no_better_than_the_worst() -> None:
    good, even = judged_run(*GOOD).passport, judged_run(*EVEN).passport
    assert good is not None
    assert even is not None
    bad = replace(good, verdict="refused", findings=(Finding("x", "it errs", "refused"),))
    assert together([good]) is good
    both = together([even, bad])
    assert (both.verdict, both.findings) == ("refused", bad.findings)
    assert (both.figures.equal, both.figures.informedness) == (False, None)
    assert together([good, even]).verdict != "refused"
