"""A run as conclusions see it: one scorer's scores as rows of numbers, and what they are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from promptlab.core.part import WHOLE, Part
from promptlab.core.passport import Passport
from promptlab.core.results import RunInfo
from promptlab.core.types import Arm, Json, Outcome, ScorerSpec, Sequential

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = Sequence[Sequence[float | None]] | NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MeasuredArm:
    """An arm with everything its answers depend on, and what its servers reported.

    `models`, `fingerprints` and `warnings` are those of its answers, without duplicates. `text`
    identifies what the version says, apart from its front matter; None if unknown.
    """

    arm: Arm
    backend_digest: str
    models: frozenset[str] = frozenset()
    fingerprints: frozenset[str] = frozenset()
    warnings: frozenset[str] = frozenset()
    text: str | None = None


@dataclass(frozen=True, slots=True)
class TextArm:
    """An arm with trials in a run: a text with some practices `off`, on one backend.

    `sampling` is as it is stored; `cases` is the number of cases of the run.
    """

    run_id: str
    suite: str
    finished: bool
    cases: int
    template: str
    version: str
    digest: str
    off: tuple[str, ...]
    backend: str
    backend_digest: str
    sampling: str

    @property
    def prompt(self) -> tuple[str, tuple[str, ...]]:
        """Return what it sends, on whichever backend."""
        return self.digest, self.off


class MeasuredCase(NamedTuple):
    """A case: its id, its group, the digest of its content, and its tags.

    A named tuple, since there are many: a frozen dataclass takes five times as long to create.
    """

    id: str
    group: str | None
    digest: str
    tags: tuple[str, ...] = ()


MEASURED = (
    *("arm", "case", "repeat", "ending", "score", "is_verdict", "generation"),
    *("input_tokens", "output_tokens", "cost_usd", "latency_s"),
    *("gradable", "found", "expected"),
)
"""The columns of `MeasuredRun.rows`: indices into `arms` and `cases`, then quantities.

`ending` is a number of `Ending`. `gradable` is None where the scorer does not tell, `found` and
`expected` are keys of `MeasuredRun.readings`. All rows may lack these last columns: then nothing of
the kind is known.
"""

AT = {name: place for place, name in enumerate(MEASURED)}
"""The place of each column."""


class Ending(IntEnum):
    """How a trial ended; with `SILENT` ones there was no answer, or one that says nothing."""

    OK = 0
    REFUSED = 1
    FILTERED = 2
    EMPTY = 3
    TRUNCATED = 4
    FAILED = 5


SILENT = (Ending.REFUSED, Ending.FILTERED, Ending.EMPTY)
"""The endings of answers that say nothing."""


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """One scorer's results for a run: one row per stored trial, with the columns of `MEASURED`.

    An unknown value is None, or NaN in an array. A trial without a score is left out, unless the
    trial or its scorer failed. `sequential` is set where the run could stop early. `reused` counts
    the trials served by answers of earlier runs. `looks` are the numbers of cases, each below this
    run's own limit, to which earlier runs were limited. `readings` are the texts that scorers found
    or expected. `others` has the scores of the run's other scorers by their label: arm, case and
    score of each trial. `part` tells which of its suite's cases these are. `reordered` names
    earlier runs that could stop early and had some of these cases in another order, each with the
    places of the arms that it shares. `passport` is that of a judge as it is, `stale` says that it
    had one before it was changed; `labels` are arm, case and label of the answers that people have
    labelled for it. Where a judge asks the model of each answer, `own` has its passports by digests
    of backends. `moved` is by how much the judge, asked again for this run, scores its anchors
    otherwise.
    """

    info: RunInfo
    split: str
    seed: int
    repeats: int
    sequential: Sequential | None
    looks: tuple[int, ...]
    reused: int
    scorer: ScorerSpec
    arms: tuple[MeasuredArm, ...]
    cases: tuple[MeasuredCase, ...]
    rows: Rows
    readings: Mapping[int, str] = field(default_factory=dict)
    others: Mapping[str, Sequence[tuple[int, int, float | None]]] = field(default_factory=dict)
    part: Part = WHOLE
    reordered: tuple[tuple[str, frozenset[int]], ...] = ()
    passport: Passport | None = None
    own: Mapping[str, Passport | None] = field(default_factory=dict)
    stale: bool = False
    labels: Sequence[tuple[int, int, float]] = ()
    moved: float | None = None


class CellTrial(NamedTuple):
    """A trial in a table of cases and arms: where it is, how it ended, what one scorer says.

    `arm` is the label that its arm has in its run, `case` the digest of its case; `generation` is
    the number of the graded answer in the store, which several runs may share. `counted` is set if
    conclusions count it: it has a score, or should have one.
    """

    run_id: str
    seq: int
    arm: str
    case: str
    repeat: int
    outcome: Outcome
    score: float | None
    passed: bool | None
    generation: int | None
    counted: bool = True


class PlacedCase(NamedTuple):
    """A case at its place in the plan of a run."""

    place: int
    case: MeasuredCase


class CaseContent(NamedTuple):
    """What a case asks and expects."""

    vars: Mapping[str, Json]
    expect: Json
