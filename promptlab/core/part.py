"""Which cases a run took of those of its suite."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """What part of a suite's cases a run has.

    `of` is the number of cases from which a sample was to be drawn, None if none was asked for;
    `first` means that a run of an older version took the first ones of its file instead.
    `developed` counts the cases that runs of the dev side had before.
    """

    of: int | None = None
    first: bool = False
    developed: int = 0


WHOLE = Part()
