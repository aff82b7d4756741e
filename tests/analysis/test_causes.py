"""Where a difference comes from: shares, form and content, constants, other scorers, tipping."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from promptlab.analysis.causes import Causes
from promptlab.analysis.compare import Comparison, compare
from promptlab.analysis.measurements import join, only_text
from promptlab.core.codes import Code
from promptlab.core.decision import Rule
from promptlab.core.measured import MEASURED, Ending, MeasuredRun
from promptlab.core.reasons import Reason
from promptlab.core.reducers import Reducer
from promptlab.core.types import ScorerSpec, TemplateSource

from .measured_runs import binary_scores, concluded, measured_arm, measured_run, run_info, versions

N = 60
LABEL = ScorerSpec("label", "label", "2", {})
LABELS = {1: "red", 2: "blue"}

Value = Callable[[int, int], float | None]
"""What a trial has in a column: from its arm and case."""


def told(run: MeasuredRun, scorer: ScorerSpec = LABEL, **columns: Value) -> MeasuredRun:
    """Return a run whose rows have more columns, and whose scores are by this scorer."""
    at = {MEASURED.index(name): value for name, value in columns.items()}
    rows = []
    for row in run.rows:
        whole = [*row, *[None] * (len(MEASURED) - len(row))]
        for place, value in at.items():
            whole[place] = value(int(row[0] or 0), int(row[1] or 0))
        rows.append(tuple(whole))
    return replace(run, rows=rows, scorer=scorer, readings=LABELS)


def causes(comparison: Comparison) -> Causes:
    assert comparison.causes is not None
    return comparison.causes


def noted(comparison: Comparison, *codes: Code) -> list[Reason]:
    return [reason for reason in comparison.warnings if reason.code in codes]


def labelled() -> MeasuredRun:
    """Return a run in which 3 of 4 answers of one arm, and 4 of 60 of the other, hold no label."""

    def gradable(arm: int, case: int) -> float:
        return float(case % 15 != 7 if arm else case % 4 == 0)

    def right(arm: int, case: int) -> float:
        return gradable(arm, case) * (case % (6 if arm else 3) != 0)

    scores = [[right(arm, case) for case in range(N)] for arm in range(2)]
    return told(measured_run(scores), gradable=gradable)


def test_a_difference_is_split_into_form_and_content() -> None:
    comparison = concluded(labelled())
    parts = causes(comparison)
    assert comparison.delta == pytest.approx(0.6)
    assert (parts.a.ungradable, parts.b.ungradable) == (0.75, 4 / 60)
    assert (parts.a.gradable, parts.b.gradable) == (0.25, 56 / 60)
    assert parts.form is not None
    assert parts.content is not None
    assert parts.form.delta == pytest.approx(0.50843254)
    assert parts.content.delta == pytest.approx(0.09156746)
    for part in (parts.form, parts.content):  # 15 answers of one side: too few
        assert (part.se, part.ci) == (None, None)


def test_the_split_is_told_for_the_side_that_gives_fewer() -> None:
    [note, other] = noted(concluded(labelled()), Code.DIFFERENCE_IN_FORM, Code.ANSWERS_SAY_NOTHING)
    assert note.text == (
        "of the answers of t@v1 75 % hold no single label: +50.8 of +60.0 points;"
        " being right more often +9.2 (too few to judge)"
    )
    assert note.about["shares"] == {"not_gradable": 0.75}
    assert other.text == "of the answers of t@v2 7 % hold no single label"


def test_with_enough_graded_answers_both_parts_have_an_interval() -> None:
    scores = [[float(case % 2) for case in range(N)], [float(case % 3 > 0) for case in range(N)]]
    for case in range(0, N, 3):
        scores[0][case] = 0.0
    run = told(measured_run(scores), gradable=lambda arm, case: float(arm or case % 3 > 0))
    parts = causes(concluded(run))
    assert parts.content is not None
    assert parts.content.ci is not None
    [note] = noted(concluded(run), Code.DIFFERENCE_IN_FORM)
    assert "being right more often +" in note.text
    assert " to +" in note.text


def test_sides_that_swap_swap_the_signs() -> None:
    run = labelled()
    swapped = replace(
        run, arms=run.arms[::-1], rows=[(1 - (row[0] or 0), *row[1:]) for row in run.rows]
    )
    there = concluded(run)
    [back] = compare(join([swapped]), Rule())
    first, second = causes(there).form, causes(back).form
    assert first is not None
    assert second is not None
    assert first.delta == pytest.approx(-second.delta)
    assert causes(there).a == causes(back).b


def test_nothing_is_told_where_every_answer_can_be_graded() -> None:
    run = told(measured_run(binary_scores(20, 10, 30)), gradable=lambda arm, case: 1.0)
    comparison = concluded(run)
    assert causes(comparison).form is None
    assert not comparison.warnings


def test_an_arm_without_any_answer_differs_in_form_alone() -> None:
    scores = [[0.0] * N, [float(case % 2) for case in range(N)]]
    run = told(measured_run(scores), gradable=lambda arm, case: float(arm))
    comparison = concluded(run)
    assert (causes(comparison).a.right, causes(comparison).content) == (None, None)
    [note] = noted(comparison, Code.DIFFERENCE_IN_FORM)
    assert note.text == (
        "of the answers of t@v1 100 % hold no single label: +50.0, all of the difference"
    )


@pytest.mark.parametrize(
    ("silence", "words"),
    [
        (Ending.REFUSED, "33 % were refused"),
        (Ending.FILTERED, "33 % were filtered"),
        (Ending.EMPTY, "33 % were empty"),
    ],
)
def test_answers_that_say_nothing_are_told_whatever_the_scorer_tells(
    silence: Ending, words: str
) -> None:
    scores = [[1.0] * 50 + [0.0] * 10, [float(case % 3 > 0 and case < 50) for case in range(N)]]
    run = measured_run(scores)
    wrong = concluded(told(run, ScorerSpec("mine", "mine", "1", {})))
    silent = told(
        run,
        ScorerSpec("mine", "mine", "1", {}),
        ending=lambda arm, case: silence if arm and case % 3 == 0 else 0,
    )
    [note] = noted(concluded(silent), Code.DIFFERENCE_IN_FORM)
    assert note.text.startswith(f"of the answers of t@v2 {words}: -27.6 of -28.3 points;")
    assert not noted(wrong, Code.DIFFERENCE_IN_FORM, Code.ANSWERS_SAY_NOTHING)
    assert concluded(silent).delta == wrong.delta


def test_a_refusal_that_scores_is_an_answer() -> None:
    run = told(
        measured_run([[1.0] * N, [1.0] * 54 + [0.0] * 6]),
        ending=lambda arm, case: Ending.REFUSED if arm == 0 and case < 30 else 0,
    )
    comparison = concluded(run)
    assert causes(comparison).a.gradable == 1
    assert causes(comparison).a.refused == 0.5


@pytest.mark.parametrize(
    ("first", "second", "number"), [(3, 3, 0), (4, 4, 2), (0, 2, 1), (2, 0, 1), (0, 1, 0)]
)
def test_a_share_is_told_above_5_percent_or_2_points_more_than_the_others(
    first: int, second: int, number: int
) -> None:
    run = told(
        measured_run([[1.0] * N, [0.0] * 10 + [1.0] * 50]),
        ending=lambda arm, case: Ending.EMPTY if case < (first, second)[arm] else 0,
    )
    told_of = noted(concluded(run), Code.ANSWERS_SAY_NOTHING, Code.DIFFERENCE_IN_FORM)
    assert len(told_of) == number


def test_scores_that_are_reduced_otherwise_than_by_their_mean_have_no_parts() -> None:
    run = labelled()
    comparison = concluded(replace(run, scorer=replace(run.scorer, reduce=Reducer("max"))))
    assert causes(comparison).form is None


# Tipping points


def cut_off_run(cut: Sequence[int], **more: object) -> MeasuredRun:
    """Return 30 won and 12 lost of 100; the first arm's answers to these cases were cut off."""
    scores = binary_scores(30, 12, 58)
    for case in range(95, 100):
        scores[0][case] = scores[1][case] = 0.0
    return measured_run(scores, cut_off=lambda arm, case: arm == 0 and case in cut)


def test_how_many_answers_that_were_cut_off_end_a_verdict() -> None:
    comparison = concluded(cut_off_run([*range(20), *range(95, 100)]))
    assert comparison.verdict == "better"
    [point] = causes(comparison).tipping
    assert (point.kind, point.answers, point.ends_at) == ("cut off", 20, 7)
    [note] = noted(comparison, Code.TIPPING_POINT)
    assert note.text == "ends if 7 of 20 answers of t@v1 that were cut off had been right"


def test_a_verdict_that_takes_most_of_the_answers_to_end_is_not_doubted() -> None:
    comparison = concluded(cut_off_run(range(9)))
    assert [point.ends_at for point in causes(comparison).tipping] == [7]
    assert not noted(comparison, Code.TIPPING_POINT)


def test_a_verdict_that_no_answer_can_end_has_no_tipping_point() -> None:
    assert causes(concluded(cut_off_run(range(6)))).tipping == ()


def test_answers_of_the_side_that_won_end_nothing() -> None:
    run = measured_run(
        binary_scores(30, 12, 58), cut_off=lambda arm, case: arm == 1 and 30 <= case < 42
    )
    assert causes(concluded(run)).tipping == ()


def test_refused_answers_of_a_worse_side_tip_too() -> None:
    run = told(
        measured_run(binary_scores(12, 30, 58)),
        ending=lambda arm, case: Ending.REFUSED if arm == 1 and 12 <= case < 32 else 0,
    )
    comparison = concluded(run)
    assert comparison.verdict == "worse"
    [point] = causes(comparison).tipping
    assert (point.kind, point.side.arms, point.ends_at) == ("refused", ("t@v2",), 7)


def test_in_a_larger_family_fewer_answers_end_a_verdict() -> None:
    first, second = binary_scores(34, 10, 56)
    run = measured_run(
        [first, second, second[::-1], first[::-1]],
        arms=versions(4),
        cut_off=lambda arm, case: arm == 0 and case < 30,
    )
    alone = measured_run([first, second], cut_off=lambda arm, case: arm == 0 and case < 30)
    among = compare(join([run]), Rule())[0]
    assert among.verdict == "better"
    assert causes(among).tipping[0].ends_at < causes(concluded(alone)).tipping[0].ends_at


# Constant answers


def constant_run(says_red: int, others: Mapping[str, float] | None = None) -> MeasuredRun:
    """Return 60 cases of which 35 are red; the second arm says red to so many of all."""

    def expected(_: int, case: int) -> float:
        return 1.0 if case < 35 else 2.0

    def found(arm: int, case: int) -> float:
        return (1.0 if case < says_red else 2.0) if arm else expected(arm, case)

    scores = [
        [float(found(arm, case) == expected(arm, case)) for case in range(N)] for arm in range(2)
    ]
    return told(measured_run(scores), found=found, expected=expected, gradable=lambda *_: 1.0)


def test_an_arm_that_says_nearly_always_the_same() -> None:
    comparison = concluded(constant_run(55))
    [constant] = causes(comparison).constants
    assert (constant.arm, constant.answer, constant.given, constant.answers) == (
        "t@v2",
        "red",
        55,
        60,
    )
    assert constant.score == pytest.approx(35 / 60)
    assert (constant.won, constant.lost) == (5, 0)
    [note] = noted(comparison, Code.CONSTANT_ANSWER)
    assert note.text == (
        "t@v2 answers 'red' to 55 of 60: always saying it scores 58.3 %, t@v2 66.7 %"
        " (5 won, 0 lost, p 0.031)"
    )


def test_the_distribution_of_answers_and_the_majority_stand_beside_the_shares() -> None:
    side = causes(concluded(constant_run(55))).b
    assert side.found == {"red": 55, "blue": 5}
    assert side.majority is not None
    assert side.majority.answer == "red"
    assert side.majority.score == pytest.approx(35 / 60)


@pytest.mark.parametrize("says_red", [35, 41, 47])
def test_an_answer_given_as_often_as_it_is_right_is_not_constant(says_red: int) -> None:
    assert causes(concluded(constant_run(says_red))).constants == ()


def test_failed_trials_do_not_hide_a_constant_answer() -> None:
    run = constant_run(55)
    score, ending, expected = (MEASURED.index(name) for name in ("score", "ending", "expected"))
    rows = [list(row) for row in run.rows]
    rows[0][score] = rows[0][expected] = None
    rows[0][ending] = Ending.FAILED
    assert causes(concluded(replace(run, rows=rows))).constants


def test_what_nobody_knows_to_be_right_is_no_constant_answer() -> None:
    run = constant_run(60)
    place = MEASURED.index("expected")
    rows = [[None if at == place else value for at, value in enumerate(row)] for row in run.rows]
    assert causes(concluded(replace(run, rows=rows))).constants == ()


# Other scorers


def otherwise_run(second: Sequence[Sequence[float | None]], label: str = "strict") -> MeasuredRun:
    """Return 14 won and 3 lost of 50, and scores of another scorer by arm and case."""
    rows = [
        (arm, case, score) for arm, scores in enumerate(second) for case, score in enumerate(scores)
    ]
    return replace(measured_run(binary_scores(14, 3, 33)), others={label: rows})


def test_a_scorer_that_says_the_other_way_is_told() -> None:
    d = [-1.0] * 9 + [0.0] * 5 + [1.0, 0.0, 0.0] + [-1.0] * 6 + [0.0] * 27
    second = [[float(value < 0) for value in d], [float(value > 0) for value in d]]
    comparison = concluded(otherwise_run(second))
    [other] = causes(comparison).otherwise
    assert other.scorer == "strict"
    assert other.delta == pytest.approx(-0.28)
    assert other.p == pytest.approx(0.0003033303, rel=0.05)
    [note] = noted(comparison, Code.SCORERS_DISAGREE)
    assert note.text == "by strict the other way, -28.0"


@pytest.mark.parametrize(
    "second",
    [
        binary_scores(14, 3, 33),  # it agrees
        [[float(place * 10) for place in range(50)], [0.0] * 50],  # no shares: more may be worse
        [[None] * 50, [None] * 50],
    ],
)
def test_other_scorers_of_which_nothing_is_told(second: list[list[float | None]]) -> None:
    assert not noted(concluded(otherwise_run(second)), Code.SCORERS_DISAGREE)


def test_the_scores_of_other_scorers_follow_the_arms_of_a_text_and_of_several_runs() -> None:
    first = otherwise_run([[0.25] * 50, [0.75] * 50])
    text = TemplateSource("t", "v2", "", {}, "sha256:v2")
    [arm] = join([only_text(first, text)]).arms
    assert arm.others["strict"].tolist() == [0.75] * 50
    second = replace(otherwise_run([[1.0] * 50, [None] * 50]), info=run_info(100, number=2))
    both = join([first, second]).arms
    assert both[0].others["strict"].tolist() == [0.625] * 50
    assert both[1].others["strict"].tolist() == [0.75] * 50


def test_a_sign_that_chance_can_turn_is_not_told() -> None:
    run = replace(measured_run(binary_scores(8, 7, 35)))
    other = [(arm, case, float(arm == 0 and case == 49)) for arm in range(2) for case in range(50)]
    comparison = concluded(replace(run, others={"strict": other}))
    assert [one.scorer for one in causes(comparison).otherwise] == ["strict"]
    assert not noted(comparison, Code.SCORERS_DISAGREE)


# Edges, and cases that were won


def test_arms_at_the_ceiling_and_at_the_floor_are_named() -> None:
    comparison = concluded(measured_run([[1.0] * 2 + [0.0] * 58, [1.0] * 58 + [0.0] * 2]))
    edges = noted(comparison, Code.AT_THE_CEILING, Code.AT_THE_FLOOR)
    assert [(one.code, one.text) for one in edges] == [
        (Code.AT_THE_FLOOR, "t@v1 is at the floor: it scores 3.3 %"),
        (Code.AT_THE_CEILING, "t@v2 is at the ceiling: it scores 96.7 %"),
    ]


def test_numbers_without_bounds_have_neither_parts_nor_edges() -> None:
    chance = np.random.default_rng(1)  # noqa: TID251 - seeded
    scores = [[float(each) for each in row] for row in chance.normal(5, 3, (2, 40))]
    comparison = concluded(measured_run(scores))
    assert not noted(comparison, Code.AT_THE_CEILING, Code.AT_THE_FLOOR)
    assert (causes(comparison).form, causes(comparison).tipping) == (None, ())


def test_cases_count_as_won_beyond_the_smallest_effect() -> None:
    scores = [[0.5] * 40, [0.52] * 10 + [0.6] * 10 + [0.4] * 5 + [0.5] * 15]
    comparison = concluded(measured_run(scores), Rule(min_effect=0.05))
    assert (len(comparison.won), len(comparison.lost), comparison.ties) == (10, 5, 25)
    plain = concluded(measured_run(scores))
    assert (len(plain.won), len(plain.lost), plain.ties) == (20, 5, 15)


def test_a_side_of_several_arms_weighs_backends_alike() -> None:
    arms = [measured_arm(version, backend=on) for on in ("m", "n") for version in ("v1", "v2")]
    scores = [[0.0] * N, [1.0] * 30 + [0.0] * 30] * 2
    run = told(
        measured_run(scores, arms=arms),
        gradable=lambda arm, case: float(arm % 2 or (arm == 2 and case % 2)),
    )
    pooled = [one for one in compare(join([run]), Rule()) if one.backend is None]
    [one] = pooled
    assert causes(one).a.gradable == 0.25
    assert causes(one).a.ungradable == 0.75
