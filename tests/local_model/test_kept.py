from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from promptlab.local_model.batching.kept import Kept
from promptlab.local_model.forward_pass.kv import Geometry, Layer, Store

GEOMETRY = Geometry((Layer(1, 2, 2), Layer(1, 2, 3)), torch.float32, torch.device("cpu"))


def columns(ids: Sequence[int]) -> Store:
    """Return a store that holds each token's id as its key and value."""
    store = Store(GEOMETRY, 1, len(ids))
    for tensor in (*store.keys, *store.values):
        tensor[0, 0] = torch.tensor(ids, dtype=torch.float32)[:, None]
    return store


@pytest.fixture
def kept() -> Kept:
    kept = Kept(100 * GEOMETRY.token_bytes)
    kept.put([1, 2, 3, 4], 0, columns([1, 2, 3, 4]), 0)
    kept.put([1, 2, 3, 4, 5, 6], 4, columns([0, 0, 5, 6]), 2)
    return kept


def test_it_knows_the_first_tokens_of_what_it_was_given(kept: Kept) -> None:
    assert kept.known([1, 2, 3, 4, 5, 6, 7]) == 6
    assert kept.known([1, 2, 3, 9]) == 3
    assert kept.known([1, 2, 3, 4, 6]) == 4
    assert kept.known([2, 3, 4]) == 0
    assert kept.known([]) == 0


def test_it_goes_on_where_an_entry_is_left_early(kept: Kept) -> None:
    kept.put([1, 2, 8, 9], 2, columns([8, 9]), 0)
    assert kept.known([1, 2, 8, 9]) == 4


def test_it_copies_the_columns_asked_for(kept: Kept) -> None:
    store = Store(GEOMETRY, 2, 10)
    kept.read([1, 2, 3, 4, 5, 6, 7], (2, 6), store, (1, 5))
    for tensor in (*store.keys, *store.values):
        assert tensor[1, 0, :, 0].tolist() == [0, 0, 0, 0, 0, 3, 4, 5, 6, 0]
        assert not tensor[0].any()


def test_what_is_known_is_not_kept_twice(kept: Kept) -> None:
    before = kept.bytes
    kept.put([1, 2, 3], 0, columns([1, 2, 3]), 0)
    assert kept.bytes == before


def test_what_was_not_used_for_longest_goes_first() -> None:
    kept = Kept(6 * GEOMETRY.token_bytes)
    for first in (10, 20, 30):
        kept.put([first, 1], 0, columns([first, 1]), 0)
    assert kept.known([10, 1]) == 2  # used
    kept.put([40, 1], 0, columns([40, 1]), 0)
    assert [kept.known([first, 1]) for first in (10, 20, 30, 40)] == [2, 0, 2, 2]
    assert kept.bytes == 6 * GEOMETRY.token_bytes


def test_what_is_too_large_is_not_kept(kept: Kept) -> None:
    assert not kept.takes(101 * GEOMETRY.token_bytes)
    assert not kept.takes(0)
    assert not Kept(0).takes(1)
    small = Kept(GEOMETRY.token_bytes)
    small.put([1, 2], 0, columns([1, 2]), 0)
    assert (small.bytes, small.known([1, 2])) == (0, 0)


def keep_rare(kept: Kept, ids: Sequence[int]) -> None:
    kept.put(ids, 0, columns(ids), 0, rare=True)


def test_rare_entries_share_a_small_part_of_the_limit() -> None:
    kept = Kept(40 * GEOMETRY.token_bytes)
    for first in (10, 20, 30, 40):
        keep_rare(kept, [first, 1])
    # Those that came first stay: each may have a next turn.
    assert [kept.known([first, 1]) for first in (10, 20, 30, 40)] == [2, 2, 0, 0]
    assert not kept.takes(2 * GEOMETRY.token_bytes)


def test_new_rare_entries_replace_those_of_earlier_calls() -> None:
    kept = Kept(40 * GEOMETRY.token_bytes)
    for first in (10, 20, 30, 40):
        kept.begin()
        keep_rare(kept, [first, 1])
    assert [kept.known([first, 1]) for first in (10, 20, 30, 40)] == [0, 0, 2, 2]
    assert kept.bytes == 4 * GEOMETRY.token_bytes


def test_rare_entries_have_the_whole_limit_where_prompts_are_followed() -> None:
    kept = Kept(40 * GEOMETRY.token_bytes)
    kept.begin(followed=True)
    turns = [[first, *range(9)] for first in (10, 20, 30, 40, 50)]
    for turn in turns:
        keep_rare(kept, turn)
    assert [kept.known(turn) for turn in turns] == [10, 10, 10, 10, 0]
    kept.begin()
    assert not kept.takes(6 * GEOMETRY.token_bytes)


def test_cleared_it_knows_nothing(kept: Kept) -> None:
    kept.clear()
    assert (kept.bytes, kept.known([1, 2])) == (0, 0)
