"""The document of what people noted."""

from __future__ import annotations

from promptlab.report.views.noted import NotedRow, NotedView


def noted_json(view: NotedView) -> dict[str, object]:
    """Return what people noted as the document of `show --by note --json`."""
    return {
        "run": view.run_id,
        "by": "note",
        "raters": list(view.raters),
        "rated": {"outputs": sum(view.rated.values()), "arms": view.rated, "pairs": view.pairs},
        "tags": [_row_json(row) for row in view.rows if row.what == "tag"],
        "notes": [_row_json(row) for row in view.rows if row.what == "note"],
    }


def _row_json(row: NotedRow) -> dict[str, object]:
    return {
        row.what: row.text,
        "outputs": row.outputs,
        "arms": dict(row.by_arm),
        "pairs": row.pairs,
    }
