"""What stored runs show: which arm is better, and what each practice does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from promptlab.analysis.compare import By, Comparison, compare
from promptlab.analysis.measurements import Measurements
from promptlab.analysis.practices import Practices, practice_effects
from promptlab.core.decision import Rule
from promptlab.core.plugins import unknown
from promptlab.store import Store
from promptlab.templates.library import TemplateLibrary
from promptlab.workbench.bench import Workbench
from promptlab.workbench.evidence import Evidence, read_evidence, with_baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciding:
    """How to decide, where that differs from the project's rule; None keeps its value."""

    alpha: float | None = None
    min_effect: float | None = None
    strict: bool = False

    def over(self, rule: Rule) -> Rule:
        """Return the rule with these changes."""
        return replace(
            rule,
            alpha=rule.alpha if self.alpha is None else self.alpha,
            min_effect=rule.min_effect if self.min_effect is None else self.min_effect,
            strict=self.strict or rule.strict,
        )


@dataclass(frozen=True, slots=True)
class Compared:
    """Comparisons, the runs they rest on, and the rule applied."""

    evidence: Evidence
    comparisons: Sequence[Comparison]
    rule: Rule


@dataclass(frozen=True, slots=True)
class Effects:
    """The effects of practices, the runs they rest on, and the rule applied."""

    evidence: Evidence
    practices: Practices
    rule: Rule


def compare_runs(
    bench: Workbench,
    run_refs: Sequence[str] = (),
    *,
    scorer: str | None = None,
    baseline: str | None = None,
    by: By = "version",
    deciding: Deciding = Deciding(),
) -> Compared:
    """Compare the arms of runs, by default of the newest one.

    `baseline` names the arm (with `by="backend"` the backend) that all others are compared with.
    """
    rule = deciding.over(bench.rule)
    with bench.open_store() as store:
        evidence = read_evidence(store, run_refs, scorer)
        if baseline is not None and by != "backend":
            evidence = with_baseline(store, evidence, baseline, _library(bench))
    against = evidence.baseline or baseline
    if by == "backend" and against is not None:
        _require_backend(evidence.table, against)
    return Compared(evidence, compare(evidence.table, rule, by=by, baseline=against), rule)


def compare_one(store: Store, run_id: str, rule: Rule) -> Compared:
    """Compare the arms of one run by its primary scorer."""
    evidence = read_evidence(store, [run_id], None)
    return Compared(evidence, compare(evidence.table, rule), rule)


def effects_of_practices(
    bench: Workbench,
    run_refs: Sequence[str] = (),
    *,
    scorer: str | None = None,
    deciding: Deciding = Deciding(),
) -> Effects:
    """Compute what each practice changes in runs, by default in the newest one."""
    rule = deciding.over(bench.rule)
    with bench.open_store() as store:
        evidence = read_evidence(store, run_refs, scorer)
    return Effects(evidence, practice_effects(evidence.table, rule), rule)


def _library(bench: Workbench) -> TemplateLibrary | None:
    return None if bench.project_if_any is None else bench.library


def _require_backend(table: Measurements, name: str) -> None:
    backends = dict.fromkeys(arm.arm.backend for arm in table.arms)
    if name not in backends:
        raise unknown("backend", name, [*backends])
