"""From rows measured elsewhere to a plan and its trials, which make them a run.

Knows nothing of files or the store. What such a run cannot know (the text of a version, the
sampling, what a case asks) is marked as unknown or left at its default, and never read.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import NoReturn

from promptlab.cases.rows import make_cases
from promptlab.core.digest import backend_digest, imported_key
from promptlab.core.errors import PromptlabError
from promptlab.core.outside import Outside
from promptlab.core.types import (
    Arm,
    BackendSpec,
    Case,
    Completion,
    Json,
    Outcome,
    Plan,
    Request,
    Score,
    ScorerSpec,
    Trial,
    TrialResult,
    Turn,
    Usage,
)
from promptlab.importers.outcome_rows import OutcomeRow
from promptlab.importers.stand_ins import imported_template
from promptlab.templates.tags import IMPLICIT_ANSWER

IMPORTED = "imported"
"""The kind of a backend, and the version of a scorer, about which nothing else is known."""

_NO_REPEAT = -math.inf  # sorts before every numbered one
_VERDICTS = (0.0, 1.0)
_QUANTITIES = ("output", "input_tokens", "output_tokens", "cost_usd")

_Key = tuple[int, int, float]
"""A trial in the file: its case, its arm, and its repeat as the file numbers it."""


@dataclass(frozen=True, slots=True)
class ImportedRun:
    """A plan of which `size` trials were measured."""

    plan: Plan
    _trials: Mapping[_Key, _Measured]

    @property
    def size(self) -> int:
        """Return the number of trials that were measured."""
        return len(self._trials)

    def results(self) -> Iterator[TrialResult]:
        """Yield the trials case by case; the repeats of an arm are numbered in their order."""
        arms, repeats = len(self.plan.arms), self.plan.repeats
        labels = [spec.label for spec in self.plan.scorers]
        verdicts = _verdicts(len(labels), self._trials.values())
        for (case, arm), keys in groupby(sorted(self._trials), key=itemgetter(0, 1)):
            for repeat, key in enumerate(keys):
                trial = Trial((case * repeats + repeat) * arms + arm, arm, case, repeat)
                measured = self._trials[key]
                scores = {
                    labels[at]: Score(value, bool(value) if verdicts[at] else None)
                    for at, value in measured.scores.items()
                    if value is not None
                }
                turns = self._turns(trial, measured)
                graded = None if measured.output is None else 0
                yield TrialResult(trial, turns, graded, Outcome.OK, None, scores)

    def trials(self) -> Iterator[Outside]:
        """Yield the same as `results`, in the form in which many are stored at once."""
        arms, repeats = len(self.plan.arms), self.plan.repeats
        verdicts = _verdicts(len(self.plan.scorers), self._trials.values())
        named = [(arm.template, arm.version, arm.backend) for arm in self.plan.arms]
        digests = [case.digest for case in self.plan.cases]
        for (case, arm), keys in groupby(sorted(self._trials), key=itemgetter(0, 1)):
            for repeat, place in enumerate(keys):
                measured = self._trials[place]
                known = (measured.input_tokens, measured.output_tokens, measured.cost_usd)
                key = None
                if measured.output is not None or known != (None, None, None):
                    measured_as = (self.plan.suite, *named[arm], digests[case])
                    key = imported_key(measured_as, repeat, known)
                scores = tuple(
                    (at, value, bool(value) if verdicts[at] else None)
                    for at, value in measured.scores.items()
                    if value is not None
                )
                seq = (case * repeats + repeat) * arms + arm
                answer = (key, IMPLICIT_ANSWER, measured.output, *known)
                yield Outside(seq, arm, case, repeat, *answer, scores)

    def _turns(self, trial: Trial, measured: _Measured) -> tuple[Turn, ...]:
        """Return the one answer, if anything about it is known; what was asked is unknown."""
        known = (measured.input_tokens, measured.output_tokens, measured.cost_usd)
        if measured.output is None and known == (None, None, None):
            return ()
        arm, case = self.plan.arms[trial.arm], self.plan.cases[trial.case]
        measured_as = (self.plan.suite, arm.template, arm.version, arm.backend, case.digest)
        key = imported_key(measured_as, trial.repeat, known)
        usage = Usage(measured.input_tokens, measured.output_tokens)
        text = measured.output or ""
        completion = Completion(Outcome.OK, text, usage, cost_usd=measured.cost_usd)
        request = Request(key, (), arm.sampling)
        return (Turn(IMPLICIT_ANSWER, request, completion, cached=False),)


def gather(rows: Iterable[OutcomeRow], suite: str, file: str) -> ImportedRun:
    """Make a run of the suite called `suite` from the rows of a file.

    Arms, cases and scorers are in the order in which the file names them. The first scorer is the
    primary one; a scorer whose scores are all 0 or 1 gives verdicts.
    """
    table = _Table(suite)
    for row in rows:
        table.add(row)
    if not table.trials:
        raise PromptlabError("there are no outcomes", where=file, hint="add at least one row")
    return ImportedRun(_plan(table, file), table.trials)


def _plan(table: _Table, file: str) -> Plan:
    templates = {
        (arm.template, arm.version): imported_template(arm.template, arm.version)
        for arm in table.arms
    }
    scorers = tuple(ScorerSpec(label, label, IMPORTED, {}) for label in table.scorers)
    return Plan(
        suite=table.suite,
        arms=tuple(
            Arm(
                arm.template,
                arm.version,
                templates[arm.template, arm.version].digest,
                arm.practices,
                (),
                arm.backend,
            )
            for arm in table.arms
        ),
        cases=_cases(table, file),
        repeats=max(Counter(key[:2] for key in table.trials).values()),
        scorers=scorers,
        primary=scorers[0].label,
        templates=tuple(templates.values()),
        backends=tuple(_backend(name) for name in dict.fromkeys(arm.backend for arm in table.arms)),
    )


def _backend(name: str) -> BackendSpec:
    identity: dict[str, Json] = {IMPORTED: name}
    return BackendSpec(name, IMPORTED, None, {}, identity, backend_digest(identity))


def _cases(table: _Table, file: str) -> tuple[Case, ...]:
    """Make cases that are the same in every import of their suite, but in no other suite."""
    rows = (
        (case.where, {"id": name, "vars": {IMPORTED: table.suite}, "group": case.group})
        for name, case in table.cases.items()
    )
    return make_cases(rows, file, {})


@dataclass(frozen=True, slots=True)
class _ImportedArm:
    template: str
    version: str
    backend: str
    practices: tuple[str, ...]
    where: str


@dataclass(slots=True)
class _ImportedCase:
    at: int
    where: str
    group: str | None


@dataclass(slots=True)
class _Measured:
    """A trial as the rows so far describe it. `places` are those of its scores, in order."""

    output: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    scores: dict[int, float | None] = field(default_factory=dict)
    places: list[str] = field(default_factory=list)

    def add(self, row: OutcomeRow, scorer: int) -> None:
        """Add a row of this trial."""
        if scorer in self.scores:
            first = self.places[list(self.scores).index(scorer)]
            hint = "give each of them a `repeat`" if row.repeat is None else "keep one of them"
            _fail(f"the same trial is already at {first}", row.where, hint)
        for name in _QUANTITIES:
            known, value = getattr(self, name), getattr(row, name)
            if known is None:
                setattr(self, name, value)
            elif value is not None and value != known:
                _fail(
                    f"{name} differs from another row of this trial, first {self.places[0]}",
                    row.where,
                    "rows of one trial may differ only in scorer and score; others need a `repeat`",
                )
        self.scores[scorer] = row.score
        self.places.append(row.where)


class _Table:
    """What the rows so far amount to."""

    def __init__(self, suite: str) -> None:
        self.suite = suite
        self.arms: list[_ImportedArm] = []
        self.cases: dict[str, _ImportedCase] = {}
        self.scorers: dict[str, int] = {}
        self.trials: dict[_Key, _Measured] = {}
        self._arms_by_cell: dict[tuple[str, str], int] = {}
        self._arms_by_name: dict[tuple[str, str, str], int] = {}

    def add(self, row: OutcomeRow) -> None:
        """Add a row; raise PromptlabError where it contradicts earlier ones."""
        repeat = _NO_REPEAT if row.repeat is None else row.repeat
        key = (self._case(row), self._arm(row), repeat)
        measured = self.trials.get(key)
        if measured is None:
            measured = _Measured(row.output, row.input_tokens, row.output_tokens, row.cost_usd)
            self.trials[key] = measured
        measured.add(row, self.scorers.setdefault(row.scorer, len(self.scorers)))

    def _arm(self, row: OutcomeRow) -> int:
        at = self._arms_by_cell.get((row.template, row.backend))
        if at is None:
            at = self._named_arm(row)
            self._arms_by_cell[row.template, row.backend] = at
        arm = self.arms[at]
        if row.practices != arm.practices and set(row.practices) != set(arm.practices):
            _fail(
                f"{row.template!r} follows different practices here than at {arm.where}",
                row.where,
                "give a version with different practices its own name",
            )
        return at

    def _named_arm(self, row: OutcomeRow) -> int:
        name, at, version = row.template.partition("@")
        if not at:
            name, version = self.suite, row.template
        if not name or not version:
            hint = "write name@version, or only the version"
            _fail(f"{row.template!r} is not a template version", row.where, hint)
        known = self._arms_by_name.setdefault((name, version, row.backend), len(self.arms))
        if known == len(self.arms):
            self.arms.append(_ImportedArm(name, version, row.backend, row.practices, row.where))
        return known

    def _case(self, row: OutcomeRow) -> int:
        case = self.cases.get(row.case)
        if case is None:
            case = self.cases[row.case] = _ImportedCase(len(self.cases), row.where, row.group)
        elif case.group is None:
            case.group = row.group
        elif row.group is not None and row.group != case.group:
            _fail(
                f"case {row.case!r} is in group {row.group!r} here and in {case.group!r} at"
                f" {case.where}",
                row.where,
                f"make its name unique, as in {row.group}/{row.case}",
            )
        return case.at


def _verdicts(scorers: int, trials: Iterable[_Measured]) -> list[bool]:
    """Return for each scorer whether it gives verdicts: all its known scores are 0 or 1."""
    verdicts = [True] * scorers
    for measured in trials:
        for at, value in measured.scores.items():
            if value is not None and value not in _VERDICTS:
                verdicts[at] = False
    return verdicts


def _fail(message: str, where: str, hint: str) -> NoReturn:
    raise PromptlabError(message, where=where, hint=hint)
