"""What charts are drawn of: one look for all, intervals as lines with a dot, bars, and lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptlab.report.html.charts.drawing import label
from promptlab.report.html.charts.library import library
from promptlab.report.html.page.palette import (
    BLUE,
    FAINT,
    GREY,
    INK,
    MUTED,
    ORANGE,
    PAPER,
    TEAL,
    VIOLET,
)

WIDTH = 520
RATE = [0, 100]
"""The ends of the axis of a rate, in per cent: a part of it would make differences look larger."""
_ROW = 26
SERIES = (BLUE.light, ORANGE.light, TEAL.light, VIOLET.light, GREY.light, INK.light)
_AXIS = {
    "labelColor": MUTED.light,
    "titleColor": MUTED.light,
    "titleFontWeight": "normal",
    "labelFontSize": 12,
    "titleFontSize": 12,
    "labelLimit": 340,
    "tickCount": 6,
    "labelOverlap": "greedy",
    "gridColor": FAINT.light,
    "domainColor": MUTED.light,
    "tickColor": MUTED.light,
}
_CONFIG = {
    "font": "sans-serif",
    "background": "white",
    "axis": _AXIS,
    "axisY": {
        "grid": False,
        "domain": False,
        "ticks": False,
        "labelColor": INK.light,
        "labelPadding": 9,
    },
    "view": {"stroke": None},
    "legend": {
        "labelColor": INK.light,
        "titleColor": MUTED.light,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "orient": "bottom",
        "title": None,
        "labelLimit": 240,
        "columns": 4,
    },
    "aria": False,
}


@dataclass(frozen=True, slots=True)
class Dot:
    """A named number with its interval, both ends None where that is unknown; and its colour."""

    name: str
    value: float
    low: float | None
    high: float | None
    colour: str = BLUE.light


def finished(chart: Any, names: Iterable[str] = ()) -> dict[str, Any]:
    """Return the specification of a chart in the look of all charts.

    `names` stand on its left: a browser may show them in wider letters than they were measured in.
    """
    spec: dict[str, Any] = chart.to_dict()
    left = 6 + max(map(len, names), default=0)
    spec["padding"] = {"left": left, "right": 12, "top": 6, "bottom": 6}
    spec["config"] = _CONFIG
    return spec


def dots(found: Sequence[Dot], title: str, *, percent: bool, zero: bool = False) -> dict[str, Any]:
    """Return a row for each number: a dot on the line of its interval; `zero` draws a line at 0."""
    alt = library("altair")
    rows = _rows(found, percent=percent)
    order = [row["name"] for row in rows]
    y = alt.Y("name:N", sort=order, title=None, scale=alt.Scale(paddingOuter=0.3))
    colour = alt.Color("colour:N", scale=None)
    scale = alt.Scale(zero=True, nice=True) if zero else _scale(alt, percent=percent)
    base = alt.Chart(alt.Data(values=rows))
    lines = (
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=2.5)
        .encode(y=y, x=alt.X("low:Q", title=title, scale=scale), x2="high:Q", color=colour)
    )
    points = base.mark_point(filled=True, size=75, opacity=1).encode(
        y=y, x=alt.X("value:Q", title=title, scale=scale), color=colour
    )
    layers = [lines, points]
    if zero:
        at = alt.Chart(alt.Data(values=[{"at": 0}]))
        layers.insert(0, at.mark_rule(color=MUTED.light, strokeDash=[4, 3]).encode(x="at:Q"))
    drawn = alt.layer(*layers).properties(width=WIDTH, height=_ROW * len(rows) + 8)
    return finished(drawn, order)


def bars(
    parts: Iterable[Mapping[str, object]], names: Sequence[str], kinds: Mapping[str, str]
) -> dict[str, Any]:
    """Return a bar for each name, of shares that add up to one; `kinds` are parts and colours."""
    alt = library("altair")
    rows = [{**part, "name": label(str(part["name"]))} for part in parts]
    order = [*kinds]
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(stroke=PAPER.light, strokeWidth=1, height=15)
        .encode(
            y=alt.Y("name:N", sort=[label(name) for name in names], title=None),
            x=alt.X(
                "share:Q",
                title="share of trials",
                axis=alt.Axis(format="%"),
                scale=alt.Scale(domain=[0, 1]),
            ),
            color=alt.Color(
                "kind:N", scale=alt.Scale(domain=order, range=[*kinds.values()]), sort=order
            ),
            order=alt.Order("place:Q"),
        )
        .properties(width=WIDTH, height=_ROW * len(names) + 8)
    )
    return finished(chart, names)


def lines(
    series: Mapping[str, Sequence[Dot]], order: Sequence[str], title: str, *, percent: bool
) -> dict[str, Any]:
    """Return a line for each series over named places, each number with its interval."""
    alt = library("altair")
    rows = [
        {**row, "series": label(name)}
        for name, found in series.items()
        for row in _rows(found, percent=percent)
    ]
    names = [label(name) for name in series]
    x = alt.X(
        "name:N", sort=[label(name) for name in order], title=None, axis=alt.Axis(labelAngle=0)
    )
    colour = alt.Color(
        "series:N",
        sort=names,
        scale=alt.Scale(domain=names, range=[*SERIES]),
        legend=alt.Legend() if len(names) > 1 else None,
    )
    base = alt.Chart(alt.Data(values=rows))
    scale = _scale(alt, percent=percent)
    y = alt.Y("value:Q", title=title, scale=scale, axis=alt.Axis(grid=True))
    drawn = [
        base.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour),
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=1.5)
        .encode(x=x, y=alt.Y("low:Q", title=title, scale=scale), y2="high:Q", color=colour),
        base.mark_point(filled=True, size=65, opacity=1).encode(x=x, y=y, color=colour),
    ]
    return finished(alt.layer(*drawn).properties(width=WIDTH, height=220))


def scatter(
    found: Sequence[tuple[str, float, float]], titles: tuple[str, str], *, percent: bool
) -> dict[str, Any]:
    """Return a named dot for each pair of numbers."""
    alt = library("altair")
    scale = 100 if percent else 1
    rows = [{"name": label(name, 30), "x": x, "y": y * scale} for name, x, y in found]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("x:Q", title=titles[0], scale=alt.Scale(zero=False, nice=True, padding=45)),
        y=alt.Y(
            "y:Q",
            title=titles[1],
            scale=_scale(alt, percent=percent, padding=20),
            axis=alt.Axis(grid=True),
        ),
    )
    points = base.mark_point(filled=True, size=75, opacity=1, color=BLUE.light)
    names = base.mark_text(dy=-12, fontSize=12, color=INK.light).encode(text="name:N")
    return finished((points + names).properties(width=WIDTH, height=260))


def _scale(alt: Any, *, percent: bool, **options: Any) -> Any:
    """Return the scale of scores: all of a rate, and of other numbers as far as they go."""
    if percent:
        return alt.Scale(domain=RATE)
    return alt.Scale(zero=False, nice=True, **options)


def _rows(found: Sequence[Dot], *, percent: bool) -> list[dict[str, Any]]:
    scale = 100 if percent else 1
    seen: Counter[str] = Counter()
    rows = []
    for dot in found:
        name = label(dot.name)
        seen[name] += 1
        rows.append(
            {
                "name": name if seen[name] == 1 else f"{name} ({seen[name]})",
                "value": dot.value * scale,
                "low": None if dot.low is None else dot.low * scale,
                "high": None if dot.high is None else dot.high * scale,
                "colour": dot.colour,
            }
        )
    return rows
