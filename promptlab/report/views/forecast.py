"""What a run would do, as plain data: calls, tokens and cost, arm by arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from promptlab.core.types import Arm, Plan
from promptlab.report.wording import counted
from promptlab.runner.forecast import ArmForecast, Forecast


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """What one arm would do; `prompt_tokens` is in words, as it may be a guess."""

    arm: Arm
    forecast: ArmForecast
    prompt_tokens: str


@dataclass(frozen=True, slots=True)
class ForecastView:
    """What a run would do.

    `unpriced` names the backends that charge at a price nobody knows; `cost` is a line about money,
    None where nothing costs anything. `not_honoured` has what each backend will not honour.
    """

    plan: Plan
    forecast: Forecast
    rows: tuple[ForecastRow, ...]
    unpriced: tuple[str, ...]
    cost: str | None
    total: str
    not_honoured: Mapping[str, Sequence[str]]


def forecast_view(
    plan: Plan, forecast: Forecast, not_honoured: Mapping[str, Sequence[str]]
) -> ForecastView:
    """Make the view of a forecast."""
    named = list(zip(plan.arms, forecast.arms, strict=True))
    unpriced = tuple(dict.fromkeys(arm.backend for arm, each in named if each.unpriced))
    return ForecastView(
        plan=plan,
        forecast=forecast,
        rows=tuple(ForecastRow(arm, each, _prompt_tokens(each)) for arm, each in named),
        unpriced=unpriced,
        cost=_cost(forecast, unpriced),
        total=_total(plan, forecast),
        not_honoured=not_honoured,
    )


def _prompt_tokens(arm: ArmForecast) -> str:
    """Return a count, or the bounds of a guess where only the server can count."""
    if arm.prompt_tokens is None:
        return f"{arm.input_tokens.low:,} to {arm.input_tokens.high:,}"
    return f"{'' if arm.exact else 'about '}{arm.prompt_tokens:,}"


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
