"""The answers already known: those in the store, and those on their way into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from promptlab.core.types import Completion

Stored = Callable[[Sequence[str]], Mapping[str, Completion]]
"""Looks answers up, by the keys of their requests."""


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
