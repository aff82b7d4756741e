"""What a run would do, as plain data: calls, tokens and cost, arm by arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from promptlab.report.wording import counted, usd

if TYPE_CHECKING:  # the list of runs shares its renderer, and needs nothing that runs
    from promptlab.core.types import Plan
    from promptlab.runner.forecast import CallForecast, Forecast


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """What one arm would do, or what scorers would ask another backend.

    `label` is the arm or that backend; `prompt_tokens` is in words, as it may be an estimate.
    """

    label: str
    forecast: CallForecast
    prompt_tokens: str


@dataclass(frozen=True, slots=True)
class ForecastView:
    """What a run would do: `rows` by arm, `asked` by the backends that only scorers ask.

    `unpriced` names the backends that charge an unknown price; `cost` is a line about money, None
    if nothing costs anything. `not_honoured` lists what each backend will not honour.
    """

    plan: Plan
    forecast: Forecast
    rows: tuple[ForecastRow, ...]
    asked: tuple[ForecastRow, ...]
    unpriced: tuple[str, ...]
    cost: str | None
    total: str
    not_honoured: Mapping[str, Sequence[str]]


def forecast_view(
    plan: Plan, forecast: Forecast, not_honoured: Mapping[str, Sequence[str]]
) -> ForecastView:
    """Return the view of a forecast."""
    own = list(zip(plan.arms, forecast.arms, strict=True))
    named = [*((arm.backend, calls) for arm, calls in own), *forecast.asked.items()]
    unpriced = tuple(dict.fromkeys(name for name, calls in named if calls.unpriced))
    return ForecastView(
        plan=plan,
        forecast=forecast,
        rows=tuple(_row(arm.label, calls) for arm, calls in own),
        asked=tuple(_row(name, calls) for name, calls in forecast.asked.items()),
        unpriced=unpriced,
        cost=_cost(forecast, unpriced),
        total=_total(plan, forecast),
        not_honoured=not_honoured,
    )


def _row(label: str, calls: CallForecast) -> ForecastRow:
    return ForecastRow(label, calls, _prompt_tokens(calls))


def _prompt_tokens(calls: CallForecast) -> str:
    """Return a count, or the bounds of an estimate if only the server can count."""
    if calls.prompt_tokens is None:
        return f"{calls.input_tokens.low:,} to {calls.input_tokens.high:,}"
    return f"{'' if calls.exact else 'about '}{calls.prompt_tokens:,}"


def _cost(forecast: Forecast, unpriced: Sequence[str]) -> str | None:
    """Describe what the calls will cost, if anything; most token counts are estimates."""
    unknown = f"no price is set for {', '.join(unpriced)}" if unpriced else ""
    if forecast.cost_usd is not None and forecast.calls > forecast.stored:
        low, high = forecast.cost_usd
        known = f"{usd(low)} to {usd(high)} USD, from short answers to the longest"
        return f"Cost: {known}{unknown and '; '}{unknown}."
    return f"Cost: unknown ({unknown})." if unknown else None


def _total(plan: Plan, forecast: Forecast) -> str:
    side = "" if plan.split == "all" else f" of the {plan.split} side"
    return (
        f"{counted(plan.size, 'trial')} ({counted(len(plan.arms), 'arm')} x"
        f" {counted(len(plan.cases), 'case')}{side} x {counted(plan.repeats, 'repeat')}),"
        f" {counted(forecast.calls, 'model call')}, {forecast.stored:,} answered by the store."
    )
