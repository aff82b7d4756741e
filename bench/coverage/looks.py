"""Looks at equal versions by every verb, and how the data of each are drawn.

A look takes a database and returns the rows that it tells. All arms of a run are equally good,
unless a draw says otherwise; a case is easy or hard for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from bench.coverage.draws import RULE, Chance, Drawn, Floats, Ints, arm_of, measured_run
from bench.coverage.families import passes as correlated
from bench.coverage.practices import without
from promptlab.analysis.contrast import Contrast
from promptlab.analysis.measurements import Measurements, join, only_text
from promptlab.analysis.practices import practice_effects
from promptlab.core.measured import MeasuredArm, MeasuredCase, MeasuredRun
from promptlab.core.runs import RunSettings
from promptlab.core.types import BackendSpec, Case, Plan, ScorerSpec, Sequential, TemplateSource
from promptlab.experiments.sample import sampled, shuffled
from promptlab.importers.outcome_rows import OutcomeRow
from promptlab.importers.outcomes import gather
from promptlab.store import Store
from promptlab.workbench.ledger import compared, practised
from promptlab.workbench.measured import Side, compared_pair
from promptlab.workbench.ordering import in_first_order

Rows = Sequence[Contrast]

WHOLE = RunSettings()
TAGGED, NAMED = RunSettings(tags=("a",)), RunSettings(case_ids=("c0",))
TESTS = 10  # how often one looks, where nothing else is said


class Look(NamedTuple):
    """One look by a verb: what it tells, from a database."""

    verb: str
    rows: Callable[[Store], Rows]


# What a verb tells.


def compare(run: MeasuredRun, baseline: str | None = None) -> Look:
    """Look as `compare` does, with all pairs or against a baseline."""
    return Look("compare", lambda store: compared(store, (join([run]),), RULE, baseline=baseline))


def by_scorer(tables: Sequence[Measurements], place: int) -> Look:
    """Look as `compare --scorer` does; the first of these tables has the primary scorer."""

    def rows(store: Store) -> Rows:
        others = [one for at, one in enumerate(tables) if at not in (0, place)] if place else []
        return compared(store, (tables[place], *others), RULE)

    return Look("the primary scorer" if not place else "the others", rows)


def diff(first: MeasuredRun, second: MeasuredRun, a: int, b: int) -> Look:
    """Look as `diff` does, at an arm of a run and one of the same, or of another."""
    one, other = Side(_text(first.arms[a]), (first,)), Side(_text(second.arms[b]), (second,))
    return Look("diff", lambda store: compared_pair(store, one, other, RULE))


def practices(run: MeasuredRun) -> Look:
    """Look as `practices` does."""

    def rows(store: Store) -> Rows:
        table = join([run])
        comparing = partial(compared, store, (table,), RULE)
        judging = partial(practised, store, table, RULE)
        return practice_effects(table, RULE, comparing, judging).effects

    return Look("practices", rows)


def until_decided(run: MeasuredRun, plan: Plan) -> Look:
    """Look as `run --until-decided` does at stored answers, in the order that the store allows.

    `run` has all answers, and its cases in the order of the first plan.
    """

    def rows(store: Store) -> Rows:
        number = f"r{plan.seed}"
        ordered, _ = in_first_order(store, replace(plan, cases=shuffled(plan.cases, plan.seed)))
        store.begin_run(number, ordered)
        at = {case.id: place for place, case in enumerate(ordered.cases)}
        named = {case.id: case for case in run.cases}
        trials = [(row[0], at[run.cases[int(row[1] or 0)].id], *row[2:]) for row in run.rows]
        again = replace(
            run,
            info=replace(run.info, run_id=number),
            seed=plan.seed,
            sequential=ordered.sequential,
            cases=tuple(named[case.id] for case in ordered.cases),
            rows=trials,
        )
        return compared(store, (join([again]),), RULE)

    return Look("compare", rows)


def _text(measured: MeasuredArm) -> TemplateSource:
    arm = measured.arm
    return TemplateSource(arm.template, arm.version, "", {}, arm.digest)


# How looks are drawn.


def passes(chance: Chance, arms: int, n: int, repeats: int = 1) -> Floats:
    """Return passes and failures of shape (arms, cases, repeats)."""
    ease = chance.random(n)[None, :, None]
    return (chance.random((arms, n, repeats)) < ease).astype(np.float64)


def part(
    scores: Floats,
    places: Sequence[int] | Ints,
    number: int,
    settings: RunSettings = WHOLE,
    split: str = "all",
) -> MeasuredRun:
    """Return a run on the cases at these places of a suite, chosen by these settings."""
    taken = np.asarray(places)
    run = measured_run(Drawn(scores[:, taken], means=(0.0,) * len(scores)), number)
    cases = tuple(MeasuredCase(f"c{place}", None, f"d:{place}") for place in taken.tolist())
    return replace(run, cases=cases, split=split, info=replace(run.info, settings=settings))


def repeated(chance: Chance, n: int) -> list[Look]:
    """Return one more repeat at each look."""
    scores = passes(chance, 2, n, TESTS)
    return [compare(part(scores[:, :, :k], range(n), k)) for k in range(1, TESTS + 1)]


def anew(chance: Chance, n: int) -> list[Look]:
    """Return new answers at each look."""
    scores = passes(chance, 2, n, TESTS)
    return [compare(part(scores[:, :, k : k + 1], range(n), k + 1)) for k in range(TESTS)]


def grown(chance: Chance, sizes: Sequence[int]) -> list[Look]:
    """Return more cases at each look."""
    scores = passes(chance, 2, sizes[-1])
    return [compare(part(scores, range(size), number)) for number, size in enumerate(sizes, 1)]


def imported(chance: Chance, sizes: Sequence[int]) -> list[Look]:
    """Return more cases at each look, by files that are imported as one suite."""
    scores = passes(chance, 2, sizes[-1])
    return [compare(_import(scores[:, :size], number)) for number, size in enumerate(sizes, 1)]


def _import(scores: Floats, number: int) -> MeasuredRun:
    plan = gather(_outcomes(scores), "s", f"{number}.csv").plan
    digests = {spec.name: spec.digest for spec in plan.backends}
    return replace(
        measured_run(Drawn(scores, means=(0.0, 0.0)), number),
        arms=tuple(MeasuredArm(arm, digests[arm.backend]) for arm in plan.arms),
        cases=tuple(MeasuredCase(case.id, case.group, case.digest) for case in plan.cases),
        scorer=plan.scorers[0],
    )


def _outcomes(scores: Floats) -> Iterator[OutcomeRow]:
    for place in range(scores.shape[1]):
        for arm, score in enumerate(scores[:, place, 0].tolist()):
            yield OutcomeRow("a line", f"v{arm}", f"c{place}", score)


def halves(chance: Chance, n: int) -> list[Look]:
    """Return a half of the cases at each look, drawn anew."""
    scores = passes(chance, 2, n)
    order = [np.sort(chance.permutation(n)[: n // 2]) for _ in range(TESTS)]
    return [compare(part(scores, places, number, TAGGED)) for number, places in enumerate(order, 1)]


def selected(chance: Chance, n: int) -> list[Look]:
    """Return parts of the cases as options select them: all, by tag, by name, by number, by split.

    Two tags, and two lists of names, have no case in common.
    """
    scores = passes(chance, 2, n)
    tag = chance.random(n) < 0.5
    held_out = chance.random(n) < 0.4
    cases = _cases(n)
    by_number = [[int(one.id[1:]) for one in sampled(cases, n // 2, seed)] for seed in range(3)]
    limited = RunSettings(limit=n // 2)
    chosen: list[tuple[Sequence[int] | Ints, RunSettings, str]] = [
        (np.flatnonzero(tag), TAGGED, "all"),
        (np.flatnonzero(~tag), TAGGED, "all"),
        (by_number[0], limited, "all"),
        (range(n // 3), NAMED, "all"),
        (np.flatnonzero(~held_out), WHOLE, "dev"),
        (range(n // 3, n), NAMED, "all"),
        (by_number[1], limited, "all"),
        (range(n), WHOLE, "all"),
        (np.flatnonzero(~tag & ~held_out), TAGGED, "dev"),
        (by_number[2], limited, "all"),
    ]
    return [
        compare(part(scores, at, 1 + k, settings, split))
        for k, (at, settings, split) in enumerate(chosen)
    ]


def apart(chance: Chance, tags: int, n: int) -> list[Look]:
    """Return the cases of one tag at each look, none of which has another, and then all of them."""
    scores = passes(chance, 2, n)
    order = np.array_split(chance.permutation(n), tags)
    chosen = [np.sort(places) for places in order]
    looks = [compare(part(scores, at, 1 + k, TAGGED)) for k, at in enumerate(chosen)]
    return [*looks, compare(part(scores, range(n), tags + 1))]


def in_turns(chance: Chance, n: int) -> list[Look]:
    """Return a version against the first one on a holdout, another one at each look."""
    scores = passes(chance, 6, n)
    looks = []
    for version in range(1, 6):
        run = part(scores[[0, version]], range(n), version)
        arms = (arm_of("v0"), arm_of(f"v{version}"))
        looks.append(compare(replace(run, arms=arms, split="holdout")))
    return looks


def turned(chance: Chance, n: int) -> list[Look]:
    """Return another baseline at each look, then all pairs."""
    run = part(passes(chance, 5, n), range(n), 1)
    return [*(compare(run, f"t@v{version}") for version in range(4)), compare(run)]


def graded(chance: Chance, n: int, scorers: int) -> list[Look]:
    """Return scorers one by one, which agree more than they differ; the first is primary."""
    grades = correlated(chance, n, (0.6,) * (2 * scorers)).reshape(scorers, 2, n)
    runs = [
        replace(
            measured_run(Drawn(both, means=(0.6, 0.6))),
            scorer=ScorerSpec(f"s{place}", f"s{place}", "1", {}),
        )
        for place, both in enumerate(grades)
    ]
    tables = [join([run]) for run in runs]
    return [by_scorer(tables, place) for place in range(scorers)]


def by_all_verbs(chance: Chance, n: int, arms: Sequence[MeasuredArm]) -> list[Look]:
    """Return looks by `compare` with one baseline and another, by `diff`, and by `practices`."""
    scores = passes(chance, len(arms), n)
    run = replace(part(scores, range(n), 1), arms=tuple(arms))
    labels = [arm.label for arm in join([run]).arms]
    whole = [place for place, arm in enumerate(arms) if not arm.arm.off]
    pairs = [(a, b) for a in whole for b in whole if a < b]
    return [
        *(compare(run, label) for label in labels[:2]),
        *(diff(run, run, a, b) for a, b in pairs),
        practices(run),
    ]


def practices_alone() -> list[MeasuredArm]:
    """Return a version without practices, and one for each of three practices."""
    return [arm_of("v0"), *(arm_of(f"v{one}", practices=(one,)) for one in "abc")]


def two_by_two() -> list[MeasuredArm]:
    """Return a version with two practices and its copies without one of them and without both."""
    whole = arm_of("v0", practices=("a", "b"))
    return [whole, *(without(whole, off) for off in (("a",), ("b",), ("a", "b")))]


def run_apart(chance: Chance, n: int, versions: int) -> list[Look]:
    """Return `diff` of every pair of versions, each of which was run by itself."""
    whole = part(passes(chance, versions, n), range(n), 1)
    runs = []
    for place, arm in enumerate(whole.arms):
        run = only_text(whole, _text(arm))
        runs.append(replace(run, info=replace(run.info, run_id=f"r{place}")))
    pairs = [(a, b) for b in range(versions) for a in range(b)]
    return [diff(runs[a], runs[b], 0, 0) for a, b in pairs]


def raced(chance: Chance, n: int, by: int = 1) -> list[Look]:
    """Return a run that was declared to stop early, looked at after every so many cases."""
    return _growing(part(passes(chance, 2, n), range(n), 1), range(12, n + 1, by))


def raced_again(chance: Chance, n: int) -> list[Look]:
    """Return a look at all cases, then two runs with new answers that were declared to stop."""
    scores = passes(chance, 2, n, 3)
    runs = [part(scores[:, :, k : k + 1], range(n), k + 1) for k in range(3)]
    sizes = range(10, n + 1, 10)
    return [compare(runs[0]), *_growing(runs[1], sizes), *_growing(runs[2], sizes)]


def _growing(whole: MeasuredRun, sizes: Sequence[int]) -> list[Look]:
    rows = sorted(whole.rows, key=lambda row: row[1] or 0)  # case by case, as a run has them
    declared = replace(whole, sequential=Sequential(RULE.alpha, ((0, 1),)))
    return [compare(replace(declared, rows=rows[: 2 * cases])) for cases in sizes]


def reordered(chance: Chance, n: int) -> list[Look]:
    """Return stored answers, with another seed of `--until-decided` at each look."""
    run = part(passes(chance, 2, n), range(n), 1)
    cases = _cases(n)
    run = replace(run, cases=tuple(MeasuredCase(one.id, None, one.digest) for one in cases))
    plan = Plan(
        suite="s",
        arms=tuple(arm.arm for arm in run.arms),
        cases=cases,
        scorers=(run.scorer,),
        primary=run.scorer.label,
        templates=tuple(map(_text, run.arms)),
        backends=(BackendSpec("m", "echo", None, {}, {}, "d:m"),),
        sequential=Sequential(RULE.alpha, ((0, 1),)),
    )
    first = int(chance.integers(1_000))
    return [until_decided(run, replace(plan, seed=first + at)) for at in range(TESTS)]


def _cases(n: int) -> tuple[Case, ...]:
    return tuple(Case(f"c{place}", {}, None, (), None, f"d:{place}") for place in range(n))


def twice(chance: Chance, n: int) -> list[Look]:
    """Return a true difference of 10 points, where 30 % of the cases differ, at 60 and at all."""
    signs = np.where(chance.random(n) < 2 / 3, 1.0, -1.0)
    d = np.where(chance.random(n) < 0.3, signs, 0.0)
    base = np.where(d == 0, (chance.random(n) < 0.6).astype(float), (d < 0).astype(float))
    scores = np.stack([base, base + d])[:, :, None]
    return [compare(part(scores, range(size), size)) for size in (60, n)]
