"""One run's data as a theme draws it, and the same as the store would return it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from promptlab.analysis.measurements import Measurements, join
from promptlab.core.decision import Rule
from promptlab.core.measured import MEASURED, MeasuredArm, MeasuredCase, MeasuredRun
from promptlab.core.passport import Passport
from promptlab.core.results import RunInfo
from promptlab.core.runs import RunSettings
from promptlab.core.types import Arm, Outcome, ScorerSpec, Sequential

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Chance = np.random.Generator  # noqa: TID251 - its type alone

RULE = Rule()


@dataclass(frozen=True, slots=True)
class Drawn:
    """One run, and what is true of it.

    `scores` are of shape (arms, cases) or (arms, cases, repeats), NaN where there is no trial.
    `means` are the true means of the arms over the population. `groups` numbers the group of each
    case. Arms are versions `t@v0` and so on, unless `arms` says otherwise; all are compared with
    the first, or all pairs if `baseline` is False. `quantities` are columns of `MEASURED`, each of
    the shape of `scores`. `no_worse` is a margin to test for non-inferiority as well. `sequential`
    is set where the run could stop early; the cases are then in the order of the run. Where a judge
    gave the scores, `passport` is its own, and `people` what people say, NaN where they were not
    asked.
    """

    scores: Floats
    means: Sequence[float]
    groups: Ints | None = None
    rule: Rule = RULE
    baseline: bool = True
    arms: Sequence[MeasuredArm] | None = None
    quantities: Mapping[str, Floats] = field(default_factory=dict)
    no_worse: float | None = None
    sequential: Sequential | None = None
    passport: Passport | None = None
    people: Floats | None = None

    @property
    def measured_arms(self) -> tuple[MeasuredArm, ...]:
        """Return the arms."""
        return versions(len(self.scores)) if self.arms is None else tuple(self.arms)


@lru_cache
def versions(number: int, backend: str = "m") -> tuple[MeasuredArm, ...]:
    """Return the arms `t@v0`, `t@v1` and so on of one backend."""
    return tuple(arm_of(f"v{place}", backend) for place in range(number))


def arm_of(
    version: str, backend: str = "m", practices: tuple[str, ...] = (), text: str | None = None
) -> MeasuredArm:
    """Return an arm of the template `t`; `text` distinguishes wordings, by default the version."""
    arm = Arm("t", version, f"d:{text or version}", practices, (), backend)
    return MeasuredArm(arm, f"d:{backend}")


@lru_cache
def _cases(groups: tuple[int, ...]) -> tuple[MeasuredCase, ...]:
    alone = len(set(groups)) == len(groups)
    return tuple(
        MeasuredCase(f"c{place}", None if alone else f"g{group}", f"d:{place}")
        for place, group in enumerate(groups)
    )


def measured_run(drawn: Drawn, number: int = 1) -> MeasuredRun:
    """Return the run as the store would: a row for each trial there is."""
    scores = drawn.scores if drawn.scores.ndim == 3 else drawn.scores[:, :, None]
    cases, repeats = scores.shape[1:]
    groups = np.arange(cases) if drawn.groups is None else drawn.groups
    arm, case, repeat = np.indices(scores.shape).reshape(3, -1)
    flat = scores.reshape(-1)
    there = ~np.isnan(flat)
    verdict = bool(np.all((flat[there] == 0) | (flat[there] == 1)))
    columns: dict[str, Floats] = {
        "arm": arm.astype(float),
        "case": case.astype(float),
        "repeat": repeat.astype(float),
        "ending": np.zeros(flat.size),
        "score": flat,
        "is_verdict": np.full(flat.size, float(verdict)),
        "generation": np.arange(1.0, flat.size + 1),
        **{name: values.reshape(-1) for name, values in drawn.quantities.items()},
    }
    unknown = np.full(flat.size, np.nan)
    rows = np.column_stack([columns.get(name, unknown) for name in MEASURED])[there]
    return MeasuredRun(
        info=run_info(len(rows), number),
        split="all",
        seed=0,
        repeats=repeats,
        sequential=drawn.sequential,
        looks=(),
        reused=0,
        scorer=ScorerSpec("score", "score", "1", {}, judge=drawn.passport is not None),
        arms=drawn.measured_arms,
        cases=_cases(tuple(groups.tolist())),
        rows=rows,
        passport=drawn.passport,
        labels=[] if drawn.people is None else labels_of(drawn.people),
    )


def labels_of(people: Floats) -> list[tuple[int, int, float]]:
    """Return arm, case and label of what people have labelled."""
    places = np.argwhere(~np.isnan(people)).tolist()
    return [(arm, case, float(people[arm, case])) for arm, case in places]


def run_info(trials: int, number: int = 1) -> RunInfo:
    """Return a finished run's entry in a list."""
    done = {Outcome.OK: trials}
    return RunInfo(f"r{number}", "s", "finished", trials, False, "", None, RunSettings(), {}, done)


def table_of(drawn: Drawn) -> Measurements:
    """Join the run, as a verb does."""
    return join([measured_run(drawn)])
