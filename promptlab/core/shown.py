"""What a page shows of many results: some cases with all of their trials, and what it omits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from promptlab.core.results import Result
from promptlab.core.types import Turn

MOST_CHARACTERS = 20_000
"""Of one text in a page: the rest of a longer one is left out, with a word on it."""


@dataclass(frozen=True, slots=True)
class ShownTrial:
    """A trial with a row for each scorer, and the turns of its conversation."""

    rows: Sequence[Result]
    turns: Sequence[Turn] = ()


@dataclass(frozen=True, slots=True)
class Tally:
    """How many cases of a kind there are, and how many of them are shown."""

    all: int = 0
    shown: int = 0


@dataclass(frozen=True, slots=True)
class Tallies:
    """What is shown of each kind of case, and what is not.

    `flipped` are those that arms score differently, `failed` the others with a trial that failed or
    scored nothing, `rest` what remains.
    """

    flipped: Tally
    failed: Tally
    rest: Tally

    @property
    def all(self) -> int:
        """Return how many cases there are."""
        return self.flipped.all + self.failed.all + self.rest.all

    @property
    def shown(self) -> int:
        """Return how many of them are shown."""
        return self.flipped.shown + self.failed.shown + self.rest.shown
