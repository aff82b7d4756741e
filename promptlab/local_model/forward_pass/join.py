"""Let tokens attend to neighbouring spans at once, where that costs less than one after another.

Every part of its own is an operation, and a pass over the outputs of all its tokens to merge what
it gives. Below a short span it is cheaper to copy its columns before those of the next. Knows
parts; nothing of models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from promptlab.local_model.forward_pass.step import Part

# A column that is copied moves keys and values twice, and a merge moves each output some times as
# often: so many columns cost as much as a token's merge, where each head of keys has one query.
_COLUMNS = 2


def joined(parts: Sequence[Part]) -> list[Part]:
    """Return parts by which each token attends to the same columns.

    Args:
        parts: Each after those that stand above it; their tokens lie within those of the former.
    """
    done: list[Part] = []
    todo = list(parts)
    while todo:
        part = todo.pop(0)
        below = [
            index
            for index, other in enumerate(todo)
            if part.first <= other.first and other.last <= part.last and other.start == part.stop
        ]
        rest = _rest(part, [todo[index] for index in below])
        copies = len(below) * (part.stop - part.start)
        tokens = sum(todo[index].last - todo[index].first for index in below)
        if not below or len(rest) > 1 or copies > _COLUMNS * tokens:
            done.append(part)
            continue
        for index in below:
            todo[index] = replace(todo[index], above=(*part.above, replace(part, above=())))
        done += rest
    return done


def _rest(part: Part, below: Sequence[Part]) -> list[Part]:
    """Return the part for those of its tokens that none of the others is for."""
    rest = []
    at = part.first
    for other in sorted(below, key=lambda each: each.first):
        if at < other.first:
            rest.append(replace(part, first=at, last=other.first))
        at = other.last
    if at < part.last:
        rest.append(replace(part, first=at))
    return rest
