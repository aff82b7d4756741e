"""Which group a case is in: one definition for random draws, evidence and counts.

Cases of one group are not independent evidence. A case without a group is a group of its own, and
never part of another, even of one whose name equals the case's id.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class Grouped(Protocol):
    """What determines the group of a case."""

    @property
    def id(self) -> str:
        """Return its name, unique in a suite."""

    @property
    def group(self) -> str | None:
        """Return the name of its group, if it has one."""

    @property
    def digest(self) -> str:
        """Return the address of its content."""


def group_of(case: Grouped) -> str:
    """Return a unique key for the case's group. The store's `GROUP` does the same in SQL."""
    return f"case:{case.digest}" if case.group is None else f"group:{case.group}"


def places_by_group(cases: Iterable[Grouped]) -> dict[str, list[int]]:
    """Return the positions of each group's cases, the groups in the order of their first case."""
    places: dict[str, list[int]] = {}
    for place, case in enumerate(cases):
        places.setdefault(group_of(case), []).append(place)
    return places


def drawn_as(case: Grouped) -> str:
    """Return the name under which the group of a case draws a number from a seed.

    It is not an identity: two groups with one name draw the same number and are still two. Drawing
    by anything else would move cases in suites that were run before.
    """
    return case.id if case.group is None else case.group
