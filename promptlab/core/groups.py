"""Which group a case is in: the one answer for draws, evidence and counts.

Cases of one group are no independent evidence for one another. A case without a group is one by
itself, and never in another's, even where that one is called as the case is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class Grouped(Protocol):
    """A case, as far as its group is concerned."""

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
    """Return what tells a case's group from all others. The store's `GROUP` does so in SQL."""
    return f"case:{case.digest}" if case.group is None else f"group:{case.group}"


def places_by_group(cases: Iterable[Grouped]) -> dict[str, list[int]]:
    """Return where the cases of each group stand, the groups in the order of their first case."""
    found: dict[str, list[int]] = {}
    for place, case in enumerate(cases):
        found.setdefault(group_of(case), []).append(place)
    return found


def drawn_as(case: Grouped) -> str:
    """Return the name under which the group of a case draws a number from a seed.

    It is no more than that: two groups of one name draw the same number and are still two. Drawing
    by anything else would move cases of suites that were run before.
    """
    return case.id if case.group is None else case.group
