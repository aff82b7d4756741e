"""The document of a table of cases and arms."""

from __future__ import annotations

from promptlab.core.measured import CellTrial
from promptlab.report.views.matrix import MatrixArm, MatrixCell, MatrixRow, MatrixView


def matrix_json(view: MatrixView) -> dict[str, object]:
    """Return a table of cases and arms as the document of `show --matrix --json`."""
    return {
        "run": list(view.run_ids),
        "scorer": view.scorer,
        "arms": [
            {"label": arm.label, "digest": arm.digest, "text": arm.arm.digest} for arm in view.arms
        ],
        "n_cases": view.cases,
        "n_flips": view.flips,
        "more": view.more,
        "cases": [_row_json(row, view.arms) for row in view.rows],
    }


def _row_json(row: MatrixRow, arms: tuple[MatrixArm, ...]) -> dict[str, object]:
    return {
        "case_id": row.case_id,
        "group": row.group,
        "tags": list(row.tags),
        "vars": dict(row.vars),
        "expect": row.expected,
        "flips": row.flips,
        "cells": [_cell_json(cell, arm) for cell, arm in zip(row.cells, arms, strict=True)],
    }


def _cell_json(cell: MatrixCell, arm: MatrixArm) -> dict[str, object]:
    return {
        "arm": arm.label,
        "score": cell.score,
        "passed": cell.passed,
        "outcome": cell.outcome,
        "trials": [_trial_json(trial) for trial in cell.trials],
    }


def _trial_json(trial: CellTrial) -> dict[str, object]:
    return {
        "run": trial.run_id,
        "seq": trial.seq,
        "repeat": trial.repeat,
        "outcome": trial.outcome,
        "score": trial.score,
        "passed": trial.passed,
    }
