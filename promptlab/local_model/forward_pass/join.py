"""Let tokens attend to adjacent spans at once, where that is cheaper than one after another.

Every separate part costs an operation, and a pass over its tokens' outputs to merge the result. For
a short span it is cheaper to copy its columns in front of those below it. Knows parts, not models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from promptlab.local_model.forward_pass.step import Part

# Copying a column moves keys and values twice; merging moves each output several times. This many
# columns cost as much as merging one token, if each key head has one query.
_COLUMNS = 2


def joined(parts: Sequence[Part]) -> list[Part]:
    """Return fewer or cheaper parts through which each token attends to the same columns.

    Args:
        parts: Each comes after the parts above it, and its tokens are among theirs.
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
    """Return the part cut down to those of its tokens that none of the parts below cover."""
    rest = []
    at = part.first
    for other in sorted(below, key=lambda part: part.first):
        if at < other.first:
            rest.append(replace(part, first=at, last=other.first))
        at = other.last
    if at < part.last:
        rest.append(replace(part, first=at))
    return rest
