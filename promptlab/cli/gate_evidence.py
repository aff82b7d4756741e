"""What a gate that compares rests on: the run, with the newest run of a version it lacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from promptlab.analysis.compare import Comparison, compare
from promptlab.cli.evidence import Evidence, read_evidence, with_version
from promptlab.core.codes import Code
from promptlab.core.decision import Rule
from promptlab.experiments.gates import Beats, NoWorse
from promptlab.report.views.gates import Finding, finding_of
from promptlab.store import Store


def not_better(store: Store, run_id: str, gate: Beats, rule: Rule) -> list[Finding]:
    """Return where a version is not shown to be better, backend by backend."""
    evidence = with_version(store, read_evidence(store, [run_id], gate.scorer), gate.better)
    better = evidence.baseline
    found = _against(with_version(store, evidence, gate.than), rule)
    found = [one for one in found if one.b == better]
    return _findings(found, [one for one in found if one.verdict != "better"])


def worse(store: Store, run_id: str, gate: NoWorse, rule: Rule) -> list[Finding]:
    """Return where a version may be worse than the baseline by the margin.

    That few cases differ is no doubt here: it tells nothing of a direction, and much of a margin.
    """
    rule = replace(rule, limits=replace(rule.limits, min_nonzero=0))
    evidence = read_evidence(store, [run_id], gate.scorer)
    own = {arm.label for arm in evidence.table.arms}
    evidence = with_version(store, evidence, gate.baseline)
    if own == {evidence.baseline}:
        return []
    found = [one for one in _against(evidence, rule) if one.b in own]
    return _findings(found, [one for one in found if not _is_no_worse(one, gate.margin)])


def _is_no_worse(one: Comparison, margin: float) -> bool:
    if one.reasons:
        return all(reason.code is Code.SAME_ANSWERS for reason in one.reasons)
    return one.ci is not None and one.ci[0] > -margin


def _against(evidence: Evidence, rule: Rule) -> list[Comparison]:
    """Compare all with the baseline, each by itself: see `gates` on why nothing is corrected."""
    alone = replace(rule, correct=False)
    found = compare(evidence.table, alone, baseline=evidence.baseline)
    return [one for one in found if one.backend is not None]


def _findings(found: Sequence[Comparison], bad: Sequence[Comparison]) -> list[Finding]:
    """Say what speaks against a gate: some comparisons, or that there is none."""
    if not found:
        return [Finding("no backend ran both")]
    return [finding_of(one) for one in bad]
