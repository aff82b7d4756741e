"""How verdicts are decided: the level, the smallest effect that matters, the least evidence.

Plain values, cheap to import: set by a project or on the command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["better", "worse", "equivalent", "undecided", "refused"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The evidence below which no verdict is given. Shares are of trials or of cases."""

    min_cases: int = 15
    min_nonzero: int = 6
    min_groups: int = 5
    max_group_share: float = 0.5
    max_missing: float = 0.02
    max_failure_gap: float = 0.02
    min_labels: int = 50
    min_kappa: float = 0.4
    min_order_agreement: float = 0.75
    min_informedness: float = 0.3


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far a judge can be trusted, measured on cases that people have labelled.

    `labels` counts these. `kappa` is its chance-corrected agreement with them; `sensitivity` and
    `specificity` are its shares of correct passes and correct failures. `order_agreement` is how
    often a judge of pairs agrees with itself in both orders, None for one that sees one answer at
    a time.
    """

    labels: int
    kappa: float
    sensitivity: float
    specificity: float
    order_agreement: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """How to decide. `alpha` is the level, after Holm's correction if p-values are corrected
    (`correct`); `min_effect` is the smallest difference that matters, 0 for any; `strict` asks for
    exact tests.
    """

    alpha: float = 0.05
    min_effect: float = 0.0
    strict: bool = False
    correct: bool = True
    limits: Limits = Limits()
    judges: Mapping[str, Calibration] = field(default_factory=dict)

    @property
    def level(self) -> float:
        """Return the level of the intervals."""
        return 1 - self.alpha
