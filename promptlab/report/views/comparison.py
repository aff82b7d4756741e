"""A family of comparisons as plain data: tables, what a trial takes, notes, and the conclusion."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from promptlab.analysis.compare import Comparison
from promptlab.analysis.contrast import Change
from promptlab.core.decision import Rule, Verdict
from promptlab.core.reasons import Reason
from promptlab.report.views.contrast import (
    Figures,
    Note,
    OpenQuestion,
    figures_of,
    notes_on,
    open_question,
    ratio,
)
from promptlab.report.wording import (
    UNKNOWN,
    bounds,
    counted,
    difference,
    level,
    mean,
    more,
    p_equation,
)

Unit = Literal["points", "delta"]
_Place = tuple[str | None, str]
"""Where a table stands: a backend, and the arm that others are set against."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a trial of b takes more than one of a, in words; `usd_a_point` buys one more point."""

    tokens: str
    tokens_interval: str
    seconds: str
    seconds_interval: str
    usd: str
    usd_a_point: str


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One comparison: its numbers, these in words, and what is said of it.

    `name` tells it apart within its table, `pair` from all others; `b` is the short name of its
    arm. `open` says what more cases would show, where it is undecided.
    """

    name: str
    pair: str
    b: str
    comparison: Comparison
    figures: Figures
    taken: Taken
    open: Reason | None


@dataclass(frozen=True, slots=True)
class ComparisonTable:
    """All that is set against arm `a` in one place, `place` being None if there is no other.

    `cases` and `mean_a` are those of all rows, None where rows differ in them; the title tells
    them too. `unit` is that of the differences.
    """

    title: str
    a: str
    place: str | None
    unit: Unit
    cases: int | None
    mean_a: str | None
    rows: tuple[ComparisonRow, ...]


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The clearest comparison as one would tell it, in parts. `tokens` is None if unknown."""

    b: str
    verdict: Verdict
    a: str
    place: str
    delta: str
    level: str
    interval: str
    p: str
    won: str
    lost: str
    tokens: str | None

    @property
    def sentence(self) -> str:
        """Return the parts as one sentence."""
        tokens = "" if self.tokens is None else f"; {self.tokens}"
        return (
            f"{self.b} is {self.verdict} than {self.a}{self.place}: {self.delta},"
            f" {self.level} {self.interval}, {self.p}; {self.won}, {self.lost}{tokens}."
        )


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """Comparisons of joined runs by one scorer. `rows` has them in order, `tables` by baseline.

    `evidence` says from where an arm was taken that the runs do not have.
    """

    run_ids: tuple[str, ...]
    scorer: str
    rule: Rule
    rows: tuple[ComparisonRow, ...]
    tables: tuple[ComparisonTable, ...]
    notes: tuple[Note, ...]
    open: tuple[OpenQuestion, ...]
    conclusion: Conclusion | None
    evidence: tuple[str, ...]


def comparison_view(
    run_ids: Sequence[str],
    scorer: str,
    comparisons: Sequence[Comparison],
    rule: Rule,
    notes: Sequence[str] = (),
) -> ComparisonView:
    """Make the view of a family of comparisons; `notes` are on the evidence."""
    names = _Names(comparisons)
    arms: defaultdict[_Place, set[str]] = defaultdict(set)
    for one in comparisons:
        arms[_place_of(one)].add(one.b)
    rows = tuple(
        _row(one, names, rule, alone=len(arms[_place_of(one)]) == 1) for one in comparisons
    )
    open_rows = (row for row in rows if row.open and row.comparison.group is None)
    return ComparisonView(
        run_ids=tuple(run_ids),
        scorer=scorer,
        rule=rule,
        rows=rows,
        tables=tuple(_tables(scorer, rows, names, rule)),
        notes=notes_on([(row.comparison, row.pair) for row in rows], names.short),
        open=tuple(OpenQuestion(row.pair, row.open) for row in open_rows if row.open),
        conclusion=_conclusion(comparisons, names, rule),
        evidence=tuple(notes),
    )


class _Names:
    """How arms and pairs are named: no longer than is needed to tell them apart.

    The name of the template is left out where there is only one.
    """

    def __init__(self, comparisons: Sequence[Comparison]) -> None:
        templates = {name.partition("@")[0] for one in comparisons for name in (one.a, one.b)}
        self._prefix = f"{templates.pop()}@" if len(templates) == 1 else ""
        self._several = len({one.backend for one in comparisons}) > 1

    def short(self, name: str) -> str:
        """Return the name of an arm."""
        return name.removeprefix(self._prefix)

    def place(self, one: Comparison) -> str | None:
        """Say where a pair was compared: pairs of backends are on none of them."""
        if one.backend is not None:
            return f"on {one.backend}"
        return "on all backends" if self._several else None

    def apart(self, one: Comparison) -> str:
        """Say where a pair was compared, if others were compared elsewhere."""
        return f" {self.place(one)}" if self._several else ""

    def pair(self, one: Comparison) -> str:
        """Return the name of a pair."""
        within = f" in {one.group}" if one.group is not None else ""
        return f"{self.short(one.b)} against {self.short(one.a)}{within}{self.apart(one)}"


def _row(one: Comparison, names: _Names, rule: Rule, *, alone: bool) -> ComparisonRow:
    return ComparisonRow(
        name=_row_name(one, names.short(one.b), alone=alone),
        pair=names.pair(one),
        b=names.short(one.b),
        comparison=one,
        figures=figures_of(one),
        taken=_taken(one),
        open=open_question(one, rule),
    )


def _row_name(one: Comparison, b: str, *, alone: bool) -> str:
    """Name a row by its arm, by its group where its table has but one arm, or by both."""
    if one.group is None:
        return b
    return one.group if alone else f"{b}, {one.group}"


def _place_of(one: Comparison) -> _Place:
    return one.backend, one.a


def _tables(
    scorer: str, rows: Sequence[ComparisonRow], names: _Names, rule: Rule
) -> Iterator[ComparisonTable]:
    """Yield a table for each arm that others are set against, in each place."""
    tables: defaultdict[_Place, list[ComparisonRow]] = defaultdict(list)
    for row in rows:
        tables[_place_of(row.comparison)].append(row)
    for members in tables.values():
        first = members[0].comparison
        place = names.place(first)
        means = {
            mean(row.comparison.mean_a, is_rate=first.is_rate): row.figures.mean_a
            for row in members
        }
        counts = {row.comparison.n for row in members}
        title = f"{scorer}{f' {place}' if place else ''}, against {names.short(first.a)}"
        if len(means) == 1:
            title += f" ({next(iter(means))})"
        if len(counts) == 1:
            title += f", {counted(first.n, 'case')}"
        yield ComparisonTable(
            title=f"{title}, {level(rule)}",
            a=names.short(first.a),
            place=place,
            unit="points" if first.is_rate else "delta",
            cases=first.n if len(counts) == 1 else None,
            mean_a=members[0].figures.mean_a if len(means) == 1 else None,
            rows=tuple(members),
        )


def _taken(one: Comparison) -> Taken:
    tokens, tokens_interval = _change(one.tokens, 0)
    seconds, seconds_interval = _change(one.latency_s, 2)
    price = one.usd_per_point
    if price is not None and one.is_rate:
        price /= 100  # a point is one of a hundred where scores are rates
    return Taken(
        tokens=tokens,
        tokens_interval=tokens_interval,
        seconds=seconds,
        seconds_interval=seconds_interval,
        usd=UNKNOWN if one.cost_usd is None else f"{one.cost_usd.delta:+.2g}",
        usd_a_point=UNKNOWN if price is None else f"{price:.2g}",
    )


def _change(change: Change | None, digits: int) -> tuple[str, str]:
    if change is None:
        return UNKNOWN, UNKNOWN
    signed = [f"{value:+,.{digits}f}" for value in (change.delta, *(change.ci or ()))]
    return signed[0], " to ".join(signed[1:]) or UNKNOWN


def _conclusion(comparisons: Sequence[Comparison], names: _Names, rule: Rule) -> Conclusion | None:
    """Return the clearest conclusion, of all backends rather than of one; none within groups."""
    decided = [one for one in comparisons if one.verdict in ("better", "worse")]
    if not decided or any(one.group is not None for one in comparisons):
        return None
    against_first = [one for one in decided if one.a == comparisons[0].a]
    best = max(
        against_first or decided, key=lambda one: (one.backend is None, abs(one.delta or 0.0))
    )
    unit = " points" if best.is_rate else ""
    return Conclusion(
        b=names.short(best.b),
        verdict=best.verdict,
        a=names.short(best.a),
        place=names.apart(best),
        delta=f"{difference(best.delta, is_rate=best.is_rate)}{unit}",
        level=f"{rule.level * 100:g} % interval",
        interval=bounds(best.ci, is_rate=best.is_rate),
        p=p_equation(best.p_adjusted),
        won=f"{counted(len(best.won), 'case')} won",
        lost=f"{len(best.lost)} lost",
        tokens=None if best.tokens is None else f"{more(ratio(best.tokens))} tokens",
    )
