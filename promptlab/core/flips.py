"""A case on which two versions scored differently."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flip:
    """A case on which two versions scored differently; None means unknown."""

    case_id: str
    score_a: float | None = None
    score_b: float | None = None
    output_a: str | None = None
    output_b: str | None = None
    backend: str | None = None
