"""How much a backend answered in a run, and how long it worked for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Self

from promptlab.core.messages import Json

_LEAST_S = 1.0  # of work: a rate over less says nothing


@dataclass(frozen=True, slots=True)
class Worked:
    """What a backend did in the processes of a run: its `answers`, failed ones aside.

    `seconds` is the time in which at least one of its answers was awaited, without loading.
    `output_tokens` is None if it does not count them.
    """

    answers: int = 0
    output_tokens: int | None = 0
    seconds: float = 0.0

    def __add__(self, other: Worked) -> Worked:
        tokens = None
        if self.output_tokens is not None and other.output_tokens is not None:
            tokens = self.output_tokens + other.output_tokens
        return Worked(self.answers + other.answers, tokens, self.seconds + other.seconds)

    @property
    def answers_per_s(self) -> float | None:
        """Return its answers per second, None if it worked too briefly to say so."""
        return self.answers / self.seconds if self.seconds >= _LEAST_S else None

    @property
    def tokens_per_s(self) -> float | None:
        """Return the tokens of its answers per second, None if unknown."""
        if self.output_tokens is None or self.seconds < _LEAST_S:
            return None
        return self.output_tokens / self.seconds

    def to_json(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {
            "answers": self.answers,
            "output_tokens": self.output_tokens,
            "seconds": self.seconds,
        }

    @classmethod
    def from_json(cls, stored: Json) -> Self | None:
        """Return what `to_json` wrote, None if it is something else."""
        names = ("answers", "output_tokens", "seconds")
        if not isinstance(stored, Mapping) or set(stored) != {*names}:
            return None
        answers, tokens, seconds = (stored[name] for name in names)
        counts = type(answers) is int and (tokens is None or type(tokens) is int)
        if not counts or not isinstance(seconds, int | float) or not isfinite(seconds):
            return None
        return cls(answers, tokens, float(seconds))  # type: ignore[arg-type]
