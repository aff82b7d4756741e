"""What a gate that compares rests on: the run, with the newest run of a version it lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from promptlab.analysis.compare import Comparison, compare
from promptlab.analysis.doubts import IDENTICAL
from promptlab.core.decision import Rule
from promptlab.experiments.gates import Beats, NoWorse
from promptlab.report.terminal.figures import bounds, difference
from promptlab.store import Store
from promptlab.workbench.evidence import Evidence, read_evidence, with_version


def not_better(store: Store, run_id: str, gate: Beats, rule: Rule) -> Iterator[str]:
    """Yield where a version is not shown to be better, a line each backend."""
    evidence = with_version(store, read_evidence(store, [run_id], gate.scorer), gate.better)
    better = evidence.baseline
    found = _against(with_version(store, evidence, gate.than), rule)
    yield from _told(gate.text, [one for one in found if one.b == better], "better")


def worse(store: Store, run_id: str, gate: NoWorse, rule: Rule) -> Iterator[str]:
    """Yield where a version may be worse than the baseline by the margin, a line each.

    That few cases differ is no doubt here: it tells nothing of a direction, and much of a margin.
    """
    rule = replace(rule, limits=replace(rule.limits, min_nonzero=0))
    evidence = read_evidence(store, [run_id], gate.scorer)
    own = {arm.label for arm in evidence.table.arms}
    evidence = with_version(store, evidence, gate.baseline)
    if own == {evidence.baseline}:
        return
    found = [one for one in _against(evidence, rule) if one.b in own]
    bad = [one for one in found if not _is_no_worse(one, gate.margin)]
    if bad or not found:
        yield from _told(gate.text, bad, None)


def _is_no_worse(one: Comparison, margin: float) -> bool:
    if one.reasons:
        return one.reasons == (IDENTICAL,)
    return one.ci is not None and one.ci[0] > -margin


def _against(evidence: Evidence, rule: Rule) -> list[Comparison]:
    """Compare all with the baseline, each by itself: see `gates` on why nothing is corrected."""
    alone = replace(rule, correct=False)
    found = compare(evidence.table, alone, baseline=evidence.baseline)
    return [one for one in found if one.backend is not None]


def _told(text: str, found: list[Comparison], wanted: str | None) -> Iterator[str]:
    if not found:
        yield f"{text}: no backend ran both"
    for one in found:
        if one.verdict != wanted:
            yield f"{text}: {_finding(one)}"


def _finding(one: Comparison) -> str:
    told = f"{one.b} on {one.backend} is {one.verdict}"
    if one.reason is not None:
        return f"{told}: {one.reason}"
    unit = " points" if one.is_rate else ""
    delta = difference(one.delta, is_rate=one.is_rate)
    return f"{told}, {delta}{unit}, interval {bounds(one.ci, is_rate=one.is_rate)}"
