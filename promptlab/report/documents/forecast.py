"""The document of `run --dry-run --json`."""

from __future__ import annotations

from promptlab.report.views.forecast import ForecastRow, ForecastView


def forecast_json(view: ForecastView) -> dict[str, object]:
    """Return a forecast as the document that `run --dry-run --json` writes."""
    plan, forecast = view.plan, view.forecast
    return {
        "suite": plan.suite,
        "cases": len(plan.cases),
        "repeats": plan.repeats,
        "trials": plan.size,
        "calls": forecast.calls,
        "stored": forecast.stored,
        "cost_usd": _bounds(forecast.cost_usd),
        "unpriced_backends": list(view.unpriced),
        "not_honoured": {backend: list(lines) for backend, lines in view.not_honoured.items()},
        "arms": [_row_json(row) for row in view.rows],
    }


def _row_json(row: ForecastRow) -> dict[str, object]:
    arm = row.forecast
    return {
        "arm": row.arm.label,
        "trials": arm.trials,
        "calls": arm.calls,
        "stored": arm.stored,
        "prompt_tokens": arm.prompt_tokens,
        "exact": arm.exact,
        "input_tokens": [arm.input_tokens.low, arm.input_tokens.high],
        "output_tokens": [arm.output_tokens.low, arm.output_tokens.high],
        "cost_usd": _bounds(arm.cost_usd),
    }


def _bounds(cost: tuple[float, float] | None) -> list[float] | None:
    return None if cost is None else [*cost]
