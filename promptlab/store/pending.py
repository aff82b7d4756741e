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
    """Return about how many bytes of memory a record takes: its texts, above all."""
    if isinstance(value, Turn):
        return _FRAME + _size(value)
    return _FRAME + (sum(map(_size, value.turns)) if isinstance(value, TrialResult) else 0)


def _size(turn: Turn) -> int:
    size = getsizeof(turn.completion.text)
    for message in turn.request.messages:
        size += getsizeof(message.text)
    return size
