"""Runs joined into one table: arms by cases, each cell the mean of what was measured there.

Results belong to digests. The same version with the same practices, sampling and backend is one
arm across all runs, the same case is one case, and an answer that several runs share counts once.
Cases are distinguished by content: with other parameters, a case is a different one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from promptlab.analysis.answers import columns_of, placed, repeats
from promptlab.analysis.beside import others_of, people_of
from promptlab.analysis.cells import Cells, cells_of
from promptlab.analysis.groups import declared_groups, merged, same_answers, same_ids
from promptlab.analysis.labels import arm_labels, backend_names
from promptlab.core.measured import AT, MeasuredArm, MeasuredCase, MeasuredRun
from promptlab.core.passport import Passport, together
from promptlab.core.types import Arm, ScorerSpec, TemplateSource
from promptlab.templates.past import label_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_DIGITS = 12  # of a difference of scores: those beyond are due to rounding
_Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class JoinedArm:
    """One arm of the joined runs: all its settings over the runs, and its label in reports.

    `others` has, by the label of every other scorer, its mean score of each case, NaN where it has
    none; `people` what people say of its answer to each case, NaN where they were not asked.
    """

    arm: Arm
    label: str
    settings: tuple[MeasuredArm, ...]
    scorers: frozenset[tuple[str, str, str | None]]
    runs: frozenset[int]
    cells: Cells
    people: Floats
    others: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measurements:
    """The joined runs, in the order in which they were named.

    `groups` has a code for each case's group: the groups that the suite declares, but also cases of
    one id with several contents, and cases to which every arm gave the same answers. `declared` are
    the groups of the suite alone. `bounded` means that all scores lie between 0 and 1.
    """

    runs: tuple[MeasuredRun, ...]
    scorer: ScorerSpec
    arms: tuple[JoinedArm, ...]
    cases: tuple[MeasuredCase, ...]
    groups: Ints
    declared: Ints
    bounded: bool

    def passport_for(self, arms: Iterable[JoinedArm]) -> Passport | None:
        """Return how the judge of some arms was held against people, None if it was not.

        One that asks the model of each answer must have been for the models of all of them.
        """
        own = {model: passport for run in self.runs for model, passport in run.own.items()}
        if not own:
            return next((run.passport for run in self.runs if run.passport is not None), None)
        models = dict.fromkeys(each.backend_digest for arm in arms for each in arm.settings)
        known = [passport for model in models if (passport := own.get(model)) is not None]
        return together(known) if len(known) == len(models) else None

    @property
    def reduced(self) -> str | None:
        """Return what the repeats of a case were reduced to, None for their mean."""
        return self.scorer.reduce.of(max(run.repeats for run in self.runs))

    @property
    def largest(self) -> float:
        """Return the largest difference of a case: 1, or less if the suite says so and it holds."""
        bound = 1.0 if self.bounded else inf
        declared = self.scorer.largest
        return bound if declared is None or self.widest > declared else min(declared, bound)

    @property
    def widest(self) -> float:
        """Return the largest difference between two arms that was seen on a case."""
        scores = np.array([arm.cells.score for arm in self.arms])
        known = scores[:, ~np.isnan(scores).all(axis=0)]
        if not known.size:
            return 0.0
        apart = np.nanmax(known, axis=0) - np.nanmin(known, axis=0)
        return round(float(apart.max()), _DIGITS)

    @property
    def repeated(self) -> bool:
        """Return whether cases are grouped that their suite treats as different."""
        return int(self.groups.max(initial=-1)) < int(self.declared.max(initial=-1))

    def names(self, where: NDArray[np.bool_]) -> tuple[str, ...]:
        """Return the ids of the cases at these places."""
        return tuple(self.cases[place].id for place in np.flatnonzero(where))


def join(runs: Sequence[MeasuredRun]) -> Measurements:
    """Join runs by the label of one scorer; the first sets the order of arms and cases."""
    cases, case_at = _join_cases(runs)
    arms, arm_at = _join_arms(runs)
    parts: dict[str, Floats] = {}
    for run, *places in zip(runs, arm_at, case_at, strict=True):
        part = columns_of(run.rows)
        for name, at in zip(("arm", "case"), places, strict=True):
            with np.errstate(invalid="raise"):  # a place that is no number is damage, not place 0
                part[AT[name]] = np.array(at)[part[AT[name]].astype(int)]
        before = parts.get(run.info.run_id)
        parts[run.info.run_id] = part if before is None else np.concatenate([before, part], axis=1)
    counted = repeats(parts, len(arms), len(cases))
    columns = _counted_once(parts) if len(runs) > 1 else next(iter(parts.values()))
    cells = (len(arms), len(cases))
    others, people = (
        others_of(runs, arm_at, case_at, cells),
        people_of(runs, arm_at, case_at, cells),
    )
    known = columns[AT["score"]]
    bounded = bool(np.all((known >= 0) & (known <= 1) | np.isnan(known)))
    reduce = runs[0].scorer.reduce
    backends = backend_names(arms)
    labels = arm_labels(arms, backends)
    joined = tuple(
        JoinedArm(
            arm=replace(settings[0][1].arm, backend=backends[place]),
            label=labels[place],
            settings=tuple(setting for _, setting in settings),
            scorers=frozenset(
                (scorer.version, str(sorted(scorer.params.items())), scorer.identity)
                for scorer in (runs[number].scorer for number, _ in settings)
            ),
            runs=frozenset(number for number, _ in settings),
            cells=cells_of(
                columns[:, columns[AT["arm"]] == place], counted[place], reduce, bounded=bounded
            ),
            people=people[place],
            others={label: means[place] for label, means in others.items()},
        )
        for place, settings in enumerate(arms)
    )
    declared = declared_groups(cases)
    answers = np.array([arm.cells.answers for arm in joined])
    groups = merged(declared, same_ids(cases), same_answers(answers))
    return Measurements(tuple(runs), runs[0].scorer, joined, cases, groups, declared, bounded)


def by_backend(arms: Iterable[JoinedArm]) -> dict[str, list[JoinedArm]]:
    """Group arms by their backend."""
    grouped: defaultdict[str, list[JoinedArm]] = defaultdict(list)
    for arm in arms:
        grouped[arm.arm.backend].append(arm)
    return dict(grouped)


def only_text(run: MeasuredRun, text: TemplateSource, off: tuple[str, ...] = ()) -> MeasuredRun:
    """Return a run's results for one text with all practices but those in `off`, on every backend.

    If the run knows the text under several names, only those under the name asked for.
    """
    named = f"{text.name}@{label_of(text.version)}"
    named = " ".join([named, *(f"-{name}" for name in off)])
    kept = [arm.arm.digest == text.digest and arm.arm.off == off for arm in run.arms]
    if any(keep and arm.arm.prompt == named for keep, arm in zip(kept, run.arms, strict=True)):
        kept = [keep and arm.arm.prompt == named for keep, arm in zip(kept, run.arms, strict=True)]
    return only_arms(run, [place for place, keep in enumerate(kept) if keep])


def only_arms(run: MeasuredRun, places: Sequence[int]) -> MeasuredRun:
    """Return a run's results for the arms at these places."""
    at = {place: new for new, place in enumerate(places)}
    rows = placed(run.rows, "arm", places)
    others = {
        label: [(at[arm], case, score) for arm, case, score in scores if arm in at]
        for label, scores in run.others.items()
    }
    labels = [(at[arm], case, label) for arm, case, label in run.labels if arm in at]
    arms = tuple(run.arms[place] for place in places)
    sequential = run.sequential
    if sequential is not None:
        pairs = tuple((at[a], at[b]) for a, b in sequential.pairs if a in at and b in at)
        sequential = replace(sequential, pairs=pairs)
    return replace(run, arms=arms, rows=rows, others=others, labels=labels, sequential=sequential)


def chosen_arms(table: Measurements, places: Sequence[int]) -> Measurements:
    """Return joined runs with the arms at these places alone; runs without any are left out."""
    kept = {id(setting) for place in places for setting in table.arms[place].settings}
    runs = [
        (run, [at for at, measured in enumerate(run.arms) if id(measured) in kept])
        for run in table.runs
    ]
    return join([only_arms(run, at) for run, at in runs if at])


def _join_cases(
    runs: Sequence[MeasuredRun],
) -> tuple[tuple[MeasuredCase, ...], list[list[int]]]:
    """Return all cases, and for each run the place of each of its cases among them."""
    own = runs[0].cases
    if len(runs) == 1 and len({case.digest for case in own}) == len(own):
        return own, [[*range(len(own))] or [0]]
    known: dict[str, MeasuredCase] = {}
    for run in runs:
        for case in run.cases:
            known.setdefault(case.digest, case)
    at = {digest: place for place, digest in enumerate(known)}
    return tuple(known.values()), [[at[case.digest] for case in run.cases] or [0] for run in runs]


def _join_arms(
    runs: Sequence[MeasuredRun],
) -> tuple[list[list[tuple[int, MeasuredArm]]], list[list[int]]]:
    """Return the arms, each with its settings by run, and for each run the places of its arms.

    Two labels of one text are one arm, unless a run compares them with each other.
    """
    rivals = {
        key
        for run in runs
        for key, count in Counter(_key(measured) for measured in run.arms).items()
        if count > 1
    }
    known: dict[_Key, int] = {}
    arms: list[list[tuple[int, MeasuredArm]]] = []
    places = []
    for number, run in enumerate(runs):
        at = []
        for measured in run.arms:
            key = _key(measured)
            if key in rivals:
                key = (*key, measured.arm.prompt)
            if key not in known:
                known[key] = len(arms)
                arms.append([])
            arms[known[key]].append((number, measured))
            at.append(known[key])
        places.append(at)
    return arms, places


def _key(measured: MeasuredArm) -> _Key:
    arm = measured.arm
    return arm.digest, arm.off, arm.backend, measured.backend_digest, arm.sampling


def _counted_once(parts: Mapping[str, Floats]) -> Floats:
    """Keep one copy of what several runs share, and an unscored trial only if no scored one exists.

    `parts` are columns by run. A trial is identified by arm, case, repeat and the answer that was
    graded; if the answer is unknown, each run counts as a measurement of its own.
    """
    columns = np.concatenate(list(parts.values()), axis=1)
    runs = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts.values()])
    scored = ~np.isnan(columns[AT["score"]])
    unknown = np.where(scored, -2.0 - runs, -1.0)
    answers = columns[AT["generation"]]
    answers = np.where(np.isnan(answers), unknown, answers)
    order = np.argsort(~scored, kind="stable")  # scored ones first
    columns, answers = columns[:, order], answers[order]
    cells = columns[[AT["arm"], AT["case"], AT["repeat"]]]
    _, first = np.unique(np.vstack([cells, answers]), axis=1, return_index=True)
    first.sort()
    columns, cells = columns[:, first], cells[:, first]
    unscored = np.isnan(columns[AT["score"]])
    _, code = np.unique(cells, axis=1, return_inverse=True)
    measured = np.bincount(code.ravel(), weights=~unscored) > 0
    kept: Floats = columns[:, ~(unscored & measured[code.ravel()])]
    return kept
