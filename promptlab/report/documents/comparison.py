"""The document of `compare --json`."""

from __future__ import annotations

from promptlab.report.documents.contrast import contrast_json
from promptlab.report.documents.reasons import reasons_json
from promptlab.report.views.comparison import ComparisonRow, ComparisonView


def compare_json(view: ComparisonView) -> dict[str, object]:
    """Return comparisons as the document that `compare --json` writes."""
    return {
        "run": list(view.run_ids),
        "scorer": view.scorer,
        "alpha": view.rule.alpha,
        "min_effect": view.rule.min_effect,
        "comparisons": [_row_json(row) for row in view.rows],
        "notes": reasons_json(view.evidence),
    }


def _row_json(row: ComparisonRow) -> dict[str, object]:
    comparison = row.comparison
    return {
        "a": comparison.a,
        "b": comparison.b,
        "backend": comparison.backend,
        "group": comparison.group,
        **contrast_json(comparison, row.open),
    }
