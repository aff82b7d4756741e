"""The project's own scorers: what they say is a function of the output, the case and the seed."""

from __future__ import annotations

import hashlib

from promptlab.scorers import Sample, scorer
from promptlab.types import Score


def _chance(*words: object) -> int:
    """Return a number below 100 that the words decide."""
    return hashlib.sha256(repr(words).encode()).digest()[0] * 100 // 256


def luck(sample: Sample, *, base: int = 35, bonus: int = 14) -> bool:
    """Whether the output is lucky: more often so with each good habit in it."""
    habits = sum(word in sample.output for word in ("exactly", "shop", "For example", "again"))
    seed = sample.turns[-1].request.sampling.seed
    chance = (2 * _chance(sample.case.id, seed) + _chance(sample.output)) / 3
    return chance < base + bonus * habits


def share(sample: Sample) -> Score:
    """How much of the output is not the note itself, with a reason."""
    words = len(sample.output.split())
    own = len(str(sample.case.vars["text"]).split())
    return Score(max(0.0, 1 - own / max(words, 1)), None, f"{words} words, {own} of the note")


def touchy(sample: Sample) -> bool:
    """Cannot stand one of the notes."""
    if sample.case.id == "n07":
        raise ValueError(f"not this one: {sample.case.id}")
    return len(sample.output) % 3 != 0


@scorer(version="2", judge=True)
def judged(sample: Sample, *, mercy: int = 50) -> bool:
    """A judge, who may be wrong."""
    return _chance(sample.output, sample.case.id) < mercy + 30 * ("exactly" in sample.output)
