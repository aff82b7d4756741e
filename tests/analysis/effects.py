"""Effects of differences that a test writes down."""

from __future__ import annotations

import numpy as np

from promptlab.analysis.conclude import Effect, Floats, effect
from promptlab.analysis.inference import NUMBERS, PASSES
from promptlab.core.decision import Rule

RULE = Rule()


def effect_of(
    d: object, *, rule: Rule = RULE, groups: object = None, binary: bool = False
) -> Effect:
    values = np.asarray(d, dtype=float)
    codes = np.arange(values.size) if groups is None else np.asarray(groups)
    return effect(values, codes, rule, PASSES if binary else NUMBERS)


def passes(wins: int, losses: int, ties: int) -> Floats:
    return np.array([1.0] * wins + [-1.0] * losses + [0.0] * ties)
