"""A part of a suite's cases, drawn by the seed: the first ones of a file are no sample of it."""

from __future__ import annotations

from collections.abc import Sequence

from promptlab.core.digest import seed_from
from promptlab.core.groups import drawn_as, places_by_group
from promptlab.core.types import Case


def groups_drawn(cases: Sequence[Case], purpose: str, seed: int) -> list[list[int]]:
    """Return the places of the cases, group by group, in a random order of the groups.

    It depends on the names of the groups, the purpose and the seed alone: more cases, or the same
    ones in another order, leave the order of the others as it was.
    """
    groups = places_by_group(cases)

    def draw(group: str) -> tuple[int, str, str]:
        name = drawn_as(cases[groups[group][0]])
        return seed_from(purpose, seed, name), name, group

    return [groups[group] for group in sorted(groups, key=draw)]


def shuffled(cases: Sequence[Case], seed: int) -> tuple[Case, ...]:
    """Put cases in a random order that depends only on the seed; a group stays together."""
    return tuple(cases[place] for group in groups_drawn(cases, "order", seed) for place in group)


def sampled(cases: Sequence[Case], most: int, seed: int) -> tuple[Case, ...]:
    """Draw whole groups, up to `most` cases in all, and return these in the order of their file.

    A larger sample holds every smaller one of the same seed, so that stored answers serve again. A
    first group that is larger than `most` is taken all the same: a part of a group is no sample.
    """
    kept: list[int] = []
    for group in groups_drawn(cases, "sample", seed):
        if kept and len(kept) + len(group) > most:
            break
        kept += group
    return tuple(cases[place] for place in sorted(kept))


def told(cases: int, of: int, seed: int) -> str:
    """Return that these cases are a sample, in the words of every verb."""
    return f"a sample of {cases:,} of {of:,} cases (seed {seed})"
