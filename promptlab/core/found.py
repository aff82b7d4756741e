"""What a search for words found in stored texts: places, and the text around them as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Where = Literal["note", "output", "prompt"]
"""In what: what a person noted, what a model answered, what it was asked."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text; `marked` if it is what was looked for."""

    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """A trial in which something was found. `snippet` is the text around it, in pieces."""

    run_id: str
    suite: str
    seq: int
    case_id: str
    arm: str
    repeat: int
    where: Where
    snippet: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Some hits, and whether there are `more`. `unread` texts could not be looked at yet."""

    hits: tuple[Hit, ...]
    more: bool = False
    unread: int = 0
