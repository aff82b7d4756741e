"""The answers already known: those in the store, and those on their way into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from promptlab.core.types import Completion, Outcome, Turn

Stored = Callable[[Sequence[str]], Mapping[str, Completion]]
"""Looks answers up in the store, by the keys of their requests."""

# More answers than the writer ever holds back, so that none is requested twice.
_RECENT = 5_000


class Answers:
    """Finds answers by the keys of their requests."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self._recent: dict[str, Completion] = {}

    def find(self, keys: Sequence[str]) -> Mapping[str, Completion]:
        """Return those of the requested answers that are known."""
        recent = {key: self._recent[key] for key in keys if key in self._recent}
        return {**self._stored(keys), **recent}

    def remember(self, turn: Turn) -> None:
        """Keep an answer at hand while it may still be on its way into the store."""
        if turn.completion.outcome is Outcome.ERROR:
            return
        self._recent[turn.request.key] = turn.completion
        if len(self._recent) > _RECENT:
            del self._recent[next(iter(self._recent))]
