"""The document of `run --dry-run --json`."""

from __future__ import annotations

from promptlab.report.views.forecast import ForecastView
from promptlab.runner.forecast import CallForecast


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
        "arms": [{"arm": row.label, **_calls_json(row.forecast)} for row in view.rows],
        "asked": [{"backend": row.label, **_calls_json(row.forecast)} for row in view.asked],
    }


def _calls_json(forecast: CallForecast) -> dict[str, object]:
    return {
        "trials": forecast.trials,
        "calls": forecast.calls,
        "stored": forecast.stored,
        "prompt_tokens": forecast.prompt_tokens,
        "exact": forecast.exact,
        "input_tokens": [forecast.input_tokens.low, forecast.input_tokens.high],
        "output_tokens": [forecast.output_tokens.low, forecast.output_tokens.high],
        "cost_usd": _bounds(forecast.cost_usd),
    }


def _bounds(cost: tuple[float, float] | None) -> list[float] | None:
    return None if cost is None else [*cost]
