"""Accuracy, F1 and what is confused with what: figures by hand, and nothing left out."""

from __future__ import annotations

import pytest

from promptlab.analysis.confusion import Confusion, confusions_of
from promptlab.core.results import Reading


def said(pairs: str, arm: int = 0) -> list[Reading]:
    """Return readings of pairs `right>found`, one for each case; `-` is nothing found."""
    return [
        Reading(
            arm=arm,
            case=case,
            kind="nothing" if found == "-" else "found",
            found=None if found == "-" else found,
            expected=right,
            is_label=True,
            correct=right == found,
        )
        for case, (right, _, found) in enumerate(pair.partition(">") for pair in pairs.split())
    ]


def one(readings: list[Reading]) -> Confusion:
    [confusion] = confusions_of(readings).arms
    return confusion


def test_the_example_of_the_libraries() -> None:
    # y_true 0 1 2 0 1 2, y_pred 0 2 1 0 0 1: their macro F1 is .2666..., with class 0 at .8.
    found = one(said("0>0 1>2 2>1 0>0 1>0 2>1"))
    assert found.accuracy == pytest.approx(1 / 3)
    assert found.macro_f1 == pytest.approx(0.8 / 3)
    zero = found.classes[0]
    assert zero.precision == pytest.approx(2 / 3)
    assert (zero.recall, zero.f1) == (1.0, 0.8)


def test_classes_that_are_never_right_or_never_found() -> None:
    found = one(said("a>a a>a a>b b>b b>d c>b"))
    figures = [(each.label, each.precision, each.recall, each.f1) for each in found.classes]
    assert figures == [
        ("a", 1.0, pytest.approx(2 / 3), pytest.approx(4 / 5)),
        ("b", pytest.approx(1 / 3), 0.5, pytest.approx(2 / 5)),
        ("c", None, 0.0, 0.0),
        ("d", 0.0, None, 0.0),
    ]
    assert found.macro_f1 == pytest.approx(0.3)  # (.8 + .4 + 0 + 0) / 4


def test_a_class_of_another_arm_does_not_lower_the_mean() -> None:
    alike, other = confusions_of([*said("a>a b>b"), *said("a>c b>b", arm=1)]).arms
    assert (alike.macro_f1, [each.f1 for each in alike.classes]) == (1.0, [1.0, 1.0, None])
    assert other.macro_f1 == pytest.approx(1 / 3)


def test_an_answer_without_a_label_is_missed_and_stays_in_sight() -> None:
    found = one(said("a>a a>- b>b b>-"))
    assert found.counts["a", ("nothing", None)] == found.counts["b", ("nothing", None)] == 1
    assert (found.accuracy, sum(found.counts.values())) == (0.5, 4)
    assert [(each.precision, each.recall) for each in found.classes] == [(1.0, 0.5)] * 2
    assert found.macro_f1 == pytest.approx(2 / 3)


def test_a_trial_without_a_score_has_the_right_answer_of_its_case() -> None:
    failed = Reading(1, 1, "no_score", None, None, is_label=False, correct=False)
    lost = Reading(1, 7, "no_score", None, None, is_label=False, correct=False)
    second = confusions_of([*said("a>a b>b"), *said("a>a", arm=1), failed, lost]).arms[1]
    assert second.counts["b", ("no_score", None)] == 1
    assert (second.n, second.correct, second.unplaced) == (3, 1, 1)
    assert second.accuracy == pytest.approx(1 / 3)
    assert second.classes[1].recall == 0.0


def test_what_is_no_label_is_another_text_and_a_tolerance_is_kept() -> None:
    chat = Reading(0, 0, "found", "well, yes", "yes", is_label=False, correct=False)
    long = Reading(0, 1, "other", None, "no", is_label=False, correct=False)
    near = Reading(0, 2, "found", "3.01", "3", is_label=False, correct=True)
    found = one([chat, long, near])
    assert [each.label for each in found.classes] == ["3", "no", "yes"]
    assert found.counts["yes", ("other", None)] == found.counts["no", ("other", None)] == 1
    assert found.counts["3", ("found", "3")] == 1


def test_what_are_no_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="does not record what would have been right"):
        confusions_of([Reading(0, 0, "found", "a", None, is_label=True, correct=True)])
    with pytest.raises(ValueError, match="read 51 different answers, which are no classes"):
        confusions_of(said(" ".join(f"{n}>{n}" for n in range(51))))
