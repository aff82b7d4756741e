"""What a scorer that is made of others gets of each: its score, and what is certain of it.

A verdict has three values: pass, fail, and unknown. An answer that holds nothing to grade counts as
wrong, and yet it is unknown whether it is: what it said otherwise cannot be told from it. So it
never passes, neither by itself nor under `not`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, get_args

from promptlab.core.types import NOT_GRADABLE, Score

_SOME, _ONE = "a list of scorers", "a scorer"
_VERDICTS = "each gives a verdict"


@dataclass(frozen=True, slots=True)
class Part:
    """One of the scorers that another is made of, with its score of the trial."""

    label: str
    score: Score

    @property
    def passes(self) -> bool | None:
        """Return whether it counts as passed, None where there is no score.

        Raise ValueError if it gave a number, which says neither.
        """
        if self.score.value is None:
            return None
        if self.score.passed is None:
            raise ValueError(
                f"{self.label} gave {self.score.value:.4g}, which is no verdict:"
                " set its at_least or at_most"
            )
        return self.score.passed

    @property
    def certain(self) -> bool | None:
        """Return whether it passed, None also where the answer holds nothing to grade."""
        return None if self.score.gradable is False else self.passes

    @property
    def failed(self) -> bool:
        """Return whether the scorer itself failed, rather than finding nothing to grade."""
        error = self.score.error
        return self.score.value is None and not (error or "").startswith(NOT_GRADABLE)


Scorers = Annotated[list[Part], _SOME]
"""Annotates a parameter that is a list of scorers; the function gets their scores."""

OneScorer = Annotated[Part, _ONE]
"""Annotates a parameter that is one scorer; the function gets its score."""


Verdicts = Annotated[list[Part], _SOME, _VERDICTS]
"""The same for scorers of which each has to give a verdict, not a number."""

OneVerdict = Annotated[Part, _ONE, _VERDICTS]
"""The same for one scorer."""


def takes_scorers(annotation: object) -> str | None:
    """Return what such a parameter takes, in words; None for any other parameter."""
    return next((part for part in get_args(annotation) if part in (_SOME, _ONE)), None)


def takes_one(annotation: object) -> bool:
    """Return whether a parameter is one scorer."""
    return _ONE in get_args(annotation)


def takes_verdicts(annotation: object) -> bool:
    """Return whether the scorers that a parameter takes have to give verdicts."""
    return _VERDICTS in get_args(annotation)
