"""Keys and values that outlive their prompts: the next prompts may begin with the same tokens.

A template's prefix serves the next batch, and a conversation's first turn begins its second. An
entry holds the columns of some tokens and is found by all the tokens before them. What was not
used for longest goes first when the limit is reached. Knows tokens and stores, not prompts.

What one prompt had for itself, or few prompts had in common, is rare: all such entries share a
small part of the limit, or all of it where prompts are known to be followed by others.
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
    """Entries of at most `limit` bytes together."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0
        self._most_rare = limit // _SMALL
        self._rare = 0  # bytes of rare entries
        self._new_rare = 0  # of those since the last call
        self._recent: OrderedDict[_Entry, None] = OrderedDict()
        self._after: dict[bytes, list[_Entry]] = {}  # in the order of what they spell

    @property
    def bytes(self) -> int:
        """Return what the entries take."""
        return self._bytes

    def clear(self) -> None:
        """Let go of everything."""
        self._recent.clear()
        self._after.clear()
        self._bytes = self._rare = self._new_rare = 0

    def begin(self, *, followed: bool = False) -> None:
        """Note that a call begins, whose prompts are to be followed by others or not.

        Its rare entries may take the place of those from before, but not that of one another: if
        each pushed out an earlier one, none would be left for the prompts that come next first.
        """
        self._new_rare = 0
        self._most_rare = self._limit if followed else self._limit // _SMALL

    def takes(self, size: int) -> bool:
        """Tell whether a rare entry of so many bytes would be kept."""
        return size > 0 and self._new_rare + size <= self._most_rare

    def known(self, ids: Sequence[int]) -> int:
        """Return of how many first tokens there are keys and values."""
        return sum(size for _, size in self._walk(np.asarray(ids, np.uint32)))

    def read(
        self, ids: Sequence[int], span: tuple[int, int], store: Store, to: tuple[int, int]
    ) -> None:
        """Copy what is known of tokens `span` of a prompt to a store, from a row and column on."""
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
        """Keep the columns from `first` on of a store of one row: tokens `start` on of `ids`."""
        fits = self.takes(store.bytes) if rare else 0 < store.bytes <= self._limit
        if not fits or self.known(ids) >= len(ids):
            return
        tokens = np.asarray(ids, np.uint32)
        entry = _Entry(_digest(tokens[:start]), tokens[start:].copy(), store, first, rare)
        insort(self._after.setdefault(entry.before, []), entry, key=lambda each: each.spelt)
        self._recent[entry] = None
        self._bytes += store.bytes
        if rare:
            self._rare += store.bytes
            self._new_rare += store.bytes
        while self._rare > self._most_rare:
            self._drop(next(each for each in self._recent if each.rare))
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
        """Find the entries that spell the first tokens, each with how many of its own do."""
        at = 0
        while at < len(tokens) and (alike := self._after.get(_digest(tokens[:at]))):
            rest = tokens[at:]
            place = bisect_left(alike, spelt(rest), key=lambda each: each.spelt)
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
