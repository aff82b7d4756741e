"""The answers already known: those in the store, and those on their way into it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from promptlab.core.types import Completion

Stored = Callable[[Sequence[str]], Mapping[str, Completion]]
"""Looks answers up, by the keys of their requests."""

_FIRST = 32  # answers that are looked up together before anything is known of their length
_BYTES = 8_000_000  # of answers that are looked up together


class Portion:
    """How many answers to look up together, so that they are not too long for memory."""

    def __init__(self, most: int) -> None:
        self.size = min(_FIRST, most)
        self._most = most

    def learn(self, found: Iterable[Completion]) -> None:
        """Choose the next size by the answers that were just found."""
        sizes = [len(completion.text) for completion in found]
        fitting = _BYTES * len(sizes) // max(sum(sizes), 1) if sizes else self._most
        self.size = max(1, min(self._most, 2 * self.size, fitting))


class Answers:
    """Finds answers by the keys of their requests."""

    def __init__(self, stored: Stored, unstored: Stored) -> None:
        """`stored` are in the store, `unstored` on their way into it."""
        self._stored = stored
        self._unstored = unstored

    def find(self, keys: Sequence[str]) -> Mapping[str, Completion]:
        """Return those of the requested answers that are known."""
        unstored = self._unstored(keys)  # first: what is stored in between is then found twice
        return {**self._stored(keys), **unstored}
