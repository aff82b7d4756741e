"""A trial that was measured elsewhere, as it is stored."""

from __future__ import annotations

from typing import NamedTuple


class Outside(NamedTuple):
    """A trial with one answer at most, and the scores that were given.

    `key` is that of the answer, None where nothing is known of it; `name` is what the answer is
    called. `scores` are the place of the scorer in the plan, the score, and whether it passes.
    Arm, case and repeat are places in the plan, and `seq` is the trial's own.
    """

    seq: int
    arm: int
    case: int
    repeat: int
    key: str | None
    name: str
    output: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    scores: tuple[tuple[int, float, bool | None], ...]
