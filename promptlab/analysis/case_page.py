"""Some cases of one run by all of its arms, without the rest: a page of a table of any length.

What a cell scores is what conclusions count; `grid` has the same of all cases at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan

import numpy as np

from promptlab.analysis.grid import Floats, Place, flips_between
from promptlab.analysis.labels import arm_labels, backend_names
from promptlab.core.measured import CaseContent, CellTrial, MeasuredArm, MeasuredCase
from promptlab.core.types import ScorerSpec
from promptlab.stats.reducers import reduced


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePage:
    """Some cases of a run, in order. `arms` are all of the run's, in the order of its plan.

    `as_zero` says whether a trial without a score counts as 0, `verdicts` which arms have nothing
    but verdicts: both depend on all trials of the run. `several` are ids that more than one case
    of the run has.
    """

    run_id: str
    scorer: ScorerSpec
    arms: Sequence[MeasuredArm]
    cases: Sequence[MeasuredCase]
    contents: Mapping[str, CaseContent]
    trials: Sequence[CellTrial]
    as_zero: bool
    verdicts: frozenset[int]
    several: frozenset[str]

    @property
    def labels(self) -> list[str]:
        """Return the names of the arms, as conclusions from this run name them."""
        settings = [[(0, arm)] for arm in self.arms]
        return arm_labels(settings, backend_names(settings))

    def by_cell(self) -> dict[Place, list[CellTrial]]:
        """Sort the trials into cells, by the places of arm and case."""
        arms = {measured.arm.label: place for place, measured in enumerate(self.arms)}
        places = {case.digest: place for place, case in enumerate(self.cases)}
        found: defaultdict[Place, list[CellTrial]] = defaultdict(list)
        for trial in self.trials:
            found[arms[trial.arm], places[trial.case]].append(trial)
        return dict(found)

    def scores(self) -> tuple[Floats, Floats]:
        """Return what each arm scores on each case, and the same without trials that have no score.

        Both are of shape (arms, cases), NaN where nothing is known.
        """
        shape = (len(self.arms), len(self.cases))
        counted, complete = np.full(shape, nan), np.full(shape, nan)
        how, number = self.scorer.reduce.how, self.scorer.reduce.k
        for (arm, case), trials in self.by_cell().items():
            of_cell = [nan if t.score is None else t.score for t in trials if t.counted]
            values = np.array(of_cell, dtype=float)
            at = np.zeros(values.size, dtype=np.int64)
            filled = np.where(np.isnan(values), 0.0, values) if self.as_zero else values
            counted[arm, case] = reduced(how, number, at, filled, 1)[0]
            complete[arm, case] = reduced(how, number, at, values, 1)[0]
        return counted, complete

    def flips(self) -> list[bool]:
        """Return on which of the cases arms differ."""
        counted, _ = self.scores()
        rows = [(arm.arm.backend, row) for arm, row in zip(self.arms, counted, strict=True)]
        return [bool(flips) for flips in flips_between(rows, len(self.cases))]


def known(score: float, complete: float) -> float | None:
    """Return what a cell scores; None where no trial of it has a score."""
    return None if isnan(score) or isnan(complete) else score
