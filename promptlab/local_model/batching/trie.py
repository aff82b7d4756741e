"""What prompts have in common: the tree of their shared prefixes, and the order to answer in.

A span is a run of tokens that several prompts share at the same position, so that a model needs to
read it only once. Knows token ids and counts, but not models, memory or time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Thrift:
    """When sharing pays, in tokens.

    A span is shared if that saves at least `reading` tokens of prefill. It is attended to in one
    place if copies of it in everything below would make every step read at least `copying` more
    tokens; below that, copies are cheaper than a separate operation.
    """

    reading: int = 16
    copying: int = 1024


@dataclass(frozen=True, slots=True)
class Span:
    """Tokens `start` to `end` of the `rows` prompts below it; `row` is one of these.

    `parent` is the index of the span before it in the tree. If `copied`, each child keeps a copy
    of it; `lead` counts the tokens directly before `start` of which it has a copy itself.
    """

    parent: int | None
    start: int
    end: int
    row: int
    rows: int
    copied: bool = False
    lead: int = 0


@dataclass(frozen=True, slots=True)
class Leaf:
    """The tokens of one prompt alone: everything from `start` on, and copies of `lead` tokens."""

    row: int
    parent: int | None
    start: int
    lead: int


@dataclass(frozen=True, slots=True)
class Tree:
    """The spans, each after its parent, and the prompts, depth first, longest first."""

    spans: tuple[Span, ...]
    leaves: tuple[Leaf, ...]

    def path(self, parent: int | None) -> list[int]:
        """Return the spans down to and including `parent`, outermost first."""
        path = []
        while parent is not None:
            path.append(parent)
            parent = self.spans[parent].parent
        return path[::-1]


def grow(
    prompts: Sequence[Sequence[int]], thrift: Thrift, own: Sequence[int] | None = None
) -> Tree:
    """Find the spans that are worth sharing.

    The last `own` tokens of a prompt, by default one, are never shared: the logits after each of
    them are needed.
    """
    tokens = [
        np.asarray(ids[: len(ids) - last], np.uint32)
        for ids, last in zip(prompts, own or [1] * len(prompts), strict=True)
    ]
    order = sorted(range(len(tokens)), key=lambda row: spelt(tokens[row]))
    shared = _spans(_intervals(_common([tokens[row] for row in order])), order, thrift)
    parents = _deepest(shared, order)
    spans = _with_copies([span for span, _, _ in shared], parents, thrift)
    return Tree(tuple(spans), tuple(_depth_first(spans, parents, [len(ids) for ids in prompts])))


def spelt(tokens: Tokens) -> bytes:
    """Return tokens as bytes that sort as they do."""
    return tokens.astype(">u4").tobytes()


def _common(ordered: Sequence[Tokens]) -> list[int]:
    """Return the length of the prefix that each prompt shares with the one sorted before it."""
    return [0, *(common(a, b) for a, b in pairwise(ordered))]


def common(a: Tokens, b: Tokens) -> int:
    """Return the length of the common prefix of two texts."""
    size = min(len(a), len(b))
    unlike = a[:size] != b[:size]
    return int(unlike.argmax()) if unlike.any() else size


def _intervals(common: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return (first, stop, end): sorted prompts first..stop share their first `end` tokens.

    Outer intervals come before those they contain.
    """
    intervals: list[tuple[int, int, int]] = []
    open_: list[tuple[int, int]] = []
    for place in range(1, len(common) + 1):
        shared = common[place] if place < len(common) else 0
        first = place - 1
        while open_ and open_[-1][0] > shared:
            end, first = open_.pop()
            intervals.append((first, place, end))
        if shared and (not open_ or open_[-1][0] < shared):
            open_.append((shared, first))
    return sorted(intervals, key=lambda interval: (interval[0], -interval[1]))


def _spans(
    intervals: Sequence[tuple[int, int, int]], order: Sequence[int], thrift: Thrift
) -> list[tuple[Span, int, int]]:
    """Return the intervals that save enough as spans, each with its first and stop."""
    spans: list[tuple[Span, int, int]] = []
    around: list[int] = []
    for first, stop, end in intervals:
        while around and spans[around[-1]][2] <= first:
            around.pop()
        parent = around[-1] if around else None
        start = spans[parent][0].end if parent is not None else 0
        rows = stop - first
        if (rows - 1) * (end - start) < thrift.reading:
            continue
        around.append(len(spans))
        spans.append((Span(parent, start, end, order[first], rows), first, stop))
    return spans


def _deepest(spans: Sequence[tuple[Span, int, int]], order: Sequence[int]) -> list[int | None]:
    """Return the innermost span of each prompt."""
    at: list[int | None] = [None] * len(order)
    for index, (_, first, stop) in enumerate(spans):
        at[first:stop] = [index] * (stop - first)
    parents: list[int | None] = [None] * len(order)
    for place, row in enumerate(order):
        parents[row] = at[place]
    return parents


def _with_copies(
    spans: Sequence[Span], parents: Sequence[int | None], thrift: Thrift
) -> list[Span]:
    """Decide from the top down which spans to copy into everything that follows."""
    done: list[Span] = []
    for span, holders in zip(spans, _holders(spans, parents, thrift), strict=True):
        lead = _lead(done, span.parent)
        copied = (holders - 1) * (lead + span.end - span.start) < thrift.copying
        done.append(replace(span, lead=lead, copied=copied))
    return done


def _holders(spans: Sequence[Span], parents: Sequence[int | None], thrift: Thrift) -> list[int]:
    """Count for each span the holders of a copy, if everything above it were copied as well."""
    holders = [0] * len(spans)
    for parent in parents:
        if parent is not None:
            holders[parent] += 1
    for index in reversed(range(len(spans))):
        parent = spans[index].parent
        if parent is not None:
            hands_on = (holders[index] - 1) * spans[index].end < thrift.copying
            holders[parent] += holders[index] if hands_on else 1
    return holders


def _lead(spans: Sequence[Span], parent: int | None) -> int:
    if parent is None or not spans[parent].copied:
        return 0
    above = spans[parent]
    return above.lead + above.end - above.start


def _depth_first(
    spans: Sequence[Span], parents: Sequence[int | None], lengths: Sequence[int]
) -> list[Leaf]:
    """Order the prompts so that those that share most are adjacent, longest first."""
    below: dict[int | None, list[tuple[int, int, int]]] = {}
    longest = [0] * len(spans)
    for row, parent in enumerate(parents):
        below.setdefault(parent, []).append((lengths[row], 0, row))
        while parent is not None:
            longest[parent] = max(longest[parent], lengths[row])
            parent = spans[parent].parent
    for index, span in enumerate(spans):
        below.setdefault(span.parent, []).append((longest[index], 1, index))
    leaves: list[Leaf] = []
    todo = sorted(below.get(None, []))
    while todo:
        _, is_span, index = todo.pop()
        if is_span:
            todo += sorted(below[index])
            continue
        parent = parents[index]
        start = spans[parent].end if parent is not None else 0
        leaves.append(Leaf(index, parent, start, _lead(spans, parent)))
    return leaves
