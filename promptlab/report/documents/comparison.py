"""The document of `compare --json`."""

from __future__ import annotations

from promptlab.report.documents.contrast import comparison_json
from promptlab.report.documents.reasons import reasons_json
from promptlab.report.views.comparison import ComparisonView


def compare_json(view: ComparisonView) -> dict[str, object]:
    """Return comparisons as the document that `compare --json` writes."""
    return {
        "run": list(view.run_ids),
        "scorer": view.scorer,
        "alpha": view.rule.alpha,
        "min_effect": view.rule.min_effect,
        "comparisons": [comparison_json(row.comparison, row.open) for row in view.rows],
        "notes": reasons_json(view.evidence),
        "next": None if view.next is None else [*view.next.words],
    }
