"""The document of how arms classify."""

from __future__ import annotations

from promptlab.report.views.confusion import (
    ArmConfusionView,
    ClassifiedView,
    ConfusionView,
    MatrixRow,
)


def classified_json(view: ClassifiedView) -> dict[str, object]:
    """Return how the arms of a run classify as the document of `show --confusion --json`."""
    return {
        "run": view.run_id,
        "scorers": [_scorer_json(each) for each in view.scorers],
        "without": dict(view.without),
    }


def _scorer_json(view: ConfusionView) -> dict[str, object]:
    return {
        "scorer": view.scorer,
        "classes": list(view.classes),
        "arms": [_arm_json(arm) for arm in view.arms],
    }


def _arm_json(arm: ArmConfusionView) -> dict[str, object]:
    return {
        "arm": arm.arm.label,
        "n": arm.n,
        "accuracy": arm.accuracy,
        "macro_f1": arm.macro_f1,
        "classes": [
            {
                "label": each.label,
                "n": each.n,
                "found": each.found,
                "precision": each.precision,
                "recall": each.recall,
                "f1": each.f1,
            }
            for each in arm.classes
        ],
        "matrix": [_row_json(row) for row in arm.rows],
    }


def _row_json(row: MatrixRow) -> dict[str, object]:
    return {
        "expected": row.right,
        "found": dict(row.found),
        **{str(name): count for name, count in row.beside.items()},
    }
