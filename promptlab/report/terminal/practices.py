"""The effects of practices as a forest plot for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, floor, log10

from rich.console import Console
from rich.text import Text

from promptlab.analysis.practices import PracticeEffect, Practices
from promptlab.core.decision import Rule
from promptlab.report.terminal.compare import TOLD_AS, needed, notes, print_lines
from promptlab.report.terminal.figures import bounds, difference, level, more, p_value
from promptlab.report.terminal.tables import BETWEEN, Column, print_fitted, total_width

_NARROWEST, _WIDEST = 11, 31  # columns of the plot
_NOTHING = 1e-12  # a difference that comes from rounding alone
_LABELS = 3  # of arms in a line
_GENERAL = "models in general"


def print_practices(console: Console, scorer: str, found: Practices, rule: Rule) -> None:
    """Print a row for each practice, under it one for each model, and what they rest on."""
    effects = found.effects
    shown = [one for one in effects if not _is_silent(one)]
    columns = _columns(shown)
    columns.insert(4, _plot_column(shown, console.width - total_width(columns) - BETWEEN))
    title = f"{scorer}: what each practice changes, {level(rule)}"
    print_fitted(console, title, columns)
    print_lines(console, [*_sources(effects), *_aliases(found)])
    several = len({one.backend for one in effects}) > 1
    named = [(one, _about(one) if several else one.practice) for one in shown]
    measured = [pair for pair in named if pair[0].scope != _GENERAL]
    lines = [*notes(named, str), *_heterogeneity(effects), *needed(measured, rule)]
    print_lines(console, lines)


def _columns(shown: Sequence[PracticeEffect]) -> list[Column]:
    """Return all columns but the plot."""
    is_rate = shown[0].is_rate
    tokens = [more(one.tokens) if one.scope != _GENERAL else "" for one in shown]
    deltas = [difference(one.delta, is_rate=is_rate) for one in shown]
    return [
        Column("practice", [_named(one, shown) for one in shown]),
        Column("points" if is_rate else "effect", deltas, number=True),
        Column("interval", [bounds(one.ci, is_rate=is_rate) for one in shown], rank=1),
        Column("p", [p_value(one.p_adjusted) for one in shown], number=True, rank=1),
        Column("tokens", tokens, number=True, rank=3),
        Column("verdict", [Text(one.verdict, TOLD_AS.get(one.verdict, "")) for one in shown]),
    ]


def _named(one: PracticeEffect, effects: Sequence[PracticeEffect]) -> str:
    """Name a row: the practice, or below it the models that it was measured on."""
    several = len({each.backend for each in effects if each.practice == one.practice}) > 1
    if not several:
        return one.practice
    if one.scope == "model":
        first = next(each for each in effects if each.practice == one.practice)
        return f"{one.practice} on {one.backend}" if one is first else f"  on {one.backend}"
    return "  these models" if one.scope == "these models" else "  in general"


def _is_silent(one: PracticeEffect) -> bool:
    """Say whether this is where too few models tell nothing of models in general."""
    return one.scope == _GENERAL and one.general is None


def _about(one: PracticeEffect) -> str:
    where = f" on {one.backend}" if one.backend is not None else f", {one.scope}"
    return f"{one.practice}{where}"


def _plot_column(shown: Sequence[PracticeEffect], room: int) -> Column:
    """Return the forest plot, as wide as there is room for."""
    reach = _reach(shown)
    low, high = (
        difference(bound, is_rate=shown[0].is_rate).removesuffix(".0") for bound in (-reach, reach)
    )
    half = max((min(max(room, _NARROWEST), _WIDEST) - 1) // 2, len(low), len(high))
    cells = [_plot(one, reach, half) for one in shown]
    return Column(f"{low.ljust(half)}0{high.rjust(half)}", cells, rank=2)


def _reach(effects: Sequence[PracticeEffect]) -> float:
    """Return how far the plot goes to both sides: to the widest interval, in two digits."""
    known = [abs(bound) for one in effects if one.ci is not None for bound in one.ci]
    widest = max(known, default=0.0)
    if widest < _NOTHING:
        return 1.0
    unit: float = 10.0 ** (floor(log10(widest)) - 1)
    return ceil(widest / unit) * unit


def _plot(one: PracticeEffect, reach: float, half: int) -> str:
    """Draw an effect and its interval around zero, `half` columns to both sides of it."""
    line = ["·"] * (2 * half + 1)
    line[half] = "│"
    if one.delta is None:
        return "".join(line)
    low, middle, high = (
        half + round(value / reach * half)
        for value in (min(one.ci or (one.delta,)), one.delta, max(one.ci or (one.delta,)))
    )
    line[low : high + 1] = "─" * (high - low + 1)
    line[half] = "┼" if low <= half <= high else "│"
    line[middle] = "●"
    return "".join(line)


def _sources(effects: Sequence[PracticeEffect]) -> Iterator[str]:
    """Yield which arms each effect comes from, and how many wordings that are."""
    sources = {one.practice: _source(one) for one in reversed(effects)}
    yield from (f"{name}: {told}" for name, told in reversed(sources.items()))


def _aliases(found: Practices) -> Iterator[str]:
    """Yield which joint effects of two practices the design confounds."""
    for group in found.aliases:
        yield "not told apart: " + " = ".join(" x ".join(pair) for pair in group)


def _source(one: PracticeEffect) -> str:
    if one.source == "factorial":
        return f"{len(one.with_it)} arms with it against {len(one.without)} without"
    if one.wordings == 1:
        return f"{one.with_it[0]} against {one.without[0]} (one wording)"
    sides = (_listed(one.with_it), _listed(one.without))
    return f"{sides[0]} against {sides[1]} ({one.wordings} wordings)"


def _listed(labels: Sequence[str]) -> str:
    more_than = f" and {len(labels) - _LABELS} more" if len(labels) > _LABELS else ""
    return ", ".join(labels[:_LABELS]) + more_than


def _heterogeneity(effects: Sequence[PracticeEffect]) -> Iterator[str]:
    """Yield how much the models differ, and that few of them tell nothing of others."""
    few = {one.reasons for one in effects if _is_silent(one)}
    for reason in sorted(text for reasons in few for text in reasons):
        yield f"models in general: {reason}"
    for one in effects:
        if one.general is not None:
            found = one.general
            told = f"{one.practice}: {found.models} models, Q {found.q:.1f},"
            yield f"{told} I2 {found.i2 * 100:.0f} %, tau {found.tau2**0.5:.3f}"
