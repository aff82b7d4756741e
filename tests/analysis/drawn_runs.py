"""Random measured runs for property tests: few or many arms, cases, groups, repeats, and gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from promptlab.core.decision import Limits, Rule
from promptlab.core.measured import MeasuredRun

from .measured_runs import ABSENT, Cell, measured_arm, measured_run

Floats = NDArray[np.float64]
Chance = np.random.Generator  # noqa: TID251 - its type alone
KINDS = ("pass/fail", "marks", "numbers", "ceiling", "lopsided")
FEW = Limits(min_cases=5, min_nonzero=2, min_groups=2)


@dataclass(frozen=True, slots=True)
class DrawnRun:
    """Scores by arm, case and repeat (NaN: no trial), the group of each case, and how to decide."""

    scores: Floats
    groups: tuple[str | None, ...]
    rule: Rule

    def run(self, arms: list[int] | None = None, cases: list[int] | None = None) -> MeasuredRun:
        """Return the run, its arms and cases in another order if asked."""
        arm_places = list(range(self.scores.shape[0])) if arms is None else arms
        case_places = list(range(self.scores.shape[1])) if cases is None else cases
        table = self.scores[arm_places][:, case_places]
        known = self.scores[~np.isnan(self.scores)]
        return measured_run(
            [[[_cell(score) for score in cell] for cell in arm] for arm in table],
            arms=[measured_arm(f"v{place}") for place in arm_places],
            groups=[self.groups[place] for place in case_places],
            cases=[f"c{place}" for place in case_places],
            verdicts=bool(np.all((known == 0) | (known == 1))),
        )

    def with_tie(self) -> DrawnRun:
        """Return the run with a further case, alone, on which all arms score the same."""
        tie = np.full((self.scores.shape[0], 1, self.scores.shape[2]), np.nanmax(self.scores))
        scores = np.concatenate([self.scores, tie], axis=1)
        return DrawnRun(scores, (*self.groups, None), self.rule)


def _cell(score: float) -> Cell:
    return ABSENT if np.isnan(score) else float(score)


@st.composite
def drawn_runs(
    draw: st.DrawFn,
    *,
    kinds: tuple[str, ...] = KINDS,
    grouped: bool | None = None,
    complete: bool = False,
    most_arms: int = 5,
    margins: tuple[float, ...] = (0.0, 0.0, 0.02, 0.05, 0.2),
) -> DrawnRun:
    """Draw a run. Effects, spread and gaps come from a seed; what makes it odd is drawn."""
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))  # noqa: TID251 - seeded
    arms = draw(st.integers(2, most_arms))
    cases = draw(st.sampled_from((6, 12, 15, 16, 20, 31, 60, 150)))
    repeats = draw(st.sampled_from((1, 1, 2, 3)))
    shape = (arms, cases, repeats)
    effects = draw(st.sampled_from((0.0, 0.0, 0.05, 0.2, 0.5))) * chance.uniform(-1, 1, arms)
    scores = _scores(draw(st.sampled_from(kinds)), chance, shape, effects[:, None, None])
    same = draw(st.sampled_from((0.0, 0.5, 0.9, 1.0)))
    scores = np.where(chance.random((1, cases, 1)) < same, scores[:1], scores)
    if not complete and draw(st.booleans()):
        share = draw(st.sampled_from((0.005, 0.02, 0.1)))
        scores = np.where(chance.random(shape) < share, np.nan, scores)
        scores[:, 0, 0] = np.where(np.isnan(scores[:, 0, 0]), 1.0, scores[:, 0, 0])
    groups: tuple[str | None, ...] = (None,) * cases
    if draw(st.booleans()) if grouped is None else grouped:
        number = draw(st.sampled_from((3, 6, 10)))
        groups = tuple(f"g{place}" for place in chance.integers(0, number, cases))
    rule = Rule(
        min_effect=draw(st.sampled_from(margins)),
        strict=draw(st.sampled_from((False, False, True))),
        limits=draw(st.sampled_from((Limits(), FEW))),
    )
    return DrawnRun(scores, groups, rule)


def _scores(kind: str, chance: Chance, shape: tuple[int, int, int], effects: Floats) -> Floats:
    ease = chance.uniform(0, 1, (1, shape[1], 1))
    if kind == "pass/fail":
        return np.where(chance.random(shape) < np.clip(ease + effects, 0, 1), 1.0, 0.0)
    if kind == "marks":
        return chance.binomial(4, np.clip(ease + effects, 0, 1), shape) / 4
    if kind == "numbers":
        return np.clip(ease + effects + 0.1 * chance.standard_normal(shape), 0, 1)
    if kind == "ceiling":
        fallen = chance.random(shape) < np.clip(0.03 - effects / 5, 0, 1)
        return np.where(fallen, 0.0, chance.beta(30, 1, shape))
    return 10 * ease + 20 * effects + chance.lognormal(0, 1.2, shape)
