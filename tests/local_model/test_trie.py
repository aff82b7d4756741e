from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.local_model.batching.trie import Leaf, Span, Thrift, Tree, grow

PROMPTS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=12), min_size=1, max_size=12)
THRIFTS = st.builds(Thrift, st.integers(1, 6), st.integers(1, 12))


def spelt(tree: Tree, prompts: list[list[int]]) -> list[list[int]]:
    """Put every prompt together from its spans and its own tokens."""
    whole: list[list[int]] = [[] for _ in prompts]
    for leaf in tree.leaves:
        for index in tree.path(leaf.parent):
            span = tree.spans[index]
            assert span.start == len(whole[leaf.row])
            whole[leaf.row] += prompts[span.row][span.start : span.end]
        assert leaf.start == len(whole[leaf.row]) < len(prompts[leaf.row])
        whole[leaf.row] += prompts[leaf.row][leaf.start :]
    return whole


@given(PROMPTS, THRIFTS)
def test_spans_and_leaves_spell_the_prompts(prompts: list[list[int]], thrift: Thrift) -> None:
    tree = grow(prompts, thrift)
    assert spelt(tree, prompts) == prompts
    assert sorted(leaf.row for leaf in tree.leaves) == list(range(len(prompts)))


@given(PROMPTS, THRIFTS, st.integers(1, 12))
def test_as_many_last_tokens_as_asked_are_a_prompts_own(
    prompts: list[list[int]], thrift: Thrift, most: int
) -> None:
    own = [min(most, len(prompt)) for prompt in prompts]
    tree = grow(prompts, thrift, own)
    assert spelt(tree, prompts) == prompts
    for leaf in tree.leaves:
        assert leaf.start <= len(prompts[leaf.row]) - own[leaf.row]


@given(PROMPTS, THRIFTS)
def test_every_span_saves_what_is_asked(prompts: list[list[int]], thrift: Thrift) -> None:
    tree = grow(prompts, thrift)
    for index, span in enumerate(tree.spans):
        below = sum(index in tree.path(leaf.parent) for leaf in tree.leaves)
        assert below == span.rows
        assert (span.rows - 1) * (span.end - span.start) >= thrift.reading
        assert span.parent is None or span.parent < index


@given(PROMPTS)
def test_with_no_least_saving_no_token_is_read_twice(prompts: list[list[int]]) -> None:
    tree = grow(prompts, Thrift(1, 1))
    read = sum(span.end - span.start for span in tree.spans)
    read += sum(len(prompts[leaf.row]) - leaf.start for leaf in tree.leaves)
    beginnings = {tuple(ids[:end]) for ids in prompts for end in range(1, len(ids))}
    assert read == len(beginnings) + len(prompts)  # the last token of each is its own


@given(PROMPTS, THRIFTS)
def test_prompts_below_a_span_are_neighbours(prompts: list[list[int]], thrift: Thrift) -> None:
    tree = grow(prompts, thrift)
    for index in range(len(tree.spans)):
        places = [n for n, leaf in enumerate(tree.leaves) if index in tree.path(leaf.parent)]
        assert places == list(range(places[0], places[-1] + 1))


@given(PROMPTS, THRIFTS)
def test_a_lead_is_what_copied_spans_above_have(prompts: list[list[int]], thrift: Thrift) -> None:
    tree = grow(prompts, thrift)
    everything: list[Span | Leaf] = [*tree.spans, *tree.leaves]
    for each in everything:
        expected = 0
        for index in reversed(tree.path(each.parent)):
            span = tree.spans[index]
            if not span.copied:
                break
            expected += span.end - span.start
        assert each.lead == expected


def test_a_large_span_is_attended_to_and_a_small_one_copied() -> None:
    common = list(range(100))
    prompts = [[*common, 200 + row // 2, 7, 7, row] for row in range(8)]
    tree = grow(prompts, Thrift(2, 50))
    large, *small = tree.spans
    assert (large.start, large.end, large.rows, large.copied) == (0, 100, 8, False)
    assert [(s.start, s.end, s.rows, s.lead) for s in small] == [(100, 103, 2, 0)] * 4
    assert all(span.copied for span in small)
    assert {leaf.lead for leaf in tree.leaves} == {3}


def test_the_longest_comes_first() -> None:
    prompts = [[1, 2], [1, 2, 3, 4, 5], [9, 9, 9], [1, 2, 3, 4, 5, 6, 7]]
    assert [leaf.row for leaf in grow(prompts, Thrift(2, 1)).leaves] == [3, 1, 0, 2]


@pytest.mark.slow
def test_a_deep_conversation_is_no_matter() -> None:
    prompts = [list(range(size)) for size in range(1, 1500)]
    tree = grow(prompts, Thrift(1, 1))
    assert len(tree.spans) == 1497
    assert len(tree.path(tree.leaves[0].parent)) == 1497
