from __future__ import annotations

from collections.abc import Sequence

import torch
from hypothesis import given
from hypothesis import strategies as st

from promptlab.local_model.batching.trie import Thrift, grow
from promptlab.local_model.forward_pass.join import joined
from promptlab.local_model.forward_pass.kv import Geometry, Layer, Store
from promptlab.local_model.forward_pass.step import Part

GEOMETRY = Geometry((Layer(1, 2, 2),), torch.float32, torch.device("cpu"))
PROMPTS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=12), min_size=1, max_size=12)


def part(first: int, last: int, position: int, columns: int) -> Part:
    return Part(first, last, Store(GEOMETRY, 1, columns), 0, 0, columns, position)


def parts_of(prompts: list[list[int]], tokens: int) -> list[Part]:
    """Return a part for each span of the prompts, of which each has so many tokens of its own."""
    tree = grow(prompts, Thrift(1, 1))
    below: dict[int, list[int]] = {}
    for rank, leaf in enumerate(tree.leaves):
        for index in tree.path(leaf.parent):
            below.setdefault(index, []).append(rank)
    return [
        part(ranks[0] * tokens, (ranks[-1] + 1) * tokens, span.start, span.end - span.start)
        for index, span in enumerate(tree.spans)
        for ranks in [below[index]]
    ]


def seen(parts: Sequence[Part], token: int) -> list[tuple[int, int]]:
    """Return what a token attends to: where columns stand, and of which store."""
    return sorted(
        (each.position, id(each.store))
        for whole in parts
        for each in (*whole.above, whole)
        if whole.first <= token < whole.last
    )


@given(PROMPTS, st.integers(1, 8))
def test_each_token_attends_to_the_same_columns(prompts: list[list[int]], tokens: int) -> None:
    parts = parts_of(prompts, tokens)
    fewer = joined(parts)
    for token in range(len(prompts) * tokens):
        assert seen(fewer, token) == seen(parts, token)
    for whole in fewer:
        ends = [each.stop for each in whole.above]
        assert ends == [each.position for each in (*whole.above, whole)][1:]


def test_short_spans_are_joined_to_the_next() -> None:
    fewer = joined([part(0, 30, 0, 4), part(0, 20, 4, 5), part(0, 20, 9, 1), part(20, 30, 4, 2)])
    assert sorted((each.first, each.last, each.start, each.stop) for each in fewer) == [
        (0, 20, 0, 10),
        (20, 30, 0, 6),
    ]
    keys, values = fewer[0].columns(0)
    assert keys.shape == values.shape == (1, fewer[0].stop, 2)


def test_what_is_left_of_the_tokens_attends_alone() -> None:
    fewer = joined([part(0, 30, 0, 4), part(10, 30, 4, 5)])
    assert sorted((each.first, each.last, each.start, each.stop) for each in fewer) == [
        (0, 10, 0, 4),
        (10, 30, 0, 9),
    ]


def test_a_long_span_is_not_copied_for_few_tokens() -> None:
    parts = [part(0, 30, 0, 400), part(0, 30, 400, 5)]
    assert joined(parts) == parts
