"""The gates of a run: read, checked before any call, and judged at its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from promptlab.core.decision import Rule
from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.core.results import RunResults
from promptlab.core.types import Plan, TemplateSource
from promptlab.experiments.suite import Suite
from promptlab.scorers.binding import BoundScorer
from promptlab.store import Store
from promptlab.templates.library import TemplateLibrary

if TYPE_CHECKING:
    from promptlab.analysis import judged
    from promptlab.experiments import gates as written
    from promptlab.workbench import gate_evidence
else:  # for runs that have gates
    judged = lazy_module("promptlab.analysis.judged")
    written = lazy_module("promptlab.experiments.gates")
    gate_evidence = lazy_module("promptlab.workbench.gate_evidence")  # numpy, for comparisons

_TYPED = "--gate"


def suite_gates(
    suite: Suite,
    plan: Plan,
    scorers: Iterable[BoundScorer],
    extra: Iterable[str],
    library: TemplateLibrary,
) -> tuple[written.Gate, ...]:
    """Read the gates of a suite, and any extra ones."""
    labels = [spec.label for spec in plan.scorers]
    own = [
        (text, suite.document.where(("gates", place)))
        for place, text in enumerate(suite.settings.gates)
    ]
    texts = [*own, *((text, _TYPED) for text in extra)]
    among = [source.name for source in plan.templates]
    shares = {bound.spec.label for bound in scorers if bound.shares}
    gates = []
    for text, place in texts:
        gate = written.parse_gate(
            text, labels, plan.primary, place, partial(library.one, among=among)
        )
        if gate.scorer in shares:
            written.check_scale(gate, place, may_fail=place != _TYPED)
        gates.append(gate)
    return tuple(gates)


def stored_gates(plan: Plan, library: TemplateLibrary) -> tuple[written.Gate, ...]:
    """Read the gates of a stored run again."""
    labels = [spec.label for spec in plan.scorers]
    where = "the run's gates"
    resolve = partial(library.one, among=[source.name for source in plan.templates])
    return tuple(
        written.parse_gate(text, labels, plan.primary, where, resolve) for text in plan.gates
    )


def check_measurable(store: Store, plan: Plan, gates: Sequence[written.Gate]) -> None:
    """Refuse a gate on a version that is not in the plan and was never run, before any call."""
    planned = {source.digest for source in plan.templates}
    for gate in gates:
        for text in _texts(gate):
            if text.digest not in planned and store.newest_run_of((text.digest,)) is None:
                name = f"{text.name}@{text.version}"
                raise PromptlabError(
                    f"the gate {gate.text!r} needs results of {name}, but there are none",
                    hint=f"run it too, with -t {name}",
                )


def judge(
    store: Store, results: RunResults, gates: Sequence[written.Gate], rule: Rule
) -> tuple[judged.Judged, ...]:
    """Judge the gates of a run."""
    return tuple(_judge(store, results, gate, rule) for gate in gates)


def _judge(store: Store, results: RunResults, gate: written.Gate, rule: Rule) -> judged.Judged:
    run_id = results.run.run_id
    try:
        if isinstance(gate, written.Bound):
            return _bounded(store, results, gate, rule)
        if isinstance(gate, written.Beats):
            against = gate_evidence.not_better(store, run_id, gate, rule)
        else:
            against = gate_evidence.worse(store, run_id, gate, rule)
    except PromptlabError as error:  # the run itself is fine, and must be shown
        return judged.Judged(gate, problem=str(error))
    return judged.Judged(gate, comparisons=against)


def _bounded(store: Store, results: RunResults, gate: written.Bound, rule: Rule) -> judged.Judged:
    """Judge a bound on the means of arms; what a judge says counts as far as it is believed."""
    means = results.means(gate.scorer)
    most = rule.limits.max_missing
    unscored = tuple(pair for pair in results.unscored(gate.scorer) if pair[1] > most)
    if not any(spec.judge for spec in results.plan.scorers if spec.label == gate.scorer):
        missed = tuple(pair for pair in means if not gate.holds(pair[1]))
        return judged.Judged(gate, means=missed, unscored=unscored)
    trusted = gate_evidence.trusted_means(store, results.run.run_id, means, gate, rule)
    believed = [(arm, None if found is None else found.mean) for arm, found in trusted]
    doubted = {
        arm.label: (arm, found.reasons)
        for arm, found in trusted
        if found is not None and found.reasons
    }
    notes = (note for _, found in trusted if found is not None for note in found.notes)
    return judged.Judged(
        gate,
        means=tuple(
            pair for pair in believed if pair[0].label not in doubted and not gate.holds(pair[1])
        ),
        unscored=unscored,
        untrusted=tuple(doubted.values()),
        notes=tuple({note.text: note for note in notes}.values()),
    )


def _texts(gate: written.Gate) -> tuple[TemplateSource, ...]:
    if isinstance(gate, written.Beats):
        return gate.better, gate.than
    return (gate.baseline,) if isinstance(gate, written.NoWorse) else ()
