"""The document of `compare --json`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from promptlab.report.documents.contrast import comparison_json
from promptlab.report.documents.reasons import reasons_json
from promptlab.report.documents.throughput import throughput_json
from promptlab.report.views.comparison import ComparisonRow, ComparisonView
from promptlab.stats.multiplicity import benjamini_hochberg


def compare_json(view: ComparisonView) -> dict[str, object]:
    """Return comparisons as the document that `compare --json` writes."""
    return {
        "run": list(view.run_ids),
        "scorer": view.scorer,
        "secondary": view.secondary,
        "alpha": view.rule.alpha,
        "min_effect": view.rule.min_effect,
        "comparisons": [
            {
                **comparison_json(row.comparison, row.open),
                **({} if row.comparison.part is None else {"q": q}),
            }
            for row, q in zip(view.rows, _exploratory(view.rows), strict=True)
        ],
        "throughput": throughput_json(view.batched),
        "notes": reasons_json(view.evidence),
        "next": None if view.next is None else [*view.next.words],
    }


def _exploratory(rows: Sequence[ComparisonRow]) -> list[float | None]:
    """Return p-values of groups and tags for exploring: which share of such findings is false.

    They decide nothing: a verdict needs the p-value of the family. Other rows have none.
    """
    p = [row.comparison.p if row.comparison.part is not None else None for row in rows]
    adjusted = benjamini_hochberg(np.array(p, dtype=float))
    return [None if np.isnan(one) else float(one) for one in adjusted]
