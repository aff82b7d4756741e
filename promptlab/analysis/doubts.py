"""Why a comparison bears no verdict, and what a reader of it should know.

`refusals` stop a verdict: the way the numbers came about makes it worthless. `warnings` stand
beside it: the arms differ in more than their prompt. It computes no statistics.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from promptlab.analysis import early
from promptlab.analysis.conclude import FEW, untrusted
from promptlab.analysis.measurements import JoinedArm, Measurements
from promptlab.core.decision import Limits, Rule
from promptlab.core.results import MeasuredRun
from promptlab.core.types import Json, Sampling

Side = Sequence[JoinedArm]
Where = NDArray[np.bool_]

IDENTICAL = "both arms share every answer: they are the same prompt under two names"
_NAMED = 3  # cases named in a line
_WORTH_TELLING = 0.02  # share of answers cut off
_NOT_HONOURED = "not_honoured"
_HARMLESS = {_NOT_HONOURED, "weights"}  # facts that change no answer: where weights were found


def refusals(table: Measurements, a: Side, b: Side, within: Where, rule: Rule) -> list[str]:
    """Return why two sides bear no verdict, whatever their numbers: a line each."""
    if _identical(a, b, within):
        return [IDENTICAL]
    numbers = set().union(*(arm.runs for arm in (*a, *b)))
    runs = [table.runs[number] for number in sorted(numbers)]
    reasons = [line for run in runs if (line := _broken_off(run, bounded=table.bounded))]
    if reasons:
        return reasons  # what else is missing comes from this
    if (line := _graded_otherwise(table.scorer.label, (*a, *b), runs)) is not None:
        reasons.append(line)
    if (line := _peeked(table, a, b, within, runs)) is not None:
        reasons.append(line)
    reasons += _different_cases(table, a, b, within, rule.limits)
    reasons += _failures(a, b, within, rule.limits)
    if table.scorer.judge:
        judge = table.scorer.label
        line = untrusted(judge, rule.judges.get(judge), rule.limits)
        reasons += [line] if line else []
    return reasons


def _identical(a: Side, b: Side, within: Where) -> bool:
    """Tell whether every answer of both sides is the same stored one, failed trials aside."""
    by_backend = {arm.arm.backend: arm.cells for arm in a}
    if len(by_backend) < len(a) or len(a) != len(b):
        return False
    for arm in b:
        other = by_backend.get(arm.arm.backend)
        if other is None:
            return False
        both = within & arm.cells.measured & other.measured
        ours, theirs = arm.cells.answers[both], other.answers[both]
        same = (ours == theirs) & (ours != 0)
        failed = (arm.cells.failed[both] > 0) | (other.failed[both] > 0)
        if not same.any() or not np.all(same | failed):
            return False
    return True


def _broken_off(run: MeasuredRun, *, bounded: bool) -> str | None:
    """Refuse a run that was broken off: whoever stops when they like what they see finds much.

    One that may stop early may be looked at any time, as long as its scores are `bounded`.
    """
    if (run.sequential is not None and bounded) or run.info.stored >= run.info.trials:
        return None
    return f"run {run.info.run_id} is not finished ({run.info.stored} of {run.info.trials} trials)"


def _peeked(
    table: Measurements, a: Side, b: Side, within: Where, runs: Sequence[MeasuredRun]
) -> str | None:
    """Refuse what was stopped by looking: in steps by `--limit`, or early for another question."""
    steps = sorted(set().union(*(run.looks for run in runs)))
    if steps:
        told = ", ".join(map(str, steps))
        return f"looked at after {told} cases before: run the whole suite, or use --until-decided"
    stopped = [run for run in runs if run.sequential is not None]
    if stopped and not early.asked_about(table, a, b, within):
        return f"run {stopped[0].info.run_id} stopped its arms early for another comparison"
    return None


def _graded_otherwise(label: str, both: Side, runs: Sequence[MeasuredRun]) -> str | None:
    """Refuse scores by different rules. Of an old run only the version is known: it has to do."""
    graders = set().union(*(arm.scorers for arm in both))
    versions, params, identities = map(set, zip(*graders, strict=True))
    if len(params) > 1:
        return f"the scorer {label!r} has other parameters in each run: run the suite again"
    if len(versions) == 1 and len(identities - {None}) <= 1:
        return None
    again = "; ".join(f"promptlab score {run.info.run_id}" for run in runs)
    return f"the scorer {label!r} changed between the runs: grade both again ({again})"


def _different_cases(
    table: Measurements, a: Side, b: Side, within: Where, limits: Limits
) -> list[str]:
    if early.asked_about(table, a, b, within):
        return []  # the arms were stopped one by one, on purpose and by the rule
    only_a, only_b = _only(a, b, within), _only(b, a, within)
    every = int((_has_any(a) | _has_any(b))[within].sum())
    missing = int(only_a.sum() + only_b.sum())
    if every and missing / every <= limits.max_missing:
        return []
    told = [
        f"{name} alone has {_listed(table.names(where))}"
        for name, where in zip(_names(a, b), (only_a, only_b), strict=True)
        if where.any()
    ]
    return [f"the arms ran on different cases: {', '.join(told) or 'there is none'}"]


def _failures(a: Side, b: Side, within: Where, limits: Limits) -> list[str]:
    shares = [_share(side, within, "failed") for side in (a, b)]
    told = " and ".join(f"{share * 100:.1f} %" for share in shares)
    if max(shares) > limits.max_missing:
        return [f"{told} of the trials have no score"]
    if abs(shares[0] - shares[1]) > limits.max_failure_gap:
        return [f"one arm failed more often: {told} of the trials have no score"]
    return []


def _share(side: Side, within: Where, name: str) -> float:
    counted = sum(int(getattr(arm.cells, name)[within].sum()) for arm in side)
    trials = sum(int(arm.cells.trials[within].sum()) for arm in side)
    return counted / trials if trials else 0.0


def _has_any(side: Side) -> Where:
    found: Where = np.any([arm.cells.measured for arm in side], axis=0)
    return found


def _only(a: Side, b: Side, within: Where) -> Where:
    """Return the cases that one side has and the other lacks, on some backend."""
    has_all: Where = np.all([arm.cells.measured for arm in b], axis=0)
    return within & _has_any(a) & ~has_all


def _names(a: Side, b: Side) -> tuple[str, str]:
    """Name both sides: by their labels, or where these are the same by their backends."""
    ours, theirs = (list(dict.fromkeys(arm.label for arm in side)) for side in (a, b))
    if ours == theirs:
        ours, theirs = ([f"{arm.label} on {arm.arm.backend}" for arm in side] for side in (a, b))
    return _listed(ours, 1), _listed(theirs, 1)


def _listed(names: Sequence[str], most: int = _NAMED) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def warnings(table: Measurements, a: Side, b: Side, within: Where, limits: Limits) -> list[str]:
    """Return in what two sides differ beside the prompt, and what weakens them: a line each."""
    both = (*a, *b)
    lines = [*_settings(a, b), *_servers(a, b), *_facts(table, both)]
    lines += _added(table, a, b, within, limits)
    if any(table.runs[number].split == "dev" for arm in both for number in arm.runs):
        lines.append("these are the cases for development: confirm it with --split holdout")
    for side, name in zip((a, b), _names(a, b), strict=True):
        share = _share(side, within, "truncated")
        if share > _WORTH_TELLING:
            lines.append(f"{share * 100:.0f} % of the answers of {name} were cut off")
    count = int((within & _has_any(a) & _has_any(b)).sum())
    if count < FEW:
        lines.append(f"exploratory: {count} cases")
    return lines


def of_the_table(table: Measurements) -> list[str]:
    """Return what weakens every contrast of these runs: a line each."""
    lines = []
    if table.repeated:
        lines.append("cases of one id, or with the same answers, are one piece of evidence each")
    for run in table.runs:
        if run.sequential is not None and run.reused:
            told = f"{run.reused} of {run.info.stored} trials had answers of earlier runs"
            lines.append(f"{told}: this is a second look at them")
    return lines


def without_failures(table: Measurements, a: Side, b: Side, within: Where) -> list[str]:
    """Say what the difference is without the failed trials, which count as 0, if there are any."""
    failed = sum(int(arm.cells.failed[within].sum()) for arm in (*a, *b))
    if not failed:
        return []
    if not table.bounded:
        return [f"{failed} trials without a score are left out"]
    sides = [np.mean([arm.cells.complete[within] for arm in side], axis=0) for side in (a, b)]
    d = sides[1] - sides[0]
    d = d[~np.isnan(d)]
    rest = f"{d.mean():+.4g}" if d.size else "unknown"
    return [f"{failed} trials without a score count as 0; without them the difference is {rest}"]


def _added(table: Measurements, a: Side, b: Side, within: Where, limits: Limits) -> list[str]:
    """Name cases that only one side has, where they are few enough for a verdict."""
    if early.asked_about(table, a, b, within) or _different_cases(table, a, b, within, limits):
        return []
    only = (_only(a, b, within), _only(b, a, within))
    return [
        f"{name} alone has {_listed(table.names(where))}"
        for name, where in zip(_names(a, b), only, strict=True)
        if where.any()
    ]


def _settings(a: Side, b: Side) -> list[str]:
    lines = []
    for name in Sampling.__slots__:
        ours, theirs = (
            sorted({_told(getattr(had.arm.sampling, name)) for arm in side for had in arm.settings})
            for side in (a, b)
        )
        if ours != theirs:
            lines.append(f"sampling differs: {name} {', '.join(ours)} and {', '.join(theirs)}")
    return lines


def _told(value: object) -> str:
    return "none" if value in (None, ()) else str(value)


def _servers(a: Side, b: Side) -> list[str]:
    """Tell of models and server configurations."""
    lines = []
    for arm in (*a, *b):
        models = _said([arm], "models")
        if len(models) > 1:
            lines.append(f"several models answered {arm.label}: {', '.join(sorted(models))}")
    for backend in dict.fromkeys(arm.arm.backend for arm in a):
        ours, theirs = ([arm for arm in side if arm.arm.backend == backend] for side in (a, b))
        lines += _changed("the model", _said(ours, "models"), _said(theirs, "models"))
        prints = (_said(ours, "fingerprints"), _said(theirs, "fingerprints"))
        lines += _changed("the server's configuration", *prints)
    return lines


def _said(arms: Side, name: str) -> set[str]:
    return set().union(*(getattr(setting, name) for arm in arms for setting in arm.settings))


def _changed(what: str, first: set[str], second: set[str]) -> list[str]:
    if first == second or not (first and second):
        return []
    return [f"{what} differs: {', '.join(sorted(first))} and {', '.join(sorted(second))}"]


def _flat(facts: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Yield what may matter, the keys of a fact within a fact each for itself."""
    for name in facts.keys() - _HARMLESS:
        value = facts[name]
        if isinstance(value, Mapping):
            yield from ((f"{name}'s {key}", str(each)) for key, each in value.items())
        else:
            yield name, str(value)


def _facts(table: Measurements, arms: Side) -> list[str]:
    """Tell where runs differ in what a backend said of itself: revision, device, batch size.

    And what it did not honour, which its answers say too.
    """
    found: dict[tuple[str, str], set[str]] = {}
    ignored = _said(arms, "warnings")
    for arm in arms:
        for number in arm.runs:
            backend = arm.settings[0].arm.backend  # as the run calls it
            facts = table.runs[number].info.facts.get(backend)
            if isinstance(facts, Mapping):
                for name, value in _flat(facts):
                    found.setdefault((backend, name), set()).add(value)
                ignored.update(_lines(facts.get(_NOT_HONOURED)))
    lines = [
        f"{name} of {backend} differs: {' and '.join(sorted(values))}"
        for (backend, name), values in sorted(found.items())
        if len(values) > 1
    ]
    return [*lines, *(f"not honoured: {text}" for text in sorted(ignored))]


def _lines(value: Json) -> list[str]:
    return [str(line) for line in value] if isinstance(value, list) else []
