"""The steps between the versions of a report: what the text changed, and which cases flipped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

import numpy as np

from promptlab.analysis.measurements import JoinedArm, Measurements
from promptlab.analysis.reported import TextStep
from promptlab.core.errors import PromptlabError
from promptlab.core.results import RunResults
from promptlab.core.types import TemplateSource
from promptlab.templates.diff import diff_versions
from promptlab.templates.references import natural_key
from promptlab.templates.template import Template

_LEAST = 1e-12  # a difference due to rounding alone


def text_steps(runs: Sequence[RunResults], table: Measurements) -> tuple[TextStep, ...]:
    """Return a step to each version of the joined runs from its parent, or from the one before."""
    texts: dict[str, TemplateSource] = {}
    for each in runs:
        for source in each.plan.templates:
            texts.setdefault(source.digest, source)
    measured = {arm.arm.digest for arm in table.arms}
    steps: list[TextStep] = []
    for name in dict.fromkeys(source.name for source in texts.values()):
        of_name = [one for one in texts.values() if one.name == name and one.digest in measured]
        steps += _steps(sorted(of_name, key=lambda one: natural_key(one.version)), table)
    return tuple(steps)


def _steps(sources: Sequence[TemplateSource], table: Measurements) -> Iterator[TextStep]:
    templates: list[Template] = []
    for source in sources:
        with suppress(PromptlabError):  # a newer version of promptlab may have written it
            templates.append(Template(source))
    known: dict[str, Template] = {}
    for place, template in enumerate(templates):
        before = known.get(template.front.parent or "") or (templates[place - 1] if place else None)
        known[template.source.version] = template
        if before is None:
            continue
        diff = diff_versions(before, template)
        if diff.files or diff.front_matter:
            yield TextStep(diff, *_flipped(table, before, template))


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
