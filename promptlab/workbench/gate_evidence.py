"""The evidence for a gate that compares: the run, with the newest run of any version it lacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from promptlab.analysis.compare import Comparison
from promptlab.analysis.measurements import JoinedArm, Measurements, join
from promptlab.analysis.trust import MeanTrust, has_moved, trust_in_mean
from promptlab.core.codes import Code
from promptlab.core.decision import Rule
from promptlab.core.errors import PromptlabError
from promptlab.core.types import Arm, TemplateSource
from promptlab.experiments.gates import Beats, Bound, NoWorse
from promptlab.store import Store
from promptlab.workbench.evidence import Evidence, read_evidence, with_version
from promptlab.workbench.ledger import compared, each_alone


def trusted_means(
    store: Store,
    run_id: str,
    means: Sequence[tuple[Arm, float | None]],
    gate: Bound,
    rule: Rule,
) -> list[tuple[Arm, MeanTrust | None]]:
    """Return what the means of arms by a judge are worth, None for an arm without a score."""
    table = join([store.measured(run_id, gate.scorer)])
    joined = {setting.arm.label: arm for arm in table.arms for setting in arm.settings}
    return [
        (arm, None if mean is None else _trusted(table, joined[arm.label], mean, gate, rule))
        for arm, mean in means
    ]


def _trusted(
    table: Measurements, arm: JoinedArm, mean: float, gate: Bound, rule: Rule
) -> MeanTrust:
    return trust_in_mean(table, arm, mean, gate.bound, rule)


def not_better(store: Store, run_id: str, gate: Beats, rule: Rule) -> tuple[Comparison, ...]:
    """Return the comparisons, backend by backend, that do not show a version to be better.

    They are rows of the family that `compare` concludes on, so that both say the same.
    """
    evidence = with_version(store, read_evidence(store, [run_id], gate.scorer), gate.better)
    better = evidence.baseline
    evidence = with_version(store, evidence, gate.than)
    _require_a_backend_of_both(evidence, gate.better, gate.than)
    family = compared(store, (evidence.table, *evidence.beside), rule, toward=better)
    pair = (evidence.baseline, better)
    comparisons = _some(
        [row for row in family if (row.a, row.b) == pair and row.backend is not None]
    )
    return tuple(comparison for comparison in comparisons if comparison.verdict != "better")


def worse(store: Store, run_id: str, gate: NoWorse, rule: Rule) -> tuple[Comparison, ...]:
    """Return the comparisons in which a version may be worse than the baseline by the margin.

    That few cases differ is no reason to refuse here: it says nothing about direction, but much
    about a margin.
    """
    rule = replace(rule, limits=replace(rule.limits, min_nonzero=0))
    evidence = read_evidence(store, [run_id], gate.scorer)
    own = {arm.label for arm in evidence.table.arms}
    evidence = with_version(store, evidence, gate.baseline)
    if own == {evidence.baseline}:
        return ()
    comparisons = _some(
        [comparison for comparison in _against(store, evidence, rule) if comparison.b in own]
    )
    return tuple(
        comparison for comparison in comparisons if not _is_no_worse(comparison, gate.margin, rule)
    )


def _require_a_backend_of_both(evidence: Evidence, *texts: TemplateSource) -> None:
    """Refuse to judge two versions that no backend ran, naming where each of them was run."""
    places = [
        {arm.arm.backend for arm in evidence.table.arms if arm.arm.digest == text.digest}
        for text in texts
    ]
    if not set.intersection(*places):
        said = " and ".join(
            f"{text.name}@{text.version} on {', '.join(sorted(names))} alone"
            for text, names in zip(texts, places, strict=True)
        )
        raise PromptlabError(f"no backend ran both: there is {said}", hint="run both on one")


def _some(comparisons: list[Comparison]) -> list[Comparison]:
    """Refuse to judge without any comparison."""
    if not comparisons:
        raise PromptlabError("no backend ran both")
    return comparisons


def _is_no_worse(comparison: Comparison, margin: float, rule: Rule) -> bool:
    """Return whether the interval of one comparison, at the level of its look, ends in time."""
    if has_moved(comparison.warnings):
        return False
    if comparison.reasons:
        return all(reason.code is Code.SAME_ANSWERS for reason in comparison.reasons)
    ci = comparison.ci
    if comparison.look is not None and comparison.look.number > 1:
        judged = comparison.effect.inference
        ci = None if judged is None else judged.interval(1 - comparison.alpha(rule))
    return ci is not None and ci[0] > -margin


def _against(store: Store, evidence: Evidence, rule: Rule) -> list[Comparison]:
    """Compare all with the baseline, each by itself: `gates` says why nothing is corrected."""
    assert evidence.baseline is not None
    pairs = each_alone(store, evidence.table, rule, evidence.baseline)
    return [one for one in pairs if one.backend is not None]
