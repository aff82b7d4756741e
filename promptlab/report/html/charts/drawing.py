"""Charts as values, and their pictures: SVG and PNG, drawn by vl-convert without a browser."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptlab.core.visible import visible
from promptlab.report.html.charts.library import library
from promptlab.report.html.page.markup import Html, tag, text

_ROOT = re.compile(r'<svg [^>]*?width="(?P<width>[\d.]+)" height="(?P<height>[\d.]+)"[^>]*>')
_BACKGROUND = re.compile(r'<rect width="[\d.]+" height="[\d.]+" fill="white"/>')
_ROLES = re.compile(r' (?:role|aria-[a-z]+)="[^"]*"')
_ID = re.compile(r'(\bid="|url\(#)([\w-]+)')


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of a report: its name, what it shows in words, and its Vega-Lite specification."""

    name: str
    caption: str
    spec: Mapping[str, Any]


def svg(chart: Chart) -> str:
    """Return a chart as an SVG file, on white."""
    return str(library("vl_convert").vegalite_to_svg(dict(chart.spec)))


def png(chart: Chart) -> bytes:
    """Return a chart as a PNG file, on white, twice as large as it is in a page."""
    return bytes(library("vl_convert").vegalite_to_png(dict(chart.spec), scale=2))


def figure(chart: Chart) -> Html:
    """Return a chart for a page: its style sheet sets the colours, and a table has the numbers."""
    drawn = svg(chart)
    root = _ROOT.match(drawn)
    assert root is not None
    box = f"0 0 {root['width']} {root['height']}"
    opened = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" width="{root["width"]}"'
        f' height="{root["height"]}" role="img" aria-label="{text(chart.caption)}">'
    )
    inner = _BACKGROUND.sub("", drawn[root.end() :], count=1)
    inner = _ROLES.sub("", inner)  # the picture has one name, and a table its numbers
    inner = _ID.sub(rf"\g<1>{chart.name}-\g<2>", inner)
    return tag(
        "figure",
        Html(f"{opened}{inner}"),
        tag("figcaption", chart.caption),
        class_="chart",
        tabindex="0",
    )


def label(name: str, most: int = 60) -> str:
    """Return a name as an axis shows it."""
    shown = " ".join(visible(name).split())
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"
