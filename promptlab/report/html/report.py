"""A report as a page, with its charts. Needs the extra `report`, which charts load on first use."""

from __future__ import annotations

from collections.abc import Sequence

from promptlab.report.html.charts.drawing import Chart, figure, png, svg
from promptlab.report.html.charts.library import require_charts
from promptlab.report.html.charts.report import charts_of
from promptlab.report.html.page.report import report_html
from promptlab.report.views.report import ReportView

__all__ = ["charts_of", "png", "report_page", "require_charts", "svg"]


def report_page(view: ReportView, charts: Sequence[Chart] | None = None) -> str:
    """Return a report as one page that loads nothing, with its charts, drawn unless given."""
    drawn = charts_of(view) if charts is None else charts
    return report_html(view, {chart.name: figure(chart) for chart in drawn})
