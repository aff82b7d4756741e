"""Keys and values that outlive their prompts, as later prompts may begin with the same tokens.

A template's prefix serves the next batch, and a conversation's first turn begins its second. An
entry holds the columns of some tokens and is keyed by all the tokens before them. The least
recently used entry goes first when the limit is reached. Knows tokens and stores, not prompts.

Tokens of a single prompt, or common to few prompts, are rare: such entries together get a small
part of the limit, or all of it if the prompts are known to be followed by others.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from promptlab.local_model.batching.trie import Tokens, common, spelt
from promptlab.local_model.forward_pass.kv import Store

_SMALL = 8  # the part of the limit that rare entries may take


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    before: bytes
    tokens: Tokens
    store: Store
    first: int
    rare: bool

    @property
    def spelt(self) -> bytes:
        return spelt(self.tokens)


class Kept:
    """Entries of at most `limit` bytes in total."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0
        self._most_rare = limit // _SMALL
        self._rare = 0  # bytes of rare entries
        self._new_rare = 0  # of those since the last call
        self._recent: OrderedDict[_Entry, None] = OrderedDict()
        self._after: dict[bytes, list[_Entry]] = {}  # sorted by what they spell

    @property
    def bytes(self) -> int:
        """Return the bytes of all entries."""
        return self._bytes

    def clear(self) -> None:
        """Drop every entry."""
        self._recent.clear()
        self._after.clear()
        self._bytes = self._rare = self._new_rare = 0

    def begin(self, *, followed: bool = False) -> None:
        """Start a call whose prompts are or are not to be followed by others.

        Its rare entries may replace earlier calls' but not one another: if each pushed out an
        earlier one, none would be left for the first of the next prompts.
        """
        self._new_rare = 0
        self._most_rare = self._limit if followed else self._limit // _SMALL

    def takes(self, size: int) -> bool:
        """Return whether a rare entry of this size would be kept."""
        return size > 0 and self._new_rare + size <= self._most_rare

    def known(self, ids: Sequence[int]) -> int:
        """Return how many of the first tokens have keys and values."""
        return sum(size for _, size in self._walk(np.asarray(ids, np.uint32)))

    def read(
        self, ids: Sequence[int], span: tuple[int, int], store: Store, to: tuple[int, int]
    ) -> None:
        """Copy what is kept of a prompt's tokens `span` to a row of a store, from a column on."""
        begin, end = span
        row, column = to
        at = 0
        for entry, size in self._walk(np.asarray(ids, np.uint32)):
            first, stop = max(at, begin), min(at + size, end)
            if first < stop:
                offset = entry.first - at
                store.copy(
                    entry.store, (0, row), (first + offset, stop + offset), column + first - begin
                )
            at += size

    def put(
        self, ids: Sequence[int], start: int, store: Store, first: int, *, rare: bool = False
    ) -> None:
        """Keep a one-row store whose columns from `first` on hold `ids` from `start` on."""
        fits = self.takes(store.bytes) if rare else 0 < store.bytes <= self._limit
        if not fits or self.known(ids) >= len(ids):
            return
        tokens = np.asarray(ids, np.uint32)
        entry = _Entry(_digest(tokens[:start]), tokens[start:].copy(), store, first, rare)
        insort(self._after.setdefault(entry.before, []), entry, key=lambda entry: entry.spelt)
        self._recent[entry] = None
        self._bytes += store.bytes
        if rare:
            self._rare += store.bytes
            self._new_rare += store.bytes
        while self._rare > self._most_rare:
            self._drop(next(entry for entry in self._recent if entry.rare))
        while self._bytes > self._limit:
            self._drop(next(iter(self._recent)))

    def _drop(self, entry: _Entry) -> None:
        del self._recent[entry]
        self._bytes -= entry.store.bytes
        self._rare -= entry.store.bytes if entry.rare else 0
        alike = self._after[entry.before]
        alike.remove(entry)
        if not alike:
            del self._after[entry.before]

    def _walk(self, tokens: Tokens) -> Iterator[tuple[_Entry, int]]:
        """Yield the entries that spell the first tokens, each with how many of its tokens do."""
        at = 0
        while at < len(tokens) and (alike := self._after.get(_digest(tokens[:at]))):
            rest = tokens[at:]
            place = bisect_left(alike, spelt(rest), key=lambda entry: entry.spelt)
            near = alike[max(0, place - 1) : place + 1]  # none shares more than its neighbours
            size, entry = max(
                ((common(entry.tokens, rest), entry) for entry in near), key=lambda pair: pair[0]
            )
            if not size:
                return
            self._recent.move_to_end(entry)
            yield entry, size
            at += size


def _digest(tokens: Tokens) -> bytes:
    return hashlib.blake2b(tokens.tobytes(), digest_size=16).digest()
