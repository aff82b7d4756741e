"""Joint effects: an average over unlike things is told as one, and is never equivalence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from promptlab.analysis.contrast import conclude
from promptlab.analysis.cross import crossed
from promptlab.analysis.estimates import Estimated, PracticeEffect
from promptlab.analysis.interactions import Interaction
from promptlab.analysis.look import Look
from promptlab.analysis.measurements import join
from promptlab.analysis.passports import issued
from promptlab.analysis.practices import Asked, Practices, practice_effects
from promptlab.core.codes import Code
from promptlab.core.decision import Rule
from promptlab.core.measured import MeasuredArm
from promptlab.core.messages import Json
from promptlab.experiments.designs import arms_off
from promptlab.stats.paired import paired_t
from tests.analysis.measured_runs import measured_arm, measured_run, run_info
from tests.analysis.test_errors import figures

RULE = Rule(min_effect=0.08)
NAMES = ("clear", "context")


def square(version: str = "v1", backend: str = "small") -> list[MeasuredArm]:
    """Return the arms with both practices, without one of them, and with neither."""
    return [
        measured_arm(version, practices=NAMES, off=off, backend=backend)
        for off in arms_off("factorial", NAMES, "t.j2")
    ]


def scores_of(
    arms: Sequence[MeasuredArm], shares: dict[frozenset[str], int], cases: int = 300
) -> list[list[float]]:
    rows = []
    for place, measured in enumerate(arms):
        share = shares[frozenset(measured.arm.practices)]
        rows.append([float((case * 37 + 11 * (place % 4)) % 100 < share) for case in range(cases)])
    return rows


TURNED = {
    frozenset[str](): 30,
    frozenset({"clear"}): 60,
    frozenset({"context"}): 60,
    frozenset(NAMES): 30,
}
EVEN = {
    frozenset[str](): 40,
    frozenset({"clear"}): 41,
    frozenset({"context"}): 42,
    frozenset(NAMES): 43,
}


def practices(
    arms: Sequence[MeasuredArm], shares: dict[frozenset[str], int], rule: Rule = RULE
) -> Practices:
    run = measured_run(scores_of(arms, shares), arms=arms)
    return practice_effects(join([run]), rule)


def named(found: Practices, name: str, scope: str = "model") -> PracticeEffect:
    return next(one for one in found.effects if (one.practice, one.scope) == (name, scope))


def notes(effect: PracticeEffect, code: Code) -> list[str]:
    return [note.text for note in effect.warnings if note.code is code]


def test_reference() -> None:
    cells = {
        (False, False): "10010010", (False, True): "11101101",
        (True, False): "11110110", (True, True): "00100010",
    }  # fmt: skip
    arms = square()
    rows = [
        [float(mark) for mark in cells["clear" in a.arm.practices, "context" in a.arm.practices]]
        for a in arms
    ]
    joined = join([measured_run(rows, arms=arms)]).arms
    [cross] = crossed(joined, np.ones(8, dtype=bool))
    joint = cross.joint
    assert [each.mean() for each in joint.effects["clear"]] == [0.375, -0.5]
    assert (joint.halves[1] - joint.halves[0] == joint.change / 2).all()
    sure = paired_t(joint.change)
    assert (sure.mean, sure.se, sure.p) == pytest.approx((-0.875, 0.35038244, 0.041156228))
    assert (sure.low, sure.high) == pytest.approx((-1.7035228, -0.046477175))


def test_an_effect_that_turns_is_told_and_no_equivalence() -> None:
    found = practices(square(), TURNED)
    [one] = found.interactions
    assert one.is_shown
    assert one.delta == pytest.approx(-0.6)
    assert one.ci is not None
    assert -1 < one.ci[0] < -0.6 < one.ci[1] < 0
    clear = named(found, "clear")
    assert clear.verdict == "undecided"
    assert notes(clear, Code.EFFECT_TURNS) == ["+0 on average: +30 without context, -30 with it"]
    assert notes(named(found, "context"), Code.EFFECT_TURNS) == [
        "+0 on average: +30 without clear, -30 with it"
    ]
    assert clear.ci_simultaneous is not None
    assert clear.ci_simultaneous[0] <= -0.08 or clear.ci_simultaneous[1] >= 0.08


def test_joint_effects_have_the_level_that_looks_have_left_the_effects() -> None:
    table = join([measured_run(scores_of(square(), TURNED), arms=square())])

    def again(rows: Sequence[Estimated], asked: Asked) -> list[PracticeEffect]:
        look = Look("q", "e", 0, RULE.alpha, number=2)
        looked = [replace(one.effect, look=look) for one in rows]
        return list(conclude(looked, RULE, asked.question))

    found = practice_effects(table, RULE, judging=again).interactions
    assert found == practice_effects(table, replace(RULE, alpha=0.0025)).interactions
    assert found != practice_effects(table, RULE).interactions


def test_effects_that_add_up_are_equivalent() -> None:
    found = practices(square(), EVEN, Rule(min_effect=0.1))
    assert [one.is_shown for one in found.interactions] == [False]
    assert {one.verdict for one in found.effects} == {"equivalent"}
    assert {note.code for one in found.effects for note in one.warnings} == set()


def test_an_open_joint_effect_leaves_equivalence_open() -> None:
    arms = square()
    rng = np.random.default_rng(12)  # noqa: TID251 - seeded
    cells = {"": 0.0, "clear": 0.03, "context": 0.03, "clear context": 0.0}
    rows = [
        (0.5 + cells[" ".join(a.arm.practices)] + rng.normal(0, 0.25, 140)).clip(0, 1).tolist()
        for a in arms
    ]
    found = practice_effects(join([measured_run(rows, arms=arms)]), Rule(min_effect=0.06))
    [one] = found.interactions
    assert not one.is_shown
    assert not one.within(0.12)
    clear = named(found, "clear")
    assert clear.effect.ci is not None
    assert max(map(abs, clear.effect.ci)) < 0.06
    assert clear.verdict == "undecided"
    [note] = notes(clear, Code.EFFECT_MAY_TURN)
    assert note.startswith("equivalent on average, but with context the effect may differ by -0.13")


def test_four_versions_are_a_square_too() -> None:
    arms = [
        measured_arm(name, practices=tuple(followed))
        for name, followed in zip("abcd", ((), *((n,) for n in NAMES), NAMES), strict=True)
    ]
    [one] = practices(arms, TURNED).interactions
    assert one.delta == pytest.approx(-0.6)
    assert one.effects["clear"] == pytest.approx((0.3, -0.3))


def test_an_ablation_tells_no_joint_effects() -> None:
    assert practices(square()[:3], TURNED).interactions == ()


def test_on_several_backends_each_and_all_are_told() -> None:
    arms = [*square(backend="m1"), *square(backend="m2")]
    found = practices(arms, TURNED)
    pairs = [one for one in found.interactions if one.beside is not None]
    assert [one.backend for one in pairs] == ["m1", "m2", None]
    models = [one for one in found.interactions if one.beside is None]
    assert [(one.practice, one.on) for one in models] == [("clear", ("m1",)), ("context", ("m1",))]
    assert {one.family and one.family.size for one in found.interactions} == {5}
    for scope in ("model", "these models"):
        assert notes(named(found, "clear", scope), Code.EFFECT_TURNS)


def test_a_practice_that_helps_one_model_and_harms_the_other() -> None:
    arms = [
        measured_arm(name, practices=("clear",) * (name in "bc"), backend=backend)
        for backend in ("m1", "m2")
        for name in "abc"
    ]
    shares = (40, 60, 60, 60, 40, 40)
    rows = [
        [float((case * 37 + 11 * place) % 100 < share) for case in range(300)]
        for place, share in enumerate(shares)
    ]
    found = practice_effects(join([measured_run(rows, arms=arms)]), RULE)
    [one] = found.interactions
    assert (one.beside, one.on, one.is_shown) == (None, ("m1",), True)
    assert one.effects["clear"] == pytest.approx((-0.2, 0.2))
    pooled = named(found, "clear", "these models")
    assert not pooled.is_a_pair
    assert pooled.verdict == "undecided"
    assert notes(pooled, Code.EFFECT_TURNS) == ["+0 on average: +20 on m1, -20 elsewhere"]
    assert not notes(named(found, "clear"), Code.EFFECT_TURNS)


def test_one_model_under_two_names_is_no_interaction() -> None:
    arms = [*square(backend="m1"), *square(backend="m2")]
    run = measured_run(scores_of(arms, EVEN), arms=arms)
    facts: dict[str, Json] = {name: {"kind": "echo", "model": "one"} for name in ("m1", "m2")}
    run = replace(run, info=run_info(len(run.rows), facts=facts))
    found = practice_effects(join([run]), RULE)
    assert all(one.beside is not None for one in found.interactions)


def test_a_fraction_names_what_it_cannot_tell_apart() -> None:
    names = ("a", "b", "c", "d", "e", "f", "g")
    arms = [
        measured_arm("v1", practices=names, off=off) for off in arms_off("factorial", names, "t.j2")
    ]
    rng = np.random.default_rng(1)  # noqa: TID251 - seeded
    rows = []
    for measured in arms:
        both = ("a" in measured.arm.practices) == ("b" in measured.arm.practices)
        rows.append((0.3 + 0.4 * both + rng.normal(0, 0.05, 60)).tolist())
    found = practice_effects(join([measured_run(rows, arms=arms)]), RULE)
    assert len(found.interactions) == 7
    [one] = [each for each in found.interactions if each.is_shown]
    assert (one.practice, one.beside) == ("a", "b")
    assert ("a", "b") in one.aliases
    assert one.delta == pytest.approx(0.8, abs=0.05)
    told = {
        effect.practice: notes(effect, Code.EFFECT_TURNS)
        for effect in found.effects
        if notes(effect, Code.EFFECT_TURNS)
    }
    assert set(told) == {name for pair in one.aliases for name in pair}
    other = next(name for name in told if name not in "ab")
    assert "it turns on a joint effect, a x b = " in told[other][0]


@pytest.mark.parametrize("signs", [*product((1, -1), repeat=2)])
def test_exchanging_the_names_of_cells_turns_signs_alone(signs: tuple[int, int]) -> None:
    turned = {
        frozenset(
            name
            for name, sign in zip(NAMES, signs, strict=True)
            if (name in key) == (sign > 0)
        ): share
        for key, share in {
            frozenset[str](): 30, frozenset({"clear"}): 45,
            frozenset({"context"}): 50, frozenset(NAMES): 55,
        }.items()
    }  # fmt: skip
    arms = square()
    order = [frozenset(measured.arm.practices) for measured in arms]
    rows = [
        [float((case * 37) % 100 < turned[followed]) for case in range(300)] for followed in order
    ]
    [one] = practice_effects(join([measured_run(rows, arms=arms)]), RULE).interactions
    assert one.delta == pytest.approx(-0.1 * signs[0] * signs[1])


def judged_square(
    labels: int, judge: dict[frozenset[str], int], people: dict[frozenset[str], int], **more: object
) -> Practices:
    """Return the effects by a judge, whose passport is good, with people's word on some cases."""
    arms = square()
    run = measured_run(scores_of(arms, judge), arms=arms)
    said = scores_of(arms, people)
    chosen = [case * 37 % 300 for case in range(labels)]
    told = [(arm, case, said[arm][case]) for arm in range(4) for case in chosen]
    scorer = replace(run.scorer, judge=True)
    passport = issued("s", scorer, [], figures((45, 2, 2, 41), (45, 2, 2, 41)), RULE.limits)
    parts: dict[str, object] = {"scorer": scorer, "passport": passport, "labels": told, **more}
    return practice_effects(join([replace(run, **parts)]), RULE)  # type: ignore[arg-type]


def told_of(one: Interaction) -> list[str]:
    return [reason.code.value for reason in (*one.reasons, *one.notes)]


def test_people_correct_a_joint_effect_that_a_judge_makes_up() -> None:
    """The judge sees an effect that turns; people see none of it on the same answers."""
    [raw] = judged_square(0, TURNED, EVEN).interactions
    assert (raw.is_shown, told_of(raw)) == (True, ["judge-uncorrected"])
    [one] = judged_square(300, TURNED, EVEN).interactions
    assert (one.is_shown, one.method) == (False, "ppi++")
    assert "judge-corrected" in told_of(one)
    assert one.delta == pytest.approx(0.0, abs=0.011)
    for without, with_it in one.effects.values():
        assert with_it - without == pytest.approx(one.delta)
    [few] = judged_square(24, TURNED, EVEN).interactions
    assert few.method == raw.method


def test_people_find_a_joint_effect_that_a_judge_does_not_see() -> None:
    found = judged_square(200, EVEN, TURNED)
    [one] = found.interactions
    assert one.is_shown
    assert one.delta == pytest.approx(-0.6, abs=0.05)
    assert one.ci is not None
    assert one.ci[1] < 0
    assert "on average: +3" in " ".join(notes(named(found, "clear"), Code.EFFECT_TURNS))


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"passport": None}, "judge-unchecked"),
        ({"passport": None, "stale": True}, "judge-stale"),
    ],
)
def test_an_unbelieved_judge_shows_no_joint_effect(more: dict[str, object], code: str) -> None:
    found = judged_square(0, TURNED, EVEN, **more)
    [one] = found.interactions
    assert (one.is_shown, one.ci, one.p_family, told_of(one)) == (False, None, None, [code])
    assert {effect.verdict for effect in found.effects} == {"refused"}
    assert notes(named(found, "clear"), Code.EFFECT_TURNS) == []


def test_a_judge_that_moved_by_more_shows_no_joint_effect() -> None:
    [one] = judged_square(0, TURNED, EVEN, moved=-0.5).interactions
    assert (one.is_shown, told_of(one)[0]) == (False, "judge-moved")
    [one] = judged_square(0, TURNED, EVEN, moved=-0.1).interactions
    assert one.is_shown


def test_errors_shown_equal_correct_a_joint_effect_too() -> None:
    """J = .8: the judge sees four fifths of a change."""
    scorer = replace(measured_run(scores_of(square(), TURNED), arms=square()).scorer, judge=True)
    even = figures((450, 50, 50, 450), (450, 50, 50, 450))
    passport = issued("s", scorer, [], even, RULE.limits)
    [one] = judged_square(0, TURNED, EVEN, passport=passport).interactions
    assert (one.is_shown, one.method) == (True, "rogan-gladen")
    assert one.delta == pytest.approx(-0.6 / 0.8)
    assert one.effects["clear"] == pytest.approx((0.3 / 0.8, -0.3 / 0.8))
