from __future__ import annotations

from itertools import combinations
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.errors import PromptlabError
from promptlab.experiments.designs import alias_groups, arms_off, require_practices

NAMES = ("a", "b", "c", "d", "e", "f", "g")


def levels(count: int) -> list[tuple[int, ...]]:
    """Return the design as rows of +1 (on) and -1 (off)."""
    names = NAMES[:count]
    return [
        tuple(-1 if name in off else 1 for name in names)
        for off in arms_off("factorial", names, "t.j2")
    ]


def product_of(rows: list[tuple[int, ...]], columns: tuple[int, ...]) -> int:
    """Return the sum over rows of the product of columns: 0 means orthogonal, +-rows aliased."""
    return sum(prod(row[column] for column in columns) for row in rows)


def test_versions_run_as_they_stand() -> None:
    assert arms_off("versions", (), "t.j2") == [()]
    assert arms_off("versions", ("a",), "t.j2") == [()]


def test_ablation_takes_each_practice_away() -> None:
    assert arms_off("ablation", ("a", "b"), "t.j2") == [(), ("a",), ("b",)]


@given(st.integers(1, 4))
def test_up_to_four_practices_meet_in_all_combinations(count: int) -> None:
    assert len(levels(count)) == 2**count
    assert len(set(levels(count))) == 2**count


@pytest.mark.parametrize("count", [5, 6, 7])
def test_more_practices_meet_in_sixteen_different_arms(count: int) -> None:
    assert len(levels(count)) == len(set(levels(count))) == 16


@given(st.integers(1, 7))
def test_the_whole_template_is_the_first_arm(count: int) -> None:
    assert arms_off("factorial", NAMES[:count], "t.j2")[0] == ()


@given(st.integers(1, 7))
def test_main_effects_are_balanced_and_orthogonal(count: int) -> None:
    rows = levels(count)
    assert all(product_of(rows, (column,)) == 0 for column in range(count))
    assert all(product_of(rows, pair) == 0 for pair in combinations(range(count), 2))


@given(st.integers(3, 7))
def test_no_main_effect_is_aliased_with_an_interaction_of_two(count: int) -> None:
    rows = levels(count)
    assert all(product_of(rows, three) == 0 for three in combinations(range(count), 3))


def test_with_five_practices_interactions_of_two_are_clear_of_one_another() -> None:
    rows = levels(5)
    assert all(product_of(rows, four) == 0 for four in combinations(range(5), 4))


def test_seven_practices_confound_pairs_as_published() -> None:
    confounded = [
        [(a + b).upper() for a, b in group]
        for group in alias_groups(arms_off("factorial", NAMES, "t.j2"))
    ]
    assert confounded == [
        ["AB", "CE", "FG"],
        ["AC", "BE", "DG"],
        ["AD", "CG", "EF"],
        ["AE", "BC", "DF"],
        ["AF", "BG", "DE"],
        ["AG", "BF", "CD"],
        ["BD", "CF", "EG"],
    ]


@pytest.mark.parametrize("count", range(1, 6))
def test_up_to_five_practices_confound_no_pairs(count: int) -> None:
    assert alias_groups(arms_off("factorial", NAMES[:count], "t.j2")) == []


@pytest.mark.parametrize("design", ["ablation", "factorial"])
def test_a_template_without_marked_practices_runs_beside_others(design: str) -> None:
    assert arms_off(design, (), "t.j2") == [()]
    require_practices(design, [(), ("a",)], "s.yaml")
    require_practices("versions", [()], "s.yaml")
    with pytest.raises(PromptlabError) as caught:
        require_practices(design, [(), ()], "s.yaml:3: design")
    assert str(caught.value) == (
        f"s.yaml:3: design: design {design} needs marked practices, but no template marks any "
        '(mark them: {% practice "context" %} ... {% endpractice %})'
    )


def test_too_many_practices_are_reported() -> None:
    with pytest.raises(PromptlabError, match="takes at most 7 practices, not 8") as caught:
        arms_off("factorial", (*NAMES, "h"), "t.j2")
    assert caught.value.hint == "use design: ablation, or merge practices that belong together"
