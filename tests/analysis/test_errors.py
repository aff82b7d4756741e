"""How a judge errs, and what it is good for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from promptlab.analysis.errors import Judgement, kind_of, shown_equal, uneven
from promptlab.analysis.passports import Counted, Probed, figures_of, issued
from promptlab.analysis.standing import standing_of
from promptlab.core.decision import Limits
from promptlab.core.passport import Figures, Passport, Probe, Repeats, Share, passport_digest
from promptlab.core.types import ScorerSpec

LIMITS = Limits()
PROBED = Probed((Probe("length", 60, 0, 0, 0.0, 1.0, caught=False),), Repeats(60, 1.0, 0.0))
Counts = tuple[int, int, int, int]


def arm(name: str, counts: Counts) -> list[Judgement]:
    """Return judgements: right passes, missed passes, wrong passes, right failures."""
    cells = ((1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0))
    return [
        Judgement(name, {"ann": people}, judged)
        for (people, judged), count in zip(cells, counts, strict=True)
        for _ in range(count)
    ]


def figures(*arms: Counts) -> Figures:
    judgements = [one for place, counts in enumerate(arms) for one in arm(f"v{place}", counts)]
    return figures_of(judgements, Counted(), PROBED, cases=200)


def codes(measured: Figures) -> list[str]:
    return [finding.code for finding in standing_of(measured, LIMITS)[1]]


def test_figures_of_two_arms() -> None:
    found = figures((27, 3, 4, 16), (32, 3, 3, 12))
    assert (found.kind, found.labels, found.raters, found.agreement.name) == (
        "verdicts",
        100,
        1,
        "kappa",
    )
    assert found.sensitivity is not None
    assert (found.sensitivity.right, found.sensitivity.n) == (59, 65)
    assert [*(found.sensitivity.ci or ())] == pytest.approx([0.813, 0.957], abs=1e-3)
    assert found.specificity is not None
    assert found.specificity.value == 28 / 35
    assert found.informedness == pytest.approx(59 / 65 + 28 / 35 - 1)
    assert (found.accuracy, found.constant) == (0.87, 0.65)
    assert [each.bias for each in found.arms] == [pytest.approx(0.02), pytest.approx(0.0)]
    assert standing_of(found, LIMITS)[0] == "trusted"


def test_opposite_signs_refuse_a_judge_that_is_right_on_95_of_100() -> None:
    found = figures((50, 0, 5, 45), (45, 5, 0, 50))
    assert found.accuracy == 0.95
    assert found.agreement.value == pytest.approx(0.9)
    [one] = found.uneven
    assert one.difference == pytest.approx(-0.1)
    assert one.opposite
    verdict, [finding] = standing_of(found, LIMITS)
    assert (verdict, finding.code) == ("refused", "errs-unevenly")
    assert "with opposite signs" in finding.text


def test_opposite_signs_by_chance_refuse_nobody() -> None:
    assert figures((50, 0, 1, 49), (49, 1, 0, 50)).uneven == ()


def test_a_judge_that_is_always_wrong_on_one_arm_errs_unevenly() -> None:
    [one] = figures((0, 25, 0, 0), (100, 0, 0, 0)).uneven
    assert (one.difference, one.opposite) == (1.0, False)
    assert one.p < 1e-20


@pytest.mark.parametrize("few", [2, 3, 5])
def test_few_labels_without_an_error_accuse_nobody(few: int) -> None:
    """Of a judge that fails a fifth of what passes, so few labels often show no error."""
    assert figures((few, 0, 0, 0), (60, 20, 0, 20)).uneven == ()


@pytest.mark.slow
@pytest.mark.parametrize("few", [3, 5, 10, 25])
def test_a_judge_that_errs_alike_is_accused_in_one_of_twenty(few: int) -> None:
    chance = np.random.default_rng([few, 5])  # noqa: TID251 - seeded
    accused = 0
    for _ in range(1_000):
        sizes = {"v1": few, "v2": 100}
        wrong = {name: int(chance.binomial(size, 0.2)) for name, size in sizes.items()}
        drawn = [arm(name, (size - wrong[name], wrong[name], 0, 0)) for name, size in sizes.items()]
        accused += bool(uneven([one for each in drawn for one in each]))
    assert accused <= 65  # of 1,000, by chance at most


def test_several_arms_share_the_level() -> None:
    """Of two arms this difference is told, among ten arms it may be chance."""
    pair = [*arm("v0", (40, 2, 6, 32)), *arm("v1", (40, 8, 2, 30))]
    assert len(uneven(pair)) == 1
    others = [one for place in range(2, 10) for one in arm(f"v{place}", (40, 4, 4, 32))]
    assert uneven([*pair, *others]) == ()


def test_errors_are_equal_only_where_that_is_shown() -> None:
    few = figures((45, 5, 5, 45), (45, 5, 5, 45))
    assert not few.equal
    many = figures((450, 50, 50, 450), (450, 50, 50, 450))
    assert many.equal
    assert not figures((450, 50, 50, 450), (390, 110, 50, 450)).equal
    assert not shown_equal(many.arms[:1])


@pytest.mark.parametrize(
    ("arms", "verdict", "code"),
    [
        (((20, 0, 0, 4), (20, 0, 0, 5)), "refused", "too-few-labels"),
        (((30, 15, 15, 30), (30, 15, 15, 30)), "refused", "weak-agreement"),
        (((36, 9, 9, 36), (36, 9, 9, 36)), "provisional", None),
        (((35, 11, 11, 33), (35, 11, 11, 33)), "provisional", "fair-agreement"),
        (((45, 2, 2, 41),), "provisional", "one-arm"),
        (((45, 0, 0, 0), (45, 0, 0, 0)), "refused", "agreement-unknown"),
    ],
)
def test_cut_offs(arms: tuple[Counts, ...], verdict: str, code: str | None) -> None:
    found, findings = standing_of(figures(*arms), LIMITS)
    if code is None:
        assert found == "trusted" or findings[0].code == "fair-agreement"
        return
    assert (found, findings[0].code) == (verdict, code)


def test_what_else_speaks_against_a_judge() -> None:
    good = figures((45, 2, 2, 41), (45, 2, 2, 41))
    assert codes(good) == []
    assert codes(replace(good, of_people=False)) == ["labels-by-model"]
    assert codes(replace(good, unscored=30)) == ["gives-no-score"]
    assert codes(replace(good, order=Share(70, 100))) == ["weak-order"]
    assert codes(replace(good, order=Share(80, 100))) == []
    assert codes(replace(good, probes=())) == ["not-probed"]
    assert codes(replace(good, repeats=Repeats(60, 0.9, 0.2))) == ["unsteady"]
    assert codes(replace(good, accuracy=0.5, constant=0.5)) == ["no-better-than-constant"]


@pytest.mark.parametrize(
    ("name", "verdict", "deep"),
    [
        ("injection", "refused", True),
        ("empty", "refused", True),
        ("reference", "provisional", False),
        ("length", "provisional", False),
        ("style", "provisional", False),
    ],
)
def test_probes_that_a_judge_gave_way_to(name: str, verdict: str, deep: bool) -> None:
    good = figures((45, 2, 2, 41), (45, 2, 2, 41))
    caught = Probe(name, 60, 20, 0, 0.3, 0.001, caught=True)
    found, [finding] = standing_of(replace(good, probes=(caught,)), LIMITS)
    assert (found, finding.deep) == (verdict, deep)


def test_full_agreement_has_no_interval() -> None:
    both = [Judgement("v1", {"ann": n % 2, "bob": n % 2}, n % 2) for n in range(60)]
    found = figures_of(both, Counted(), PROBED, 60)
    assert (found.agreement.value, found.agreement.ci) == (1.0, None)
    assert found.ceiling is not None
    assert (found.ceiling.value, found.ceiling.ci) == (1.0, None)
    assert figures((30, 3, 3, 30)).agreement.ci is not None


def test_numbers_are_held_against_numbers() -> None:
    pairs = [(1, 1), (2, 2), (3, 3), (4, 5), (5, 4), (3, 2)] * 10
    judgements = [Judgement("v1", {"ann": float(p)}, float(j)) for p, j in pairs]
    assert kind_of(judgements) == "numbers"
    found = figures_of(judgements, Counted(), PROBED, 60)
    assert (found.agreement.name, found.sensitivity, found.accuracy) == ("alpha", None, None)
    assert found.agreement.value == pytest.approx(0.8578, abs=1e-4)
    assert found.informedness is None


def test_people_who_are_split_make_no_verdict() -> None:
    split = Judgement("v1", {"ann": 1.0, "bob": 0.0}, 1.0)
    assert (split.people, split.verdict) == (0.5, None)
    found = figures_of([split, *arm("v1", (30, 0, 0, 30))], Counted(), PROBED, 60)
    assert (found.labels, found.agreement.n) == (61, 60)


def test_a_passport_is_bound_to_all_that_a_judge_is() -> None:
    spec = ScorerSpec("kind", "rubric", "1", {"criteria": "polite"}, True, '{"prompts":{}}')

    def issue(judge: ScorerSpec) -> Passport:
        return issued("s", judge, [], figures((45, 2, 2, 41), (45, 2, 2, 41)), LIMITS)

    known = issue(spec).digest
    assert known == passport_digest(spec)
    assert issue(replace(spec, label="other")).digest == known  # its name in a suite is no part
    for changed in (
        replace(spec, name="decision"),
        replace(spec, version="2"),
        replace(spec, params={"criteria": "polite."}),
        replace(spec, identity='{"prompts":{"prompt":"b2:1"}}'),
    ):
        assert issue(changed).digest != known
