from __future__ import annotations

from promptlab.core.groups import drawn_as, group_of, places_by_group
from promptlab.core.measured import MeasuredCase
from promptlab.core.types import Case

NAMED = Case("a", {}, None, (), "g", "b2:1")
ALONE = Case("g", {}, None, (), None, "b2:2")


def test_a_case_is_in_the_group_that_it_names() -> None:
    assert group_of(NAMED) == group_of(MeasuredCase("b", "g", "b2:3"))
    assert group_of(NAMED) != group_of(MeasuredCase("a", "h", "b2:1"))


def test_a_case_without_a_group_is_in_none_but_its_own() -> None:
    assert group_of(ALONE) == group_of(MeasuredCase("g", None, "b2:2"))
    assert group_of(ALONE) != group_of(NAMED)  # though its id is the group's name
    assert group_of(ALONE) != group_of(MeasuredCase("x", group_of(ALONE), "b2:3"))


def test_groups_stand_in_the_order_of_their_first_case() -> None:
    other = Case("b", {}, None, (), "g", "b2:3")
    assert list(places_by_group([NAMED, ALONE, other]).values()) == [[0, 2], [1]]


def test_a_group_draws_by_its_name_and_a_case_alone_by_its_id() -> None:
    assert (drawn_as(NAMED), drawn_as(ALONE)) == ("g", "g")
