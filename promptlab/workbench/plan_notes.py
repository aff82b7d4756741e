"""What to know of a plan before it is carried out, whatever the store has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from itertools import combinations

from promptlab.backends import Backend, repeats_itself
from promptlab.core.types import Plan, ScorerSpec
from promptlab.experiments.sample import told
from promptlab.templates.other_tools import notes_on

_ALMOST = 0.8  # of two names: `clear` and `claer` have it, `role` and `rules` too
_STANDARD = frozenset(
    ("clear", "context", "structure", "length", "examples", "ambiguity", "role", "reasoning")
)
"""Practices whose names are meant, however much alike."""


def notes_of(plan: Plan, backends: Mapping[str, Backend]) -> tuple[str, ...]:
    """Return what a user may not have meant: a sample, marks, near names, idle repeats."""
    return (
        *_sample(plan),
        *_foreign_marks(plan),
        *_near_practices(plan),
        *_idle_repeats(plan, backends),
        *_own_judges(plan),
        *_idle_votes(plan, backends),
    )


def _sample(plan: Plan) -> Iterator[str]:
    """Note that there are more cases than a run takes."""
    cases = len(plan.cases)
    if plan.sample_of is not None and plan.sample_of > cases:
        yield told(cases, plan.sample_of, plan.seed)


def _foreign_marks(plan: Plan) -> Iterator[str]:
    """Note what other tools would read in a template, and a model gets as it stands."""
    names = {name for case in plan.cases for name in case.vars}
    for source in plan.templates:
        yield from notes_on(source, names)


def _near_practices(plan: Plan) -> Iterator[str]:
    """Note two practices with nearly the same name: one may be misspelt."""
    first: dict[str, str] = {}
    for arm in plan.arms:
        for name in (*arm.practices, *arm.off):
            first.setdefault(name, f"{arm.template}@{arm.version}")
    for one, other in combinations(first, 2):
        if {one, other} <= _STANDARD:
            continue
        if SequenceMatcher(None, one, other).ratio() >= _ALMOST:
            yield (
                f"the practice {one!r} of {first[one]} and {other!r} of {first[other]} are"
                " two practices: is one of them misspelt?"
            )


def _own_judges(plan: Plan) -> Iterator[str]:
    """Note a judge that judges answers of its own model."""
    models = {spec.name: (spec.kind, spec.model) for spec in plan.backends}
    writers = {models[arm.backend] for arm in plan.arms}
    writers -= {(kind, model) for kind, model in writers if model is None}  # none is known
    for spec in plan.scorers:
        for name in _asked(spec) if spec.judge else ():
            if models.get(name) in writers:
                yield (
                    f"scorer {spec.label!r} asks {name}, whose model also gave answers that it"
                    " judges: judges tend to prefer their own"
                )


def _idle_votes(plan: Plan, backends: Mapping[str, Backend]) -> Iterator[str]:
    """Note judges that vote several times and can only say the same."""
    for spec in plan.scorers:
        votes, drawn = spec.params.get("votes"), spec.params.get("temperature")
        if not spec.judge or votes in (None, 1) or drawn or "prompt" in spec.params:
            continue  # what another prompt says of the temperature is not known here
        for name in _asked(spec):
            if name in backends and repeats_itself(backends[name]):
                yield (
                    f"{name} gives the same answer in each of the {votes} votes of"
                    f" {spec.label!r}: set its temperature above 0"
                )


def _asked(spec: ScorerSpec) -> list[str]:
    """Return the backends that a scorer asks besides those whose answers it grades."""
    return [*json.loads(spec.identity or "{}").get("backends", {})]


def _idle_repeats(plan: Plan, backends: Mapping[str, Backend]) -> Iterator[str]:
    """Note backends that are asked again what they can only answer alike."""
    if plan.repeats == 1:
        return
    greedy = {arm.backend for arm in plan.arms if not arm.sampling.temperature}
    for name in sorted(greedy):
        if repeats_itself(backends[name]):
            yield (
                f"{name} gives the same answer in each of the {plan.repeats} repeats:"
                " set a temperature above 0 to see how much answers differ"
            )
