"""Cases numbered by what they share: in the order of their first case, alone or not."""

from __future__ import annotations

import pytest

from promptlab.analysis.groups import declared_groups, same_ids
from promptlab.core.measured import MeasuredCase


def _cases(*named: tuple[str, str | None]) -> list[MeasuredCase]:
    return [MeasuredCase(name, group, f"b2:{at}") for at, (name, group) in enumerate(named)]


@pytest.mark.parametrize(
    ("named", "ids", "groups"),
    [
        ([], [], []),
        ([("a", None), ("c", None), ("b", None)], [0, 1, 2], [0, 1, 2]),
        ([("a", "z"), ("c", None), ("b", "z")], [0, 1, 2], [0, 1, 0]),
        ([("a", "z"), ("b", "y"), ("a", "x")], [0, 1, 0], [0, 1, 2]),
    ],
)
def test_cases_are_numbered_in_the_order_in_which_their_names_come(
    named: list[tuple[str, str | None]], ids: list[int], groups: list[int]
) -> None:
    cases = _cases(*named)
    assert same_ids(cases).tolist() == ids
    assert declared_groups(cases).tolist() == groups
