"""What a reader of a verdict should know: where arms differ in more than their prompt.

It computes no statistics and blocks no verdict; `doubts` does that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from promptlab.analysis import early
from promptlab.analysis.conclude import FEW, Effect
from promptlab.analysis.measurements import Measurements
from promptlab.analysis.sides import (
    Side,
    Where,
    has_any,
    lone_cases,
    missing_repeats,
    named,
    on_backends,
    share,
    too_few_shared,
)
from promptlab.core.codes import Code
from promptlab.core.decision import Limits
from promptlab.core.measured import MeasuredRun
from promptlab.core.reasons import Reason
from promptlab.core.types import Json, Sampling
from promptlab.experiments.sample import told

_WORTH_A_NOTE = 0.02  # share of answers cut off


def of_the_table(table: Measurements) -> list[Reason]:
    """Return what weakens every contrast of these runs."""
    reasons = []
    if table.repeated:
        text = "cases of one id, or with the same answers, are one piece of evidence each"
        reasons.append(Reason(Code.REPEATED_CASES, text))
    reasons += _ungraded(table)
    for run in table.runs:
        reasons += _part_of_the_suite(run)
        if run.sequential is not None and run.reused:
            stored = run.info.stored
            text = (
                f"{run.reused} of {stored} trials had answers of earlier runs:"
                " this is a second look at them"
            )
            about: dict[str, Json] = {
                "run": run.info.run_id,
                "reused": run.reused,
                "stored": stored,
            }
            reasons.append(Reason(Code.ANSWERS_REUSED, text, about))
    return reasons


def _part_of_the_suite(run: MeasuredRun) -> Iterator[Reason]:
    """Yield which cases a run took, if not all, and which of them were seen before."""
    cases, part = len(run.cases), run.part
    if part.of is not None and part.of > cases:
        about: dict[str, Json] = {"cases": cases, "of": part.of, "seed": run.seed}
        yield Reason(Code.SAMPLE_OF_CASES, told(cases, part.of, run.seed), about)
    elif part.first:
        text = f"the first {cases:,} cases of the file: run again, -n draws a sample now"
        yield Reason(Code.FIRST_CASES, text, {"cases": cases})
    if part.developed:
        text = f"{part.developed:,} of {cases:,} cases are of the side for development"
        about = {"developed": part.developed, "cases": cases}
        yield Reason(Code.DEVELOPED_BEFORE, f"{text}: confirm it with --split holdout", about)


def of_the_sides(
    table: Measurements, a: Side, b: Side, within: Where, limits: Limits
) -> list[Reason]:
    """Return how two sides differ apart from the prompt, and what weakens the contrast."""
    both = (*a, *b)
    reasons = [*_settings(a, b), *_servers(table, a, b), *_facts(table, both)]
    reasons += _added(table, a, b, within, limits)
    reasons += _lost_repeats(table, a, b, within, limits)
    if any(table.runs[number].split == "dev" for arm in both for number in arm.runs):
        text = "these are the cases for development: confirm it with --split holdout"
        reasons.append(Reason(Code.DEVELOPMENT_CASES, text))
    reasons += _cut_off(table, a, b, within)
    count = int((within & has_any(a) & has_any(b)).sum())
    if count < FEW:
        reasons.append(Reason(Code.EXPLORATORY, f"exploratory: {count} cases", {"cases": count}))
    return reasons


def without_failures(table: Measurements, a: Side, b: Side, within: Where) -> list[Reason]:
    """Return the difference without the failed trials, which count as 0, if there are any."""
    failed = sum(int(arm.cells.failed[within].sum()) for arm in (*a, *b))
    if not failed:
        return []
    if not table.bounded:
        text = f"{failed} trials without a score are left out"
        return [Reason(Code.FAILURES_LEFT_OUT, text, {"failed": failed})]
    sides = [np.mean([arm.cells.complete[within] for arm in side], axis=0) for side in (a, b)]
    d = sides[1] - sides[0]
    d = d[~np.isnan(d)]
    delta = float(d.mean()) if d.size else None
    rest = "unknown" if delta is None else f"{delta:+.4g}"
    text = f"{failed} trials without a score count as 0; without them the difference is {rest}"
    return [Reason(Code.FAILURES_AS_ZERO, text, {"failed": failed, "delta_without": delta})]


def of_the_stop(table: Measurements, observed: Effect, look: early.Look | None) -> list[Reason]:
    """Return what to know of a run that ended before its last case."""
    if look is None:
        return []
    unit = "groups of cases" if observed.n_groups < observed.n else "cases"
    if look.at is not None:
        text = f"decided after {look.at} {unit}"
        if not look.within:  # what lies within a margin was not stopped for being large
            text += ": the difference itself is optimistic"
        return [Reason(Code.STOPPED_EARLY, text, {"after": look.at, "unit": unit})]
    run = table.runs[0].info
    if look.complete or run.status != "finished":
        return []
    after, of = look.sums.size, int(table.declared.max(initial=-1)) + 1
    text = (
        f"run {run.run_id} stopped after {after} of {of} {unit}, which decide nothing by this"
        " scorer and today's rule: run the suite again for the others"
    )
    about: dict[str, Json] = {"run": run.run_id, "after": after, "of": of, "unit": unit}
    return [Reason(Code.STOPPED_UNDECIDED, text, about)]


def _cut_off(table: Measurements, a: Side, b: Side, within: Where) -> Iterator[Reason]:
    for side in (a, b):
        cut_off = share(side, within, "truncated")
        if cut_off > _WORTH_A_NOTE:
            whom = named(table, side)
            text = f"{cut_off * 100:.0f} % of the answers of {whom.name} were cut off"
            yield Reason(Code.ANSWERS_CUT_OFF, text, whom.about | {"share": cut_off})


def _added(
    table: Measurements, a: Side, b: Side, within: Where, limits: Limits
) -> Iterator[Reason]:
    """Yield the cases that only one side has, if they are few enough for a verdict."""
    if not too_few_shared(table, a, b, within, limits):
        for lone in lone_cases(table, a, b, within):
            yield Reason(Code.LONE_CASES, lone.text, lone.side.about | {"cases": [*lone.cases]})


def _lost_repeats(
    table: Measurements, a: Side, b: Side, within: Where, limits: Limits
) -> Iterator[Reason]:
    """Yield that repeats are missing, if they are few enough for a verdict."""
    counts = [missing_repeats(table, side, within) for side in (a, b)]
    shares = [missing / planned if planned else 0.0 for missing, planned in counts]
    unfair = abs(shares[0] - shares[1]) > limits.max_failure_gap
    if not any(shares) or unfair or max(shares) > limits.max_missing:
        return
    lacking = " and ".join(
        f"{named(table, side).name} lacks {missing} of {planned} repeats"
        for side, (missing, planned) in zip((a, b), counts, strict=True)
        if missing
    )
    missing, planned = zip(*counts, strict=True)
    yield Reason(Code.LONE_REPEATS, lacking, {"missing": [*missing], "planned": [*planned]})


def _ungraded(table: Measurements) -> Iterator[Reason]:
    """Yield the cases that no arm has a score on, failures apart: the scorer did not see them."""
    if any(run.sequential is not None or run.info.stored < run.info.trials for run in table.runs):
        return
    graded = has_any(table.arms)
    cases = table.names(~graded)
    if cases and graded.any():
        scorer = table.scorer.label
        text = f"{len(cases)} of {graded.size} cases have no score by {scorer}"
        yield Reason(Code.CASES_WITHOUT_SCORES, text, {"scorer": scorer, "cases": [*cases]})


def _settings(a: Side, b: Side) -> Iterator[Reason]:
    for name in Sampling.__slots__:
        first, second = (
            sorted(
                {
                    _or_none(getattr(setting.arm.sampling, name))
                    for arm in side
                    for setting in arm.settings
                }
            )
            for side in (a, b)
        )
        if first != second:
            text = f"sampling differs: {name} {', '.join(first)} and {', '.join(second)}"
            about: dict[str, Json] = {"setting": name, "a": [*first], "b": [*second]}
            yield Reason(Code.SAMPLING_DIFFERS, text, about)


def _or_none(value: object) -> str:
    return "none" if value in (None, ()) else str(value)


def _servers(table: Measurements, a: Side, b: Side) -> Iterator[Reason]:
    """Yield differences in models and server configurations."""
    for arm in (*a, *b):
        models = sorted(_values([arm], "models"))
        if len(models) > 1:
            backend = arm.arm.backend
            name = f"{arm.label}{on_backends(table, backend)}"
            text = f"several models answered {name}: {', '.join(models)}"
            about: dict[str, Json] = {
                "arms": [arm.label], "backend": backend, "models": [*models],
            }  # fmt: skip
            yield Reason(Code.SEVERAL_MODELS, text, about)
    for backend in dict.fromkeys(arm.arm.backend for arm in a):
        arms_a, arms_b = ([arm for arm in side if arm.arm.backend == backend] for side in (a, b))
        for code, what, name in (
            (Code.MODEL_DIFFERS, "the model", "models"),
            (Code.SERVER_DIFFERS, "the server's configuration", "fingerprints"),
        ):
            first, second = sorted(_values(arms_a, name)), sorted(_values(arms_b, name))
            if first and second and first != second:
                text = f"{what}{_of(table, backend)} differs: "
                text += f"{', '.join(first)} and {', '.join(second)}"
                yield Reason(code, text, {"backend": backend, "a": [*first], "b": [*second]})


def _of(table: Measurements, backend: str) -> str:
    return on_backends(table, backend).replace(" on ", " of ", 1)


def _values(arms: Side, name: str) -> set[str]:
    return set().union(*(getattr(setting, name) for arm in arms for setting in arm.settings))


def _facts(table: Measurements, arms: Side) -> Iterator[Reason]:
    """Yield where runs differ in a backend's facts: revision, device, batch size.

    Also what the backend did not honour, which its answers report too.
    """
    known: dict[tuple[str, str], set[str]] = {}
    ignored = _values(arms, "warnings")
    for arm in arms:
        for number in arm.runs:
            backend = arm.settings[0].arm.backend  # the name that the run uses
            facts = table.runs[number].info.facts.get(backend)
            if facts is not None:
                for name, value in _flat(facts.details):
                    known.setdefault((backend, name), set()).add(value)
                ignored.update(facts.not_honoured)
    for (backend, name), values in sorted(known.items()):
        if len(values) > 1:
            text = f"{name} of {backend} differs: {' and '.join(sorted(values))}"
            about: dict[str, Json] = {
                "backend": backend, "property": name, "values": [*sorted(values)],
            }  # fmt: skip
            yield Reason(Code.BACKEND_DIFFERS, text, about)
    for what in sorted(ignored):
        yield Reason(Code.NOT_HONOURED, f"not honoured: {what}", {"what": what})


def _flat(details: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Yield the details, flattening nested ones to one entry per key."""
    for name, value in details.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}'s {key}", str(item)) for key, item in value.items())
        else:
            yield name, str(value)
