"""What waits to be stored: answers, finished trials, backends that were opened."""

from __future__ import annotations

from dataclasses import dataclass
from sys import getsizeof

from promptlab.core.runs import BackendFacts
from promptlab.core.types import TrialResult, Turn

_FRAME = 1_000  # bytes of the objects around the texts of a record


@dataclass(frozen=True, slots=True)
class Opened:
    """A backend that was opened, and what it reported about itself."""

    backend: str
    facts: BackendFacts


@dataclass(frozen=True, slots=True)
class Record:
    """What to store, when it happened, and the bytes of memory that it takes meanwhile."""

    value: Turn | TrialResult | Opened
    created_at: str
    weight: int = 0


def weight(value: Turn | TrialResult | Opened) -> int:
    """Return about how many bytes of memory a record takes: its texts, above all.

    A trial shares those of the turns that it measured, which are records of their own.
    """
    size = _FRAME
    if isinstance(value, Turn):
        size += _size(value)
    elif isinstance(value, TrialResult):
        for turn in value.turns:
            if turn.cached:
                size += _size(turn)
    return size


def _size(turn: Turn) -> int:
    size = getsizeof(turn.completion.text)
    for message in turn.request.messages:
        content = message.content
        size += getsizeof(content if type(content) is str else message.text)
    return size
