"""What a run would do, as plain data: calls, tokens and cost, arm by arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from promptlab.core.types import Plan
from promptlab.report.wording import counted
from promptlab.runner.forecast import CallForecast, Forecast


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """What one arm would do, or what scorers would ask of another backend.

    `label` is the arm or that backend; `prompt_tokens` is in words, as it may be a guess.
    """

    label: str
    forecast: CallForecast
    prompt_tokens: str


@dataclass(frozen=True, slots=True)
class ForecastView:
    """What a run would do: `rows` arm by arm, `asked` by the backends that only scorers ask.

    `unpriced` names the backends that charge at a price nobody knows; `cost` is a line about money,
    None where nothing costs anything. `not_honoured` has what each backend will not honour.
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
    """Make the view of a forecast."""
    own = list(zip(plan.arms, forecast.arms, strict=True))
    named = [*((arm.backend, each) for arm, each in own), *forecast.asked.items()]
    unpriced = tuple(dict.fromkeys(name for name, each in named if each.unpriced))
    return ForecastView(
        plan=plan,
        forecast=forecast,
        rows=tuple(_row(arm.label, each) for arm, each in own),
        asked=tuple(_row(name, each) for name, each in forecast.asked.items()),
        unpriced=unpriced,
        cost=_cost(forecast, unpriced),
        total=_total(plan, forecast),
        not_honoured=not_honoured,
    )


def _row(label: str, calls: CallForecast) -> ForecastRow:
    return ForecastRow(label, calls, _prompt_tokens(calls))


def _prompt_tokens(calls: CallForecast) -> str:
    """Return a count, or the bounds of a guess where only the server can count."""
    if calls.prompt_tokens is None:
        return f"{calls.input_tokens.low:,} to {calls.input_tokens.high:,}"
    return f"{'' if calls.exact else 'about '}{calls.prompt_tokens:,}"


def _cost(forecast: Forecast, unpriced: Sequence[str]) -> str | None:
    """Say what the calls will cost, where they cost anything: the tokens are guessed, mostly."""
    unknown = f"no price is set for {', '.join(unpriced)}" if unpriced else ""
    if forecast.cost_usd is not None and forecast.calls > forecast.stored:
        low, high = forecast.cost_usd
        known = f"{low:.4f} to {high:.4f} USD, from short answers to the longest"
        return f"Cost: {known}{unknown and '; '}{unknown}."
    return f"Cost: unknown ({unknown})." if unknown else None


def _total(plan: Plan, forecast: Forecast) -> str:
    side = "" if plan.split == "all" else f" of the {plan.split} side"
    return (
        f"{counted(plan.size, 'trial')} ({counted(len(plan.arms), 'arm')} x"
        f" {counted(len(plan.cases), 'case')}{side} x {counted(plan.repeats, 'repeat')}),"
        f" {counted(forecast.calls, 'model call')}, {forecast.stored:,} answered by the store."
    )
