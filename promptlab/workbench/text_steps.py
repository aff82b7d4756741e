"""The steps between the versions of a report: what the text changed, and which cases flipped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

import numpy as np

from promptlab.analysis.compare import Comparison
from promptlab.analysis.hunk_flips import FlipsByHunk, HunkFlips
from promptlab.analysis.measurements import JoinedArm, Measurements
from promptlab.analysis.pair import PairResults
from promptlab.analysis.reported import TextStep
from promptlab.core.errors import PromptlabError
from promptlab.core.results import RunResults
from promptlab.core.types import TemplateSource
from promptlab.importers.stand_ins import is_stand_in
from promptlab.templates.changes import Changes
from promptlab.templates.diff import diff_versions
from promptlab.templates.references import natural_key
from promptlab.templates.template import Template
from promptlab.workbench.bench import Workbench
from promptlab.workbench.flips import flips_by_hunk

_LEAST = 1e-12  # a difference due to rounding alone
_MOST = 100_000  # trials, beyond which runs are not read again for what flipped at each hunk


def text_steps(
    bench: Workbench,
    runs: Sequence[RunResults],
    table: Measurements,
    comparisons: Sequence[Comparison],
) -> tuple[TextStep, ...]:
    """Return a step to each version of the joined runs from its parent, or from the one before.

    Versions whose text nobody told have none.
    """
    texts: dict[str, TemplateSource] = {}
    for each in runs:
        for source in each.plan.templates:
            if not is_stand_in(source):
                texts.setdefault(source.digest, source)
    measured = {arm.arm.digest for arm in table.arms}
    steps: list[TextStep] = []
    for name in dict.fromkeys(source.name for source in texts.values()):
        of_name = [one for one in texts.values() if one.name == name and one.digest in measured]
        pairs = _pairs(sorted(of_name, key=lambda one: natural_key(one.version)))
        steps += _steps(bench, table, pairs, comparisons)
    return tuple(steps)


def _pairs(sources: Sequence[TemplateSource]) -> Iterator[tuple[Template, Template]]:
    """Yield each version after the one that it was made from, or after the one before it."""
    templates: list[Template] = []
    for source in sources:
        with suppress(PromptlabError):  # a newer version of promptlab may have written it
            templates.append(Template(source))
    known: dict[str, Template] = {}
    for place, template in enumerate(templates):
        before = known.get(template.front.parent or "") or (templates[place - 1] if place else None)
        known[template.source.version] = template
        if before is not None:
            yield before, template


def _steps(
    bench: Workbench,
    table: Measurements,
    pairs: Iterable[tuple[Template, Template]],
    comparisons: Sequence[Comparison],
) -> Iterator[TextStep]:
    trials = sum(len(run.rows) for run in table.runs)
    for a, b in pairs:
        diff = diff_versions(a, b)
        if diff.files or diff.front_matter:
            results = _results(table, a, b, comparisons)
            hunks = _hunks(bench, a, b, results, search=trials <= _MOST)
            yield TextStep(diff, *_flipped(table, a, b), hunks)


def _hunks(
    bench: Workbench, a: Template, b: Template, results: PairResults, *, search: bool
) -> FlipsByHunk:
    """Return the hunks between two versions, with their flips where a search is worth its time."""
    if search:
        with suppress(PromptlabError):  # without a project no versions between can be named
            return flips_by_hunk(bench, a, b, results)
    changes = Changes(a, b)
    return FlipsByHunk(a.reference, b.reference, b.file, tuple(map(HunkFlips, changes.all)))


def _results(
    table: Measurements, a: Template, b: Template, comparisons: Sequence[Comparison]
) -> PairResults:
    """Return what was measured of two versions, as far as the report compares them.

    Without a comparison, the scorer alone is known: that of the report.
    """
    labels = [
        {
            arm.label
            for arm in table.arms
            if arm.arm.digest == text.source.digest and not arm.arm.off
        }
        for text in (a, b)
    ]
    rows = [row for row in comparisons if row.a in labels[0] and row.b in labels[1]]
    digests = {a.source.digest, b.source.digest}
    both = [
        run.info.run_id for run in table.runs if digests <= {one.arm.digest for one in run.arms}
    ]
    return PairResults(rows, runs=(both[0], both[0]) if both else ())


def _flipped(
    table: Measurements, a: Template, b: Template
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    won = np.zeros(len(table.cases), dtype=bool)
    lost = np.zeros(len(table.cases), dtype=bool)
    first, second = (_by_backend(table, text.source.digest) for text in (a, b))
    for backend in first.keys() & second.keys():
        change = second[backend].cells.score - first[backend].cells.score
        won |= change > _LEAST
        lost |= change < -_LEAST
    return table.names(won), table.names(lost)


def _by_backend(table: Measurements, digest: str) -> Mapping[str, JoinedArm]:
    """Return the arms of a text with all of its practices, by backend."""
    return {
        arm.arm.backend: arm for arm in table.arms if arm.arm.digest == digest and not arm.arm.off
    }
