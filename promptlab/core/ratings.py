"""What people say of outputs: a rating, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["outputs", "pairs"]
"""What is rated: single outputs, or two of the same case, side by side."""

Verdict = Literal["pass", "fail", "left", "right", "tie"]

HUMAN, RATED = "human", "rated"
"""The scorer whose scores people give, and its parameter that says which kind of rating."""

OF_OUTPUTS: dict[Verdict, float] = {"pass": 1.0, "fail": 0.0}
OF_PAIRS: dict[Verdict, float] = {"left": 1.0, "tie": 0.5, "right": 0.0}
"""What a verdict scores; of a pair the output on the left, and the other one the rest to 1."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a rater says of an output or a pair: a verdict, a note, tags; any may be missing."""

    verdict: Verdict | None = None
    note: str = ""
    tags: tuple[str, ...] = ()

    @property
    def says_nothing(self) -> bool:
        """Return whether there is neither a verdict, nor a note, nor a tag."""
        return self.verdict is None and not self.note and not self.tags


NO_OPINION = Opinion()


@dataclass(frozen=True, slots=True)
class Rating:
    """An opinion as it is stored: of whose trials, by whom, when.

    `trials` are places in the plan: of one output, or of two, the one shown on the left first.
    """

    number: int
    trials: tuple[int, ...]
    rater: str
    at: str
    opinion: Opinion

    @property
    def kind(self) -> Kind:
        """Return what was rated."""
        return "pairs" if len(self.trials) > 1 else "outputs"

    @property
    def item(self) -> frozenset[int]:
        """Return what was rated, on whichever side it was shown."""
        return frozenset(self.trials)

    def score_of(self, trial: int) -> float | None:
        """Return what the verdict scores for one of the trials, None if there is none."""
        verdict = self.opinion.verdict
        if verdict is None:
            return None
        if self.kind == "outputs":
            return OF_OUTPUTS[verdict]
        left = OF_PAIRS[verdict]
        return left if trial == self.trials[0] else 1 - left
