"""A suite before its run: what is asked of it, and how much a pilot says that differences vary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from promptlab.analysis.planning import Aim, Spread, of_repeats
from promptlab.analysis.texts import Texts
from promptlab.core.decision import Rule
from promptlab.core.types import Plan
from promptlab.stats.variance import VarianceSplit

Question = Literal["which version", "which backend", "which practice"]


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison of the pilot: `b` against `a` on a backend (None: on all), and its spread.

    `split` are the parts of its variance, None where every trial was run once. `texts` are the
    wordings of a practice, None where there are not several of them.
    """

    a: str
    b: str
    backend: str | None
    spread: Spread
    split: VarianceSplit | None = None
    texts: Texts | None = None


@dataclass(frozen=True, slots=True)
class Pilot:
    """A finished run of the suite, with the comparisons that it measured; one at least."""

    run_id: str
    cases: int
    repeats: int
    bounded: bool
    is_rate: bool
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Prospect:
    """A suite as it stands, and what to plan its comparisons with.

    `family` counts the comparisons of the question, 0 where there is nothing to compare. `aim` has
    the level of one of them. `units` are the cases or, if they come in groups, the groups. `spread`
    is that of the comparison that takes the most cases, as its repeats will be; `row` is that
    comparison in the pilot. Without a pilot the spread is assumed. `wordings` counts, for a design
    of practices, the texts that have each of them and are also run without it.
    """

    plan: Plan
    rule: Rule
    question: Question
    family: int
    early: bool
    aim: Aim
    units: int
    spread: Spread
    pilot: Pilot | None
    row: Row | None
    case_cost: float
    wordings: Mapping[str, int]

    @property
    def in_groups(self) -> bool:
        """Return whether cases come in groups, which are then what is counted."""
        return self.units < len(self.plan.cases)

    @property
    def unit_size(self) -> float:
        """Return the mean number of cases in a unit."""
        return len(self.plan.cases) / self.units

    @property
    def samples(self) -> bool:
        """Return whether an answer may differ when it is given again."""
        return any(arm.sampling.temperature > 0 for arm in self.plan.arms)

    def fitted(self, row: Row) -> Spread:
        """Return the spread of a row of the pilot as this plan will have it."""
        assert self.pilot is not None
        return fitted(row, self.pilot, self.plan, self.units)

    @property
    def is_rate(self) -> bool:
        """Return whether scores are passes and failures, as far as is known."""
        return self.pilot is None or self.pilot.is_rate


def fitted(row: Row, pilot: Pilot, plan: Plan, groups: int) -> Spread:
    """Return the spread of a row of a pilot with the plan's repeats and groups."""
    spread = row.spread
    if row.split is not None:
        spread = of_repeats(spread, row.split, pilot.repeats, plan.repeats)
    return spread.over(len(plan.cases), groups)


def widest(rows: Sequence[Row]) -> Row:
    """Return the comparison that takes the most cases."""
    return max(rows, key=lambda row: (row.spread.upper or 0.0) * max(1.0, row.spread.size))
