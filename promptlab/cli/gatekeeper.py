"""Judges the gates of a run: which failed, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from promptlab.core.decision import Rule
from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.experiments.gates import Beats, Bound, Gate, NoWorse
from promptlab.report.views.run import RunView
from promptlab.store import Store

if TYPE_CHECKING:
    from promptlab.cli import gate_evidence
else:
    gate_evidence = lazy_module("promptlab.cli.gate_evidence")  # numpy, for gates that compare


def failed_gates(store: Store, view: RunView, gates: Sequence[Gate], rule: Rule) -> list[str]:
    """Return why gates failed, a line each; none if all hold."""
    return [line for gate in gates for line in _failures(store, view, gate, rule)]


def _failures(store: Store, view: RunView, gate: Gate, rule: Rule) -> Iterator[str]:
    if isinstance(gate, Bound):
        for arm in view.arms:
            mean = next((s.mean for s in arm.scores if s.scorer == gate.scorer), None)
            if not gate.holds(mean):
                told = "no score" if mean is None else f"{mean:.4g}"
                yield f"{gate.text}: {arm.arm.label} has {told}"
        return
    try:
        yield from _compared(store, view.run.run_id, gate, rule)
    except PromptlabError as error:  # the run itself is no worse for it, and must be shown
        yield f"{gate.text}: {error}"


def _compared(store: Store, run_id: str, gate: Beats | NoWorse, rule: Rule) -> Iterator[str]:
    if isinstance(gate, Beats):
        return gate_evidence.not_better(store, run_id, gate, rule)
    return gate_evidence.worse(store, run_id, gate, rule)
