"""What stored runs show of two versions: how they compare, and the cases that flipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from promptlab.analysis.compare import Comparison
from promptlab.core.decision import Rule
from promptlab.core.flips import Flip
from promptlab.core.reasons import Reason


@dataclass(frozen=True, slots=True)
class PairResults:
    """How two texts compare by a rule, the cases that flipped, and notes on the runs of both.

    `runs` are those in which the first text and the second were measured.

    All is empty if one of the texts was not run, or shares no scorer or no backend with the other.
    """

    comparisons: Sequence[Comparison] = ()
    flips: Sequence[Flip] = ()
    notes: Sequence[Reason] = ()
    rule: Rule = field(default_factory=Rule)
    runs: tuple[str, ...] = ()
