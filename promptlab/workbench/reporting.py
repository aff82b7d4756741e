"""All that a report tells: what runs show, the cases behind it, the texts, how it came about."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version

from promptlab.analysis.compare import Comparison
from promptlab.analysis.reported import Reported
from promptlab.core.decision import Rule
from promptlab.core.digest import digest_json
from promptlab.core.errors import PromptlabError
from promptlab.core.results import RunResults
from promptlab.store import Store
from promptlab.workbench.bench import Workbench
from promptlab.workbench.conclusions import Deciding, check_scale, effects_in, library_if_any
from promptlab.workbench.current import current_suite
from promptlab.workbench.evidence import Evidence, read_evidence, with_baseline
from promptlab.workbench.ledger import compared
from promptlab.workbench.runs import read_run
from promptlab.workbench.shown_cells import Room, shown_cells
from promptlab.workbench.text_steps import text_steps

_COMPUTED_BY = {"promptlab": "promptlab-workbench", "numpy": "numpy", "scipy": "scipy"}
_EARLIER = 12  # runs that are read for the history of a template


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is of: runs, the newest by default, a scorer, an arm to compare with."""

    run_refs: tuple[str, ...] = ()
    scorer: str | None = None
    baseline: str | None = None
    deciding: Deciding = field(default_factory=Deciding)
    room: Room = field(default_factory=Room)


def report_of(bench: Workbench, asked: Asked) -> Reported:
    """Read all that a report tells of runs, and conclude as `compare` and `practices` do."""
    rule = asked.deciding.over(bench.rule)
    with bench.open_store() as store:
        current = partial(current_suite, bench)
        evidence = read_evidence(store, asked.run_refs, asked.scorer, current)
        named = evidence.run_ids
        if asked.baseline is not None:
            library = library_if_any(bench)
            evidence = with_baseline(store, evidence, asked.baseline, library)
        check_scale(evidence.table, asked.deciding)
        comparisons, incomparable = _comparisons(store, evidence, rule)
        practices = None
        with suppress(PromptlabError):  # no two arms differ in a practice alone
            practices = effects_in(store, evidence, rule).practices
        table = evidence.table
        runs = tuple(read_run(store, run_id) for run_id in evidence.basis.run_ids)
        suites = tuple(dict.fromkeys(each.run.suite for each in runs))
        return Reported(
            basis=evidence.basis,
            rule=rule,
            comparisons=comparisons,
            incomparable=incomparable,
            practices=practices,
            runs=runs,
            earlier=tuple(_earlier(store, runs)),
            labels=store.texts.labels(),
            shown=shown_cells(store, table, asked.room),
            steps=text_steps(bench, runs, table, comparisons),
            ledgers={suite: store.ledger.past(suite).families for suite in suites},
            cases=digest_json([case.digest for case in table.cases]),
            words=_words(asked, named),
            versions=_versions(),
        )


def _words(asked: Asked, run_ids: Sequence[str]) -> tuple[str, ...]:
    """Return the words after `compare` that lead to the same conclusions from the same runs."""
    words = [*run_ids]
    deciding = asked.deciding
    for option, value in (
        ("--baseline", asked.baseline),
        ("--scorer", asked.scorer),
        ("--alpha", deciding.alpha),
        ("--min-effect", deciding.min_effect),
    ):
        words += [] if value is None else [option, str(value)]
    return (*words, "--strict") if deciding.strict else tuple(words)


def _versions() -> dict[str, str]:
    """Return the versions of what computed the numbers; promptlab may run from its source."""
    found = {"Python": platform.python_version()}
    for name, distribution in _COMPUTED_BY.items():
        with suppress(PackageNotFoundError):
            found[name] = version(distribution)
    return found


def _comparisons(
    store: Store, evidence: Evidence, rule: Rule
) -> tuple[Sequence[Comparison], str | None]:
    try:
        tables = (evidence.table, *evidence.beside)
        return compared(store, tables, rule, baseline=evidence.baseline), None
    except PromptlabError as error:  # one arm alone: all else can be told
        return (), error.message


def _earlier(store: Store, runs: Sequence[RunResults]) -> Iterator[RunResults]:
    """Yield the newest other runs of the same suites that have a version of the same templates."""
    known = {each.run.run_id for each in runs}
    suites = {each.run.suite for each in runs}
    templates = {arm.template for each in runs for arm in each.plan.arms}
    found = 0
    for info in store.runs():
        names = {label.partition("@")[0] for label in info.templates}
        if info.run_id in known or info.suite not in suites or not names & templates:
            continue
        if found == _EARLIER:
            return
        found += 1
        yield read_run(store, info.run_id)
