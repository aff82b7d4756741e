"""Judges the gates of a run: which failed, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from promptlab.cli.session import Session
from promptlab.cli.workbench import project_of
from promptlab.core.decision import Rule
from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.core.types import Plan, TemplateSource
from promptlab.experiments.gates import Beats, Bound, Gate, NoWorse, parse_gate
from promptlab.report.views.gates import Finding, GateView, gate_view, judge_bound
from promptlab.report.views.run import RunView
from promptlab.store import Store
from promptlab.templates.library import TemplateLibrary

if TYPE_CHECKING:
    from promptlab.cli import gate_evidence
else:
    gate_evidence = lazy_module("promptlab.cli.gate_evidence")  # numpy, for gates that compare


def stored_gates(session: Session, plan: Plan) -> tuple[Gate, ...]:
    """Read the gates of a stored run again."""
    labels = [spec.label for spec in plan.scorers]
    resolve = TemplateLibrary(project_of(session).templates).one
    where = "the run's gates"
    return tuple(parse_gate(text, labels, plan.primary, where, resolve) for text in plan.gates)


def check_measurable(store: Store, plan: Plan, gates: Sequence[Gate]) -> None:
    """Refuse a gate on a version that is not in the plan and was never run, before any call."""
    planned = {source.digest for source in plan.templates}
    for gate in gates:
        for text in _texts(gate):
            if text.digest not in planned and store.newest_run_of((text.digest,)) is None:
                name = f"{text.name}@{text.version}"
                raise PromptlabError(
                    f"the gate {gate.text!r} needs results of {name}, and there are none",
                    hint=f"run it too, with -t {name}",
                )


def _texts(gate: Gate) -> tuple[TemplateSource, ...]:
    if isinstance(gate, Beats):
        return gate.better, gate.than
    return (gate.baseline,) if isinstance(gate, NoWorse) else ()


def judge(store: Store, view: RunView, gates: Sequence[Gate], rule: Rule) -> tuple[GateView, ...]:
    """Judge the gates of a run."""
    return tuple(_judged(store, view, gate, rule) for gate in gates)


def _judged(store: Store, view: RunView, gate: Gate, rule: Rule) -> GateView:
    if isinstance(gate, Bound):
        return judge_bound(gate, view)
    try:
        return gate_view(gate, _compared(store, view.run.run_id, gate, rule))
    except PromptlabError as error:  # the run itself is no worse for it, and must be shown
        return gate_view(gate, [Finding(str(error))])


def _compared(store: Store, run_id: str, gate: Beats | NoWorse, rule: Rule) -> Sequence[Finding]:
    if isinstance(gate, Beats):
        return gate_evidence.not_better(store, run_id, gate, rule)
    return gate_evidence.worse(store, run_id, gate, rule)
