"""What stored runs show: which arm is better, and what each practice does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from promptlab.analysis.compare import By, Comparison
from promptlab.analysis.measurements import Measurements
from promptlab.analysis.practices import Practices, practice_effects
from promptlab.core.decision import Rule
from promptlab.core.errors import PromptlabError
from promptlab.core.plugins import unknown
from promptlab.store import Store
from promptlab.workbench.bench import Workbench
from promptlab.workbench.choosing import arms_named
from promptlab.workbench.current import current_suite
from promptlab.workbench.evidence import Evidence, only_versions, read_evidence, with_baseline
from promptlab.workbench.ledger import compared, practised
from promptlab.workbench.naming import evidence_of, named_versions

if TYPE_CHECKING:
    from promptlab.templates.library import TemplateLibrary


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


def compare_runs(  # noqa: PLR0913 - what to compare, and how to decide
    bench: Workbench,
    run_refs: Sequence[str] = (),
    *,
    scorer: str | None = None,
    baseline: str | None = None,
    by: By = "version",
    templates: Sequence[str] = (),
    deciding: Deciding = Deciding(),
) -> Compared:
    """Compare the arms of runs, by default of the newest one.

    Versions may be named instead of runs: then the newest evidence of all of them counts, and the
    first is the baseline. `baseline` names the arm (with `by="backend"` the backend) that all
    others are compared with, `templates` the only versions to compare.
    """
    rule = deciding.over(bench.rule)
    with bench.open_store() as store:
        evidence = _named(bench, store, run_refs, scorer, templates)
        if by == "backend":
            evidence = replace(evidence, baseline=None)
        if baseline is not None and by != "backend":
            evidence = with_baseline(store, evidence, baseline, library_if_any(bench))
        against = evidence.baseline or baseline
        if by == "backend" and against is not None:
            _require_backend(evidence.table, against)
        check_scale(evidence.table, deciding)
        with _naming_more(evidence):
            tables = (evidence.table, *evidence.beside)
            comparisons = compared(store, tables, rule, by=by, baseline=against)
    return Compared(evidence, comparisons, rule)


def _named(
    bench: Workbench,
    store: Store,
    words: Sequence[str],
    scorer: str | None,
    templates: Sequence[str],
) -> Evidence:
    """Return the evidence of the named runs or versions, on the chosen versions alone."""
    texts = named_versions(store, library_if_any(bench), words) if words else []
    current = partial(current_suite, bench)
    if texts and templates:
        raise PromptlabError("versions are named twice", hint="name all of them without -t")
    if texts:
        return evidence_of(store, texts, scorer, current)
    evidence = read_evidence(store, words, scorer, current)
    if not templates:
        return evidence
    return only_versions(evidence, arms_named(bench, evidence.table, templates))


def compare_one(store: Store, run_id: str, rule: Rule) -> Compared:
    """Compare the arms of one run by its primary scorer."""
    evidence = read_evidence(store, [run_id], None)
    return Compared(evidence, compared(store, (evidence.table,), rule), rule)


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
        evidence = read_evidence(store, run_refs, scorer, partial(current_suite, bench))
        check_scale(evidence.table, deciding)
        return effects_in(store, evidence, rule)


def effects_in(store: Store, evidence: Evidence, rule: Rule) -> Effects:
    """Compute what each practice changes in runs that are read already."""
    comparing = partial(compared, store, (evidence.table, *evidence.beside), rule)
    with _naming_more(evidence):
        judging = partial(practised, store, evidence.table, rule)
        practices = practice_effects(evidence.table, rule, comparing, judging, evidence.beside)
    return Effects(evidence, practices, rule)


def check_scale(table: Measurements, deciding: Deciding) -> None:
    """Refuse a smallest effect that no difference of these scores can have."""
    least = deciding.min_effect
    if least is None or least < 1 or not table.bounded:
        return
    raise PromptlabError(
        f"--min-effect {least:g}: the scores of {table.scorer.label} lie between 0 and 1,"
        " so no difference can be as large",
        hint=f"{least:g} points are {least / 100:g}",
    )


@contextmanager
def _naming_more(evidence: Evidence) -> Iterator[None]:
    """Where nothing can be concluded, name the run that has more evidence, if there is one."""
    try:
        yield
    except PromptlabError as error:
        if not evidence.notes:
            raise
        raise error.advising("; ".join(note.text for note in evidence.notes)) from None


def library_if_any(bench: Workbench) -> TemplateLibrary | None:
    """Return the versions of the project, None where there is only a database."""
    return None if bench.project_if_any is None else bench.library


def _require_backend(table: Measurements, name: str) -> None:
    backends = dict.fromkeys(arm.arm.backend for arm in table.arms)
    if name not in backends:
        raise unknown("backend", name, [*backends])
