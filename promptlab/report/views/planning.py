"""What a suite can show, and what it takes to show more: numbers, and the lines that say them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from promptlab.analysis.planning import (
    ASSUMED_SHARE,
    Source,
    Spread,
    half_width,
    power_of,
    repeats_to_show,
    shown_by,
    sources,
    units_to_show,
)
from promptlab.analysis.prospect import Prospect
from promptlab.analysis.texts import Texts, wordings_to_show
from promptlab.report.views.forecast import ForecastView, forecast_view
from promptlab.report.views.planned import (
    buys_most,
    need,
    needed_wordings,
    on_wordings,
    planned_size,
)
from promptlab.report.wording import counted, usd
from promptlab.runner.forecast import Forecast
from promptlab.stats.intervals import wilson

_PILOT = 30  # cases: enough to see how much differences vary
_MOST_REPEATS = 1000
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """One comparison of the pilot: what the plan's cases would show, and what the effect takes.

    `texts` are the wordings of a practice, and `wordings` how many of them a side show the effect
    on the plan's cases, None if no number does, or if nothing is known of them. Where they matter
    more than the cases, no number of cases is known to do.
    """

    pair: str
    backend: str | None
    spread: Spread
    varies: str
    detectable: float | None
    needed: int | None
    texts: Texts | None
    wordings: int | None


@dataclass(frozen=True, slots=True)
class Takes:
    """What the cases that are needed take: model calls, and USD at known prices."""

    calls: int
    cost_usd: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the variance comes from, and the repeats that would do.

    `repeats` is how many show the effect on the cases at hand, None if no number does; `best` how
    many are worth their calls at the cost of a case, None where cases do not differ.
    """

    sources: tuple[Source, ...]
    repeats: int | None
    best: float | None


@dataclass(frozen=True, slots=True)
class PlanningView:
    """A suite before its run. What is not known is None.

    `detectable` is the difference that its cases show with a power of 80 %, `needed` how many cases
    the wanted effect takes, `units_needed` how many groups, where cases come in groups. `power` is
    the chance to see the effect with the cases at hand, `half_width` how far an interval will
    reach to either side.
    """

    prospect: Prospect
    forecast: ForecastView
    detectable: float | None
    units_needed: int | None
    needed: int | None
    power: float | None
    half_width: float | None
    rows: tuple[PlannedRow, ...]
    parts: Parts | None
    takes: Takes | None

    @property
    def headline(self) -> str:
        """Return what the suite can show, and what more takes."""
        prospect = self.prospect
        have = counted(len(prospect.plan.cases), "case")
        if not prospect.family:
            return f"There is one arm: nothing is compared.{_reach(self)}"
        if prospect.in_groups:
            have += f" in {counted(prospect.units, 'group')}"
        family = "" if prospect.family == 1 else f" in a family of {prospect.family}"
        shown = planned_size(prospect, self.detectable)
        wanted = planned_size(prospect, prospect.aim.effect)
        return f"{have} can show {shown}{family}; {wanted} {need(wanted)} {self._needs}."

    @property
    def _needs(self) -> str:
        if self.needed is None:
            return "a number of cases that is not known"
        if self.prospect.in_groups:
            return f"{self.units_needed:,} groups ({self.needed:,} cases)"
        return f"{self.needed:,}"

    @property
    def lines(self) -> tuple[str, ...]:
        """Return what else is to be said, line by line."""
        return tuple(_lines(self))

    @property
    def costs(self) -> tuple[str, ...]:
        """Return what a run takes, as the suite stands and with the cases that are needed."""
        lines = [self.forecast.total]
        if self.forecast.cost is not None:
            lines.append(self.forecast.cost)
        if self.takes is not None and self.needed is not None:
            line = f"{counted(self.needed, 'case')} would take {counted(self.takes.calls, 'call')}"
            if self.takes.cost_usd is not None:
                low, high = self.takes.cost_usd
                line += f", {usd(low)} to {usd(high)} USD"
            lines.append(f"{line}.")
        return tuple(lines)


def planning_view(
    prospect: Prospect, forecast: Forecast, not_honoured: Mapping[str, Sequence[str]]
) -> PlanningView:
    """Return the view of what a suite can show, and of what a run of it would do."""
    aim, spread = prospect.aim, prospect.spread
    asked = prospect.family > 0
    of_wordings = prospect.row is not None and _rests_on_wordings(prospect.row.texts)
    units = units_to_show(spread, aim) if asked and not of_wordings else None
    needed = None if units is None else ceil(units * prospect.unit_size)
    return PlanningView(
        prospect=prospect,
        forecast=forecast_view(prospect.plan, forecast, not_honoured),
        detectable=shown_by(spread, prospect.units, aim) if asked else None,
        units_needed=units,
        needed=needed,
        power=power_of(spread, prospect.units, aim) if asked else None,
        half_width=half_width(spread, prospect.units, aim.alpha) if asked else _of_one(prospect),
        rows=tuple(_rows(prospect)) if asked else (),
        parts=_parts(prospect, forecast) if asked else None,
        takes=None if needed is None else _takes(prospect, forecast, needed),
    )


def _rows(prospect: Prospect) -> Iterator[PlannedRow]:
    for row in () if prospect.pilot is None else prospect.pilot.rows:
        spread = prospect.fitted(row)
        few = _rests_on_wordings(row.texts)
        units = None if few else units_to_show(spread, prospect.aim)
        cases = len(prospect.plan.cases)
        yield PlannedRow(
            pair=f"{row.b} against {row.a}",
            backend=row.backend,
            spread=spread,
            varies=_varies(row.spread),
            detectable=shown_by(spread, prospect.units, prospect.aim),
            needed=None if units is None else ceil(units * prospect.unit_size),
            texts=row.texts,
            wordings=None
            if row.texts is None
            else wordings_to_show(row.texts, cases, prospect.aim),
        )


def _rests_on_wordings(texts: Texts | None) -> bool:
    """Return whether the wordings matter more than the cases: more cases do not help."""
    return texts is not None and texts.share > _HALF


def _varies(spread: Spread) -> str:
    """Say how much differences varied in a pilot."""
    if spread.kind == "pass/fail":
        return f"{spread.differ} of {spread.cases} cases differ"
    unit = "groups" if spread.kind == "groups" else "cases"
    return f"{counted(spread.units, unit[:-1])}, standard deviation {spread.sd:.3g}"


def _parts(prospect: Prospect, forecast: Forecast) -> Parts | None:
    if prospect.row is None or prospect.row.split is None:
        return None
    split, plan = prospect.row.split, prospect.plan
    every = tuple(sources(split, plan.repeats))
    if not every:
        return None
    repeats = repeats_to_show(split, prospect.units, prospect.aim)
    calls = max(1.0, forecast.calls / max(1, plan.size))
    best = split.best_repeats(prospect.case_cost, 2 * calls)
    return Parts(every, repeats, best)


def _takes(prospect: Prospect, forecast: Forecast, cases: int) -> Takes:
    """Scale the forecast to another number of cases, of which none is stored yet."""
    plan = prospect.plan
    calls = ceil(forecast.calls / len(plan.cases) * cases)
    new, cost = forecast.calls - forecast.stored, forecast.cost_usd
    if cost is None or not new:
        return Takes(calls, None)
    times = max(0, calls - forecast.stored) / new
    return Takes(calls, (cost[0] * times, cost[1] * times))


def _of_one(prospect: Prospect) -> float | None:
    """Return how far the interval of one arm's pass rate reaches at most, None with groups."""
    n = prospect.units
    interval = None if prospect.in_groups else wilson(n / 2, n, prospect.rule.level)
    return None if interval is None else (interval[1] - interval[0]) / 2


def _reach(view: PlanningView) -> str:
    """Say how far an interval will reach."""
    if view.half_width is None:
        return ""
    reach = planned_size(view.prospect, view.half_width)
    return f" An interval will reach about {reach} to either side."


def _lines(view: PlanningView) -> Iterator[str]:
    prospect = view.prospect
    if not prospect.family:
        return
    of_each = f"each tested at {prospect.aim.alpha:.2g}" if prospect.family > 1 else "one test"
    yield f"Asked: {prospect.question}, {counted(prospect.family, 'comparison')}, {of_each}."
    if view.power is not None:
        wanted = planned_size(prospect, prospect.aim.effect)
        chance = f"{view.power * 100:.0f} %" if view.power >= 0.005 else "less than 1 %"
        yield f"The chance to see {wanted} with the cases at hand is {chance}.{_reach(view)}"
    yield _basis(prospect)
    if prospect.in_groups and (prospect.row is None or prospect.row.spread.kind != "groups"):
        yield "Cases of a group are taken to turn together, as nothing else is known of them."
    if prospect.early:
        yield "Stopping early and the test at the end have half of the level each."
    if prospect.aim.margin:
        least = planned_size(prospect, prospect.aim.margin)
        yield f"Better means by more than {least}, the smallest effect that matters."
    yield from on_wordings(prospect)
    known = [(row.pair, row.texts, row.wordings) for row in view.rows if row.texts is not None]
    yield from needed_wordings(prospect, known)
    yield from _on_parts(view)


def _basis(prospect: Prospect) -> str:
    """Say what the spread rests on."""
    pilot, row = prospect.pilot, prospect.row
    if pilot is None or row is None:
        return (
            f"Nothing was measured yet: {ASSUMED_SHARE * 100:.0f} % of the cases are taken to"
            f" differ. A pilot tells: run {prospect.plan.suite} -n {_PILOT}, then plan again."
        )
    seen = f"In run {pilot.run_id} {_varies(row.spread)}"
    several = "" if len(pilot.rows) == 1 else f" ({row.b} against {row.a}, the widest pair)"
    upper = row.spread.upper
    if upper is None:
        return f"{seen}{several}: too few to plan with."
    limit = f"{upper * 100:.0f} %" if row.spread.kind == "pass/fail" else f"{upper:.3g}"
    return f"{seen}{several}; needs are counted with {limit}, the upper 80 % limit."


def _on_parts(view: PlanningView) -> Iterator[str]:
    """Say where the next call buys most."""
    prospect, parts = view.prospect, view.parts
    if parts is None:
        pilot = prospect.pilot
        if pilot is not None and pilot.repeats == 1 and prospect.samples:
            yield (
                "How much answers differ from one try to the next is not known:"
                " a pilot with --repeats 2 tells."
            )
        return
    yield from buys_most(parts.sources)
    wanted = planned_size(prospect, prospect.aim.effect)
    if parts.repeats is None or parts.repeats > _MOST_REPEATS:
        yield f"No number of repeats shows {wanted} on these cases alone."
    elif parts.repeats > prospect.plan.repeats:
        yield f"On these cases alone {parts.repeats} repeats show {wanted}."
    if parts.best is not None and prospect.case_cost:
        cost = f"{prospect.case_cost:g} calls"
        yield f"Where a case costs {cost} to write, {max(1, round(parts.best))} repeats are best."
