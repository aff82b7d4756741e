"""Gates as JSON."""

from __future__ import annotations

from collections.abc import Iterable

from promptlab.report.documents.reasons import reasons_json
from promptlab.report.views.gates import Finding, GateView


def gates_json(gates: Iterable[GateView]) -> list[dict[str, object]]:
    """Return gates as JSON, with the findings against each."""
    return [
        {
            "gate": gate.text,
            "kind": gate.kind,
            "scorer": gate.scorer,
            "holds": gate.holds,
            "findings": [_finding_json(finding) for finding in gate.findings],
            "notes": reasons_json(gate.notes),
        }
        for gate in gates
    ]


def _finding_json(finding: Finding) -> dict[str, object]:
    return {
        "text": finding.text,
        "arm": finding.arm,
        "backend": finding.backend,
        "mean": finding.mean,
        "verdict": finding.verdict,
        "delta": finding.delta,
        "ci": None if finding.ci is None else [*finding.ci],
        "ci_simultaneous": None if finding.ci_simultaneous is None else [*finding.ci_simultaneous],
        "reasons": reasons_json(finding.reasons),
    }
