"""Bounds on a score that a suite sets: within them a number passes, and stays the score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite

from promptlab.core.errors import PromptlabError
from promptlab.core.types import Json, Score

AT_LEAST, AT_MOST = "at_least", "at_most"


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the most that passes; None is no bound."""

    at_least: float | None = None
    at_most: float | None = None

    def hold(self, value: float) -> bool:
        """Return whether a value is within the bounds."""
        above = self.at_least is None or value >= self.at_least
        return above and (self.at_most is None or value <= self.at_most)

    def may_hold(self, low: float, high: float) -> bool:
        """Return whether some value from `low` to `high` is within the bounds."""
        above = self.at_least is None or high >= self.at_least
        return above and (self.at_most is None or low <= self.at_most)

    def require_order(self) -> None:
        """Raise ValueError if no value is within the bounds."""
        least, most = self.at_least, self.at_most
        if least is not None and most is not None and least > most:
            raise ValueError(
                f"{AT_LEAST} {least:g} is above {AT_MOST} {most:g}, so nothing could pass"
            )

    def in_words(self) -> str:
        """Return the bounds as text."""
        least = None if self.at_least is None else f"at least {self.at_least:g}"
        most = None if self.at_most is None else f"at most {self.at_most:g}"
        return " and ".join(filter(None, (least, most)))


NO_BOUNDS = Bounds()


def read_bounds(given: Mapping[str, Json], label: str) -> Bounds:
    """Read the bounds of a scorer, of which each is a number or absent."""
    least, most = (_number(given.get(key), key, label) for key in (AT_LEAST, AT_MOST))
    bounds = Bounds(least, most)
    try:
        bounds.require_order()
    except ValueError as error:
        raise PromptlabError(f"scorer {label!r}: {error}") from None
    return bounds


def _number(written: Json, key: str, label: str) -> float | None:
    if written is None:
        return None
    number = isinstance(written, (int, float)) and not isinstance(written, bool)
    if not number or not isfinite(float(str(written))):
        raise PromptlabError(
            f"scorer {label!r}: {key} must be a number, not {written!r}",
            hint=f"such as {key}: 0.8",
        )
    return float(str(written))


def judged(score: Score, bounds: Bounds) -> Score:
    """Return a score with the verdict of the bounds; the number stays.

    They are a further condition: what the scorer itself fails, or finds nothing to grade in, does
    not pass by being within them.
    """
    if score.value is None or bounds == NO_BOUNDS:
        return score
    if not bounds.hold(score.value):
        reason = f"{score.reason or f'{score.value:.4g}'}, not {bounds.in_words()}"
        return replace(score, passed=False, reason=reason)
    return replace(score, passed=score.passed is not False and score.gradable is not False)
