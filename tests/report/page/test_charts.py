"""Charts: drawn without style and script, in the colours of the page, and named in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from promptlab.report.html.charts.drawing import figure, label, png, svg
from promptlab.report.html.charts.marks import Dot, dots, lines, scatter
from promptlab.report.html.charts.report import charts_of
from promptlab.report.html.page.palette import DRAWN, FAINT, PAPER

from .conftest import Made
from .parsed import parsed

pytestmark = pytest.mark.slow
COLOURS = {one.light for one in (*DRAWN, FAINT, PAPER)} | {"none", "white"}


def test_each_part_has_its_chart(made: Made) -> None:
    names = [chart.name for chart in charts_of(made.view)]
    assert names == ["arms", "differences", "decomposition", "practices", "history-1", "cost"]


def test_pictures_hold_no_style_no_script_and_the_colours_of_the_page(made: Made) -> None:
    for chart in charts_of(made.view):
        page = parsed(figure(chart))
        attributes = {name for _, values in page.tags for name in values}
        assert not attributes & {"style", "onload", "href", "xlink:href"}
        assert {name for name, _ in page.tags} <= {
            *(
                "figure",
                "figcaption",
                "svg",
                "g",
                "path",
                "line",
                "rect",
                "text",
                "defs",
                "clippath",
            )
        }
        drawn = {values.get(kind) for _, values in page.tags for kind in ("fill", "stroke")}
        assert drawn - {None} <= COLOURS, chart.name
        [picture] = [values for name, values in page.tags if name == "svg"]
        assert (picture["role"], picture["aria-label"]) == ("img", chart.caption)


def test_files_are_pictures_of_the_same(made: Made) -> None:
    chart = charts_of(made.view)[0]
    assert svg(chart).startswith("<svg ")
    assert png(chart).startswith(b"\x89PNG\r\n")
    for name in ("task@v1", "task@v2", "task@v3"):
        assert name in svg(chart)


def test_ids_of_two_charts_are_apart(made: Made) -> None:
    html = "".join(figure(chart) for chart in charts_of(made.view))
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_labels_are_visible_and_short() -> None:
    assert label("a\u202eb\n c") == "a<U+202E>b c"
    assert label("x" * 100) == "x" * 59 + "…"


def domains(spec: Any) -> Iterator[Any]:
    """Yield the ends of the axes of scores in a chart; None where its numbers set them."""
    parts = spec if isinstance(spec, list) else spec.values() if isinstance(spec, dict) else ()
    for part in parts:
        yield from domains(part)
    if isinstance(spec, dict) and spec.get("field") in {"value", "low", "y"}:
        yield spec["scale"].get("domain")


HIGH = [Dot("task@v1", 0.91, 0.88, 0.94), Dot("task@v2", 0.93, 0.9, 0.95)]


def test_the_axis_of_a_rate_goes_from_none_to_all() -> None:
    for percent, expected in ((True, [0, 100]), (False, None)):
        for spec in (
            dots(HIGH, "right", percent=percent),
            lines({"echo": HIGH}, ["task@v1", "task@v2"], "right", percent=percent),
            scatter([("v1", 1.0, 0.9), ("v2", 2.0, 0.94)], ("USD", "right"), percent=percent),
        ):
            found = [*domains(spec)]
            assert found
            assert all(each == expected for each in found)


def test_the_axis_of_differences_of_rates_is_around_zero(made: Made) -> None:
    drawn = {chart.name: [*domains(dict(chart.spec))] for chart in charts_of(made.view)}
    assert drawn["arms"] == [[0, 100]] * 2
    assert drawn["differences"] == [None] * 2
