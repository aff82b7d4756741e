"""Why a comparison bears no verdict, whatever its numbers: how they came about.

It computes no statistics; `sufficiency` checks whether there is enough evidence, and `caveats`
collects what to report alongside a verdict.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from promptlab.analysis import early
from promptlab.analysis.measurements import Measurements
from promptlab.analysis.sides import Side, Where, lone_cases, missing_repeats, share, too_few_shared
from promptlab.core.codes import Code
from promptlab.core.decision import Limits, Rule
from promptlab.core.measured import MeasuredRun
from promptlab.core.messages import Json
from promptlab.core.reasons import Reason
from promptlab.scorers.identity import backends_in


def refusals(table: Measurements, a: Side, b: Side, within: Where, rule: Rule) -> list[Reason]:
    """Return why two sides bear no verdict."""
    if _identical(a, b, within):
        text = "both arms share every answer: they are the same prompt under two names"
        return [Reason(Code.SAME_ANSWERS, text)]
    numbers = set().union(*(arm.runs for arm in (*a, *b)))
    runs = [table.runs[number] for number in sorted(numbers)]
    reasons = [why for run in runs if (why := _unfinished(run, bounded=table.bounded))]
    if reasons:
        return reasons  # what else is missing comes from this
    if (why := _graded_differently(table.scorer.label, (*a, *b), runs)) is not None:
        reasons.append(why)
    if (why := _peeked(table, a, b, within, runs)) is not None:
        reasons.append(why)
    reasons += _different_cases(table, a, b, within, rule.limits)
    reasons += _failures(a, b, within, rule.limits)
    reasons += _repeats(table, a, b, within, rule.limits)
    return reasons


def _identical(a: Side, b: Side, within: Where) -> bool:
    """Return whether both sides share every stored answer, failed trials aside."""
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


def _unfinished(run: MeasuredRun, *, bounded: bool) -> Reason | None:
    """Refuse an unfinished run: stopping as soon as the result pleases inflates false positives.

    A run that may stop early may be looked at any time, as long as its scores are `bounded`.
    """
    info = run.info
    if (run.sequential is not None and bounded) or info.stored >= info.trials:
        return None
    return Reason(
        Code.RUN_UNFINISHED,
        f"run {info.run_id} is not finished ({info.stored} of {info.trials} trials)",
        {"run": info.run_id, "stored": info.stored, "trials": info.trials},
    )


def _peeked(
    table: Measurements, a: Side, b: Side, within: Where, runs: Sequence[MeasuredRun]
) -> Reason | None:
    """Refuse runs that were stopped by looking: in steps by `--limit`, or early for other pairs."""
    steps = sorted(set().union(*(run.looks for run in runs)))
    if steps:
        after = ", ".join(map(str, steps))
        return Reason(
            Code.LOOKED_BEFORE,
            f"looked at after {after} cases before: run the whole suite, or use --until-decided",
            {"after": [*steps]},
        )
    stopped = [run for run in runs if run.sequential is not None]
    if stopped and not early.may_stop_early(table, a, b, within):
        run_id = stopped[0].info.run_id
        text = f"run {run_id} stopped its arms early for another comparison"
        return Reason(Code.STOPPED_FOR_ANOTHER, text, {"run": run_id})
    return _reordered(table, a, b) if stopped else None


def _reordered(table: Measurements, a: Side, b: Side) -> Reason | None:
    """Refuse stored answers in another order than that of the first look at them."""
    [run] = table.runs
    places = {place for place, arm in enumerate(table.arms) if arm is a[0] or arm is b[0]}
    first = next((run_id for run_id, shared in run.reordered if places <= shared), None)
    if first is None:
        return None
    text = f"run {first} looked at these answers in another order: see `promptlab compare {first}`"
    return Reason(Code.ORDER_CHANGED, text, {"run": run.info.run_id, "first": first})


def _graded_differently(scorer: str, both: Side, runs: Sequence[MeasuredRun]) -> Reason | None:
    """Refuse scores from different rules. Old runs record only the version, which must suffice."""
    graders = set().union(*(arm.scorers for arm in both))
    versions, params, identities = map(set, zip(*graders, strict=True))
    about: dict[str, Json] = {"scorer": scorer, "runs": [run.info.run_id for run in runs]}
    if len(params) > 1:
        text = f"the scorer {scorer!r} has other parameters in each run: run the suite again"
        return Reason(Code.SCORER_CONFIGURED_OTHERWISE, text, about)
    if len(versions) == 1 and len(identities - {None}) <= 1:
        return None
    if len({backends_in(identity) for identity in identities - {None}}) > 1:
        text = f"the scorer {scorer!r} asked other models in each run: run the suite again"
        return Reason(Code.SCORER_ASKED_OTHERS, text, about)
    again = "; ".join(f"promptlab score {run.info.run_id}" for run in runs)
    text = f"the scorer {scorer!r} changed between the runs: grade both again ({again})"
    return Reason(Code.SCORER_CHANGED, text, about)


def _different_cases(
    table: Measurements, a: Side, b: Side, within: Where, limits: Limits
) -> list[Reason]:
    if not too_few_shared(table, a, b, within, limits):
        return []
    lone = lone_cases(table, a, b, within)
    listed = ", ".join(each.text for each in lone) or "there is none"
    return [
        Reason(
            Code.DIFFERENT_CASES,
            f"the arms ran on different cases: {listed}",
            {
                "arms": [label for each in lone for label in each.side.arms],
                "cases": [case for each in lone for case in each.cases],
            },
        )
    ]


def _failures(a: Side, b: Side, within: Where, limits: Limits) -> list[Reason]:
    shares = [share(side, within, "failed") for side in (a, b)]
    text = f"{shares[0] * 100:.1f} % and {shares[1] * 100:.1f} % of the trials have no score"
    if max(shares) > limits.max_missing:
        return [Reason(Code.FAILED_TRIALS, text, {"shares": [*shares], "most": limits.max_missing})]
    if abs(shares[0] - shares[1]) > limits.max_failure_gap:
        return [
            Reason(
                Code.FAILED_UNEVENLY,
                f"one arm failed more often: {text}",
                {"shares": [*shares], "most_apart": limits.max_failure_gap},
            )
        ]
    return []


def _repeats(table: Measurements, a: Side, b: Side, within: Where, limits: Limits) -> list[Reason]:
    """Refuse where repeats are missing as often as cases may not be: which ones is no accident."""
    counts = [missing_repeats(table, side, within) for side in (a, b)]
    shares = [lacking / planned if planned else 0.0 for lacking, planned in counts]
    text = f"{shares[0] * 100:.1f} % and {shares[1] * 100:.1f} % of the repeats are missing"
    if max(shares) > limits.max_missing:
        about: dict[str, Json] = {"shares": [*shares], "most": limits.max_missing}
        return [Reason(Code.MISSING_REPEATS, text, about)]
    if abs(shares[0] - shares[1]) > limits.max_failure_gap:
        about = {"shares": [*shares], "most_apart": limits.max_failure_gap}
        text = f"one arm lacks more repeats: {text}"
        return [Reason(Code.REPEATS_MISSING_UNEVENLY, text, about)]
    return []
