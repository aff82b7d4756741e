"""When there is too little evidence for a verdict, and when a judge cannot be trusted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from promptlab.analysis.sufficiency import guarded, too_alike, too_little, untrusted
from promptlab.core.codes import Code
from promptlab.core.decision import Calibration, Limits
from promptlab.core.reasons import Reason

from .effects import effect_of, passes


def little(
    d: object, limits: Limits | None = None, groups: object = None
) -> tuple[list[str], str | None]:
    limits = limits or Limits()
    effect = effect_of(d, groups=groups)
    codes = np.arange(effect.n) if groups is None else np.asarray(groups)
    alike = too_alike(effect, limits)
    why = [reason.text for reason in too_little(effect, codes, limits)]
    return why, None if alike is None else alike.text


def test_enough_is_enough() -> None:
    assert little(passes(6, 0, 9)) == ([], None)
    assert little(passes(6, 0, 9), groups=[0, 1, 2, 3, 4] * 3) == ([], None)


def test_fewer_than_15_cases_are_too_few() -> None:
    assert little(passes(7, 7, 0))[0] == ["14 cases are too few: at least 15"]
    assert little(passes(7, 7, 0), Limits(min_cases=14))[0] == []
    assert little(passes(7, 8, 0), Limits(min_cases=16))[0] == ["15 cases are too few: at least 16"]
    assert little([]) == (
        ["0 cases are too few: at least 15"],
        "no difference was seen: no case differs, and at least 6 must",
    )


def test_fewer_than_6_cases_that_differ_are_too_few() -> None:
    text = "only 5 of 20 cases differ: at least 6 must"
    assert little(passes(5, 0, 15))[1] == text
    assert little(passes(5, 0, 15), Limits(min_nonzero=5))[1] is None
    assert little(passes(6, 0, 14))[1] is None


def test_fewer_than_5_groups_are_too_few() -> None:
    groups = [0, 1, 2, 3] * 5
    assert little(passes(10, 5, 5), groups=groups)[0] == [
        "4 groups of cases are too few: at least 5"
    ]
    assert little(passes(10, 5, 5), Limits(min_groups=4), groups)[0] == []


def test_one_group_must_not_hold_most_of_the_cases() -> None:
    groups = [0] * 11 + [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert little(passes(10, 5, 5), groups=groups)[0] == ["one group holds 55 % of the cases"]
    assert little(passes(10, 5, 5), Limits(max_group_share=0.55), groups)[0] == []
    assert little(passes(10, 5, 5), groups=[0] * 10 + list(range(1, 11)))[0] == []


# Judges.

GOOD = Calibration(labels=50, kappa=0.4, sensitivity=0.8, specificity=0.5, order_agreement=0.75)


def test_a_judge_nobody_checked_is_not_trusted() -> None:
    why = untrusted("kind", None, Limits())
    text = "the judge 'kind' was never compared with people's labels"
    assert why == Reason(Code.JUDGE_UNCHECKED, text, {"judge": "kind"})


def test_a_good_judge_is_trusted() -> None:
    assert untrusted("kind", GOOD, Limits()) is None
    assert untrusted("kind", replace(GOOD, order_agreement=None), Limits()) is None


@pytest.mark.parametrize(
    ("bad", "what", "limits"),
    [
        (replace(GOOD, labels=49), "49 labels are too few: at least 50", Limits(min_labels=49)),
        (replace(GOOD, kappa=0.39), "its kappa is 0.39, below 0.4", Limits(min_kappa=0.3)),
        (
            replace(GOOD, specificity=0.4),
            "its J is 0.2, below 0.3",
            Limits(min_informedness=0.1),
        ),
        (
            replace(GOOD, order_agreement=0.74),
            "it agrees with itself in both orders on 74 % of pairs only",
            Limits(min_order_agreement=0.7),
        ),
    ],
)
def test_a_bad_judge_is_reported_with_its_number(
    bad: Calibration, what: str, limits: Limits
) -> None:
    why = untrusted("kind", bad, Limits())
    assert why is not None
    assert why.code is Code.JUDGE_TOO_WEAK
    assert why.text == f"the judge 'kind' is not good enough: {what}"
    assert untrusted("kind", bad, limits) is None


def test_lopsided_numbers_are_told_from_a_lower_bound_than_they_are_allowed_for() -> None:
    for last, size in ((4.5, 0.19), (3.0, 0.03)):
        effect = effect_of([0.0, 1.0, 2.0] * 10 + [last])
        assert effect.inference is not None
        assert effect.inference.lopsided == pytest.approx(size, abs=0.005)
        told = [Code.LOPSIDED] if size > 0.14 else []
        assert [one.code for one in guarded(effect, is_rate=False)] == told


def test_of_few_groups_only_what_is_very_lopsided_is_told() -> None:
    groups = np.repeat(np.arange(7), 2)
    for last, told in ((3.25, []), (4.5, [Code.LOPSIDED])):
        effect = effect_of(np.repeat([0.0, 1.0, 2.0, 0.0, 1.0, 2.0, last], 2), groups=groups)
        assert effect.inference is not None
        assert effect.inference.lopsided > 0.14
        assert [one.code for one in guarded(effect, is_rate=False)] == told
